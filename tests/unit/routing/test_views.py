"""What buyers and publishers may see: their own, in public codes, and nothing that tells of anybody else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.routing.test_replay import Decided

from trunkline.engine.routing.compared import Compared
from trunkline.engine.routing.reasons import ROUTE_WORDS, UNSOLD_WORDS, Reason, Unsold
from trunkline.engine.routing.routes import RouteTrace
from trunkline.engine.routing.views import BuyerSees, PublisherSees, for_buyer, for_publisher
from trunkline.events.calls import Rejection
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit


def route(target: str, buyer: str, outcome: str, reason: str | None = None, **more: object) -> RouteTrace:
    rejection = (
        None if reason is None else Rejection(f"p.t.{target}", target, reason, "account", "live", None, 9, 9, "x")
    )
    fields = {"plan": "p", "tier": "t", "method": "auction", "price": Money(4_200, "USD"), "rejection": rejection}
    return RouteTrace(route=f"p.t.{target}", target=target, buyer=buyer, outcome=outcome, **fields, **more)  # type: ignore[arg-type]


def test_a_buyer_sees_its_own_routes() -> None:
    routes = [
        route("theirs", "bob", "offered", rank=1),
        route("mine", "ann", "offered", rank=2),
        route("full", "ann", "rejected", "limit", compared=Compared(what="geo.state", asked="eq TX", found="OK")),
        route("full", "ann", "rejected", "limit"),
        route("later", "ann", "waiting"),
        route("newer", "ann", "rejected", "something that is not known here"),
    ]
    assert for_buyer("ann", routes) == (
        BuyerSees(target="full", outcome="not_offered", code="limit"),
        BuyerSees(target="later", outcome="not_offered", code="not_reached"),
        BuyerSees(target="mine", outcome="offered", price="42.00", currency="USD"),
        BuyerSees(target="newer", outcome="not_offered", code="no_buyer"),
    )
    assert for_buyer("eve", routes) == ()


def test_a_publisher_sees_codes_and_no_buyers() -> None:
    seen = for_publisher("unsold", "no_capacity", ["limit", "hours", "criteria", "hours", "newer"])
    assert seen == PublisherSees(
        outcome="unsold", reason="no_buyer", reasons=("no_buyer", "no_buyer_area", "no_buyer_open", "no_capacity")
    )
    assert for_publisher("sold", None, ["limit"]) == PublisherSees(outcome="sold")
    assert for_publisher("abandoned", "x", ["limit"]) == PublisherSees(outcome="not_sold")
    assert for_publisher("unsold", "newer", []) == PublisherSees(
        outcome="unsold", reason="no_buyer", reasons=("no_buyer",)
    )


@settings(max_examples=150)
@given(st.integers(0, 2**48))
def test_nothing_else_leaks(seed: int) -> None:
    """Whatever the decision: a view holds own targets and prices of own offers, public codes, and not one more text."""
    decided = Decided(seed)
    routes = decided.again().routes
    for buyer in ("buyer0", "buyer1", "buyer2"):
        own = [each for each in routes if each.buyer == buyer]
        allowed = {each.target for each in own} | {words.buyer for words in ROUTE_WORDS.values()}
        allowed |= {"offered", "not_offered", "USD"}
        allowed |= {str(each.price) for each in own if each.outcome == "offered"}
        assert texts(for_buyer(buyer, routes)) <= allowed
        others = [each for each in routes if each.buyer != buyer]
        assert for_buyer(buyer, own) == for_buyer(buyer, [*others, *own]), "others change nothing"
    told = decided.told
    seen = for_publisher("unsold" if told.ended else "sold", told.reason, [each.reason for each in told.rejected])
    codes = {words.publisher for words in (*ROUTE_WORDS.values(), *UNSOLD_WORDS.values())}
    assert texts(seen) <= codes | {"sold", "unsold"}


def texts(view: object) -> set[str]:
    """All texts in a view."""
    if isinstance(view, msgspec.Struct):
        return texts(msgspec.structs.astuple(view))
    if isinstance(view, list | tuple):
        return {text for each in view for text in texts(each)}
    return {view} if isinstance(view, str) else set()


def test_public_codes_name_no_objects() -> None:
    """Codes are a closed list of plain words; none of them is a level, a measure or a key."""
    codes = {words.buyer for words in ROUTE_WORDS.values()} | {words.publisher for words in ROUTE_WORDS.values()}
    assert set(ROUTE_WORDS) == set(Reason)
    assert set(UNSOLD_WORDS) == set(Unsold)
    assert not codes & {"account", "campaign", "publisher", "group", "buyer", "target", "route", "live", "spend"}
