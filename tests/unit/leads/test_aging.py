"""When leads are offered again, and to whom they are not; and what of a call or lead can be sent back."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.config.review_rules import Resale
from trunkline.engine.leads.aging import DAY_MS, buyers_that_had, due_again, why_not_again
from trunkline.events.calls import Converted, OfferReserved, PayoutEarned
from trunkline.events.entry import Event, Position, Record
from trunkline.events.leads import DeliveryEnded, LeadAccepted, LeadReceived, LeadUnmatched
from trunkline.kernel.money import Money
from trunkline.kernel.windows import HOUR_MS
from trunkline.switch.returns import sales_of

pytestmark = pytest.mark.unit

CAME_MS = 1_800_000_000_000
ABOUT: dict[str, Any] = {"account": "acme", "call": "lead_1"}
RULES = Resale(plan="aged", after_hours=24, max_age_days=3, times=2)
UNSOLD = LeadUnmatched(**ABOUT, at_ms=CAME_MS + 5_000, reason="no_buyer", took_ms=5)
SOLD = LeadAccepted(**ABOUT, at_ms=CAME_MS + 5_000, attempts=("att_1", "att_2"), payout=None, took_ms=5)


def due(rules: Resale | None, event: LeadUnmatched | LeadAccepted = UNSOLD, **more: Any) -> int | None:
    return due_again(rules, event, **({"rounds": 0, "first_ms": CAME_MS, "exclusive": {}} | more))


def test_an_unsold_lead_is_offered_again_as_often_and_as_long_as_was_said() -> None:
    assert due(RULES) == UNSOLD.at_ms + 24 * HOUR_MS
    assert due(RULES, rounds=1) == UNSOLD.at_ms + 24 * HOUR_MS
    assert due(RULES, rounds=2) is None
    assert due(RULES, first_ms=CAME_MS - 2 * DAY_MS + 5_000) == UNSOLD.at_ms + DAY_MS
    assert due(RULES, first_ms=CAME_MS - 2 * DAY_MS + 4_999) is None
    assert due(None) is None
    assert due(Resale(plan="aged", paused=True)) is None


@pytest.mark.parametrize(
    ("exclusive", "again"),
    [
        ({"att_1": False, "att_2": False}, True),
        ({"att_1": False, "att_2": True}, False),
        ({"att_1": False}, False),
    ],
)
def test_a_sold_lead_is_offered_again_only_when_nobody_bought_it_alone(exclusive: dict[str, bool], again: bool) -> None:
    shared_too = Resale(plan="aged", shared_too=True)
    assert (due(shared_too, SOLD, exclusive=exclusive) is not None) is again
    assert due(RULES, SOLD, exclusive=exclusive) is None


def test_what_has_changed_meanwhile_counts() -> None:
    said: dict[str, Any] = {"erased": False, "first_ms": CAME_MS, "now_ms": CAME_MS + DAY_MS}
    assert why_not_again(RULES, **said) is None
    assert why_not_again(RULES, **(said | {"erased": True})) == "erased"
    assert why_not_again(None, **said) == "not_asked_for"
    assert why_not_again(RULES, **(said | {"now_ms": CAME_MS + 3 * DAY_MS + 1})) == "too_old"


def offer(attempt: str, buyer: str) -> OfferReserved:
    return OfferReserved(
        **ABOUT, at_ms=CAME_MS, attempt=attempt, lease="l", rank=1, route=f"all.t1.{buyer}", target=f"{buyer}-crm",
        buyer=buyer, tier="t1", method="priority", price=Money(3500, "USD"), conversion="default", decision_us=1,
        snapshot="s",
    )  # fmt: skip


def ended(attempt: str, outcome: str, *, sent: bool = True) -> DeliveryEnded:
    return DeliveryEnded(**ABOUT, at_ms=CAME_MS, attempt=attempt, outcome=outcome, sent=sent)


def test_whoever_may_have_got_a_lead_has_had_it() -> None:
    events: list[Event] = [
        offer("att_1", "ace"),
        ended("att_1", "rejected"),
        offer("att_2", "bolt"),
        ended("att_2", "http_error", sent=False),
        offer("att_3", "cork"),
        ended("att_3", "timeout"),
        offer("att_4", "dove"),
    ]
    assert buyers_that_had(events) == {"ace", "cork", "dove"}


def test_each_sale_of_a_shared_lead_can_be_sent_back_by_itself() -> None:
    received = LeadReceived(
        **ABOUT, at_ms=CAME_MS, campaign="roofing", publisher="adwave", source="fb", via="post", attributes={},
        basis={}, consent={}, ignored=(), snapshot="s",
    )  # fmt: skip
    price, payout = Money(3500, "USD"), Money(2100, "USD")
    events: list[Event] = [received]
    for attempt, buyer in (("att_1", "ace"), ("att_2", "bolt")):
        events.append(offer(attempt, buyer))
        sold = Converted(**ABOUT, at_ms=CAME_MS + 9, attempt=attempt, buyer=buyer, route="r", amount=price, rule="x")
        events.append(sold)
    earned = PayoutEarned(**ABOUT, at_ms=CAME_MS, attempt="att_1", publisher="adwave", amount=payout, rule="x")
    records = [Record(Position("s", seq), event, "c" * 32) for seq, event in enumerate([*events, earned], start=1)]
    first, second = sales_of(records)
    assert (first.buyer, first.target, first.price, first.payout) == ("ace", "ace-crm", price, payout)
    assert (second.buyer, second.payout, second.contact) == ("bolt", None, "c" * 32)
    assert sales_of(records[1:]) == (), "nobody knows whose it was"
