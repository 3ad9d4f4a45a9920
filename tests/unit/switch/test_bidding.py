"""The parts of asking bidders that need no network: bids that stand, requests that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from trunkline.config.schema import Kind
from trunkline.config.secrets import Secrets
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.routing.auction import Bid
from trunkline.kernel.money import Money
from trunkline.switch.bidding.inquiry import Inquiry
from trunkline.switch.bidding.pacing import A_TURN, Pace
from trunkline.switch.bidding.repeats import Question, RepeatBids, question_of
from trunkline.switch.facts import FactBoard

pytestmark = pytest.mark.unit


def inquiry(contact: str | None = "me", campaign: str = "roofing", **attributes: str) -> Inquiry:
    known = {name.replace("__", "."): value for name, value in attributes.items()}
    asked = Asked(kind=Kind.CALL, campaign=campaign, attributes=known)
    return Inquiry(account="acme", call="c", contact=contact, currency="USD", asked=asked, secrets=Secrets({}))


def question(**attributes: str) -> Question:
    found = question_of(inquiry(**attributes))
    assert found is not None
    return found


def bid(ends_ms: int | None) -> Bid:
    return Bid("bid", Money(1_000, "USD"), expires_ms=ends_ms)


def test_the_same_question_is_one_in_which_nothing_new_is_known() -> None:
    same = question(geo__state="TX", time__hour="10", caller__repeat="no")
    assert same == question(geo__state="TX", time__hour="11", caller__repeat="yes")
    assert same != question(geo__state="TX", geo__zip="78701")
    assert same != question_of(inquiry(campaign="solar", geo__state="TX"))
    assert question_of(inquiry(None)) is None, "nobody can know whether a withheld number has called before"


def test_a_bid_stands_until_it_ends_or_is_used() -> None:
    bids, mine = RepeatBids(), question()
    bids.keep(mine, "a", bid(1_000))
    bids.keep(mine, "b", bid(None))
    assert bids.get(mine, "a", 999) == bid(1_000)
    assert bids.get(mine, "b", 0) is None, "it never said how long it stands"
    assert bids.get(mine, "a", 1_000) is None
    assert len(bids) == 0
    bids.keep(mine, "a", bid(1_000))
    bids.use(mine, "a")
    assert bids.get(mine, "a", 0) is None


def test_the_oldest_bids_are_forgotten_first() -> None:
    bids = RepeatBids(most=2)
    for state in ("TX", "OK", "NY"):
        bids.keep(question(geo__state=state), "a", bid(1_000))
    assert len(bids) == 2
    assert bids.get(question(geo__state="TX"), "a", 0) is None
    assert bids.get(question(geo__state="NY"), "a", 0) is not None


def test_what_waits_is_begun_a_little_in_every_turn_and_in_order() -> None:
    begun: list[int] = []
    turns: list[int] = []

    def step(place: int) -> Callable[[], None]:
        return lambda: begun.append(place)

    async def run() -> None:
        pace = Pace(asyncio.get_running_loop())
        pace.begin(step(place) for place in range(A_TURN))
        assert len(begun) == A_TURN, "few are begun at once"
        pace.begin(step(A_TURN + place) for place in range(2 * A_TURN + 5))
        pace.begin([step(3 * A_TURN + 5)])
        while len(pace):
            turns.append(len(begun))
            await asyncio.sleep(0)

    asyncio.run(run())
    assert begun == list(range(3 * A_TURN + 6))
    assert turns == [2 * A_TURN, 3 * A_TURN]


def test_a_target_is_down_as_long_as_anybody_finds_it_down() -> None:
    facts = FactBoard()
    assert facts.take_down("acme", "servers", frozenset({"a"}))[:2] == (["a"], [])
    assert facts.take_down("acme", "bidders", frozenset({"a", "b"}))[:2] == (["b"], [])
    assert facts.take_down("acme", "servers", frozenset())[:2] == ([], [])
    assert facts.of("acme").out == {"a", "b"}
    gone, back, version = facts.take_down("acme", "bidders", frozenset())
    assert (gone, back, version) == ([], ["a", "b"], facts.of("acme").version)
    assert facts.of("other").out == frozenset()
