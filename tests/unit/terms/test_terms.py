"""What an event is worth: whose rule counts, when its timer fires, what the publisher gets."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, Caller, query, router

from trunkline.config.contacts import PayoutDuplicates
from trunkline.config.criteria import Condition, Operator
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.schema import (
    Kind,
    Payout,
)
from trunkline.engine.routing.offer import Attribute, Offer, Query
from trunkline.engine.routing.values import Known, Types
from trunkline.engine.terms.payouts import NotPaid, Selected, Traffic, payout_amount, pays_again, select_payout
from trunkline.engine.terms.terms import ConversionTerms, PayoutTerms, Terms
from trunkline.engine.terms.timing import conversion_due_ns, payout_due_ns
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def moment(seconds: float) -> Instant:
    return Instant(int(seconds * SECOND), MONDAY_NOON_MS)


def offered(text: str) -> Terms:
    offer = Caller(router(text), query()).next()
    assert isinstance(offer, Offer)
    return offer.candidate.terms


PLAN = 'plans: [{key: main, tiers: [{key: t, method: priority, routes: [{target: a1, price: "50.00"ROUTE}]}]}]\n'


@pytest.mark.parametrize(
    ("levels", "event", "after_ms", "named"),
    [
        ({}, "connect", 0, "default"),
        ({"campaign": "duration, seconds: 90"}, "duration", 90_000, "campaign camp"),
        ({"campaign": "duration, seconds: 90", "buyer": "attempt"}, "attempt", 0, "buyer ann"),
        ({"buyer": "attempt", "target": "duration, seconds: 30, offset_seconds: 5"}, "duration", 35_000, "target a1"),
        ({"target": "attempt", "route": "duration, seconds: 10, offset_seconds: 5"}, "duration", 12_000, "route a1"),
    ],
)
def test_the_most_specific_conversion_counts(levels: dict[str, str], event: str, after_ms: int, named: str) -> None:
    rules = {level: f", conversion: {{call: {{event: {rule}}}}}" for level, rule in levels.items()}
    offset = ", conversion_offset_seconds: 2" if "route" in levels else ""
    terms = offered(
        f"campaigns: [{{key: camp, flow: intake, plan: main{rules.get('campaign', '')}}}]\n"
        f"buyers: [{{key: ann{rules.get('buyer', '')}}}]\n"
        f'targets: [{{key: a1, buyer: ann, dial: "sip:a1@127.0.0.1"{offset}{rules.get("target", "")}}}]\n'
        + PLAN.replace("ROUTE", rules.get("route", ""))
    )
    assert (terms.conversion.event, terms.conversion.after_ms) == (event, after_ms)
    assert terms.rule.startswith(named)


@pytest.mark.parametrize(
    ("terms", "due_s"),
    [
        (ConversionTerms("connect"), 20),
        (ConversionTerms("attempt"), None),
        (ConversionTerms("postback"), None),
        (ConversionTerms("duration", 90_000, "connect"), 110),
        (ConversionTerms("duration", 90_000, "dial"), 100),
        (ConversionTerms("duration", 90_000, "incoming"), 90),
        (ConversionTerms("duration", 5_000, "incoming"), 20),
        (ConversionTerms("duration", 10_000, "dial"), 20),
        (ConversionTerms("duration", 0, "connect"), 20),
    ],
)
def test_conversion_timers(terms: ConversionTerms, due_s: int | None) -> None:
    due = conversion_due_ns(terms, moment(0), moment(10), moment(20))
    assert due == (None if due_s is None else due_s * SECOND)


@pytest.mark.parametrize(
    ("event", "after_ms", "due_s"), [("connect", 0, 20), ("duration", 30_000, 50), ("convert", 0, None)]
)
def test_payout_timers(event: str, after_ms: int, due_s: int | None) -> None:
    terms = PayoutTerms("r", "pub", event, after_ms, amount=usd(1))  # type: ignore[arg-type]
    assert payout_due_ns(terms, moment(20)) == (None if due_s is None else due_s * SECOND)


RULES = (
    Payout(publisher="other", amount=usd(1)),
    Payout(publisher="pub", source="gold", amount=usd(2)),
    Payout(publisher="pub", applies_to="lead", amount=usd(3)),
    Payout(publisher="pub", criteria=Condition("geo.state", Operator.EQ, ("TX",)), amount=usd(4)),
    Payout(publisher="pub", criteria=Condition("geo.state", Operator.EQ, ("CA",)), amount=usd(5), paused=True),
    Payout(
        criteria=Condition("geo.state", Operator.EQ, ("OK",)),
        amount=usd(6),
        hours=Hours(mon=(TimeRange(start=0, until=720),)),
    ),
    Payout(publisher="pub", criteria=Condition("geo.state", Operator.EXISTS, ("true",)), percent=6_000),
)


def select(
    state: str | None = None, source: str | None = None, kind: Kind = Kind.CALL, publisher: str = "pub"
) -> Selected:
    types = Types()
    known = Known({} if state is None else {"geo.state": Attribute(state, "stated")}, types)
    traffic = Traffic(publisher, source, kind, "America/New_York")
    return select_payout("camp", RULES, traffic, known, types, MONDAY_NOON_MS)


@pytest.mark.parametrize(
    ("asked", "place", "not_paid"),
    [
        ({"source": "gold"}, 1, None),
        ({"kind": Kind.LEAD}, 2, None),
        ({"state": "TX"}, 3, None),
        ({"state": "CA"}, 4, NotPaid.RULE_PAUSED),
        ({"state": "OK"}, 5, NotPaid.RULE_HOURS),
        ({"state": "NY"}, 6, None),
        ({}, None, NotPaid.NO_RULE),
        ({"state": "TX", "publisher": ""}, None, NotPaid.NO_RULE),
    ],
)
def test_the_first_rule_is_selected_and_ends_the_search(asked: dict, place: int | None, not_paid: str | None) -> None:  # type: ignore[type-arg]
    selected = select(**asked)
    assert (selected.place, selected.not_paid) == (place, not_paid)
    assert (selected.terms is None) == (not_paid is not None)


@pytest.mark.parametrize(
    ("terms", "earned"),
    [
        (PayoutTerms("r", "p", "convert", amount=usd(4_500)), 4_500),
        (PayoutTerms("r", "p", "convert", percent=6_000), 7_200),
        (PayoutTerms("r", "p", "convert", percent=6_000, max=usd(7_000)), 7_000),
        (PayoutTerms("r", "p", "convert", percent=6_000, min=usd(8_000)), 8_000),
        (PayoutTerms("r", "p", "convert", percent=12_000), 14_400),
        (PayoutTerms("r", "p", "convert", percent=0), 0),
    ],
)
def test_payout_amounts(terms: PayoutTerms, earned: int) -> None:
    assert payout_amount(terms, usd(12_000)) == usd(earned)


def test_a_rule_that_pays_for_arriving_is_frozen_at_receipt_and_not_in_the_offer() -> None:
    text = (
        "campaigns: [{key: camp, flow: intake, plan: main, "
        'payouts: [{publisher: "*", event: incoming, amount: "1.00"}]}]\n' + PLAN.replace("ROUTE", "")
    )
    asked, question = router(text), query()
    assert isinstance(question, Query)
    incoming = asked.incoming_payout(question)
    assert incoming is not None
    assert incoming.amount == usd(100)
    terms = offered(text)
    assert (terms.payout, terms.not_paid) == (None, NotPaid.PAID_AT_RECEIPT_ONLY)


@pytest.mark.parametrize(
    ("rule", "days_ago", "paid"),
    [
        (None, 0, True),
        (PayoutDuplicates(pay="always"), 0, True),
        (PayoutDuplicates(pay="never"), 399, False),
        (PayoutDuplicates(pay="never"), None, True),
        (PayoutDuplicates(pay="older_than", days=30), 29, False),
        (PayoutDuplicates(pay="older_than", days=30), 30, True),
        (PayoutDuplicates(pay="older_than", days=30), None, True),
    ],
)
def test_a_rule_says_whether_it_pays_for_contacts_seen_before(
    rule: PayoutDuplicates | None, days_ago: int | None, paid: bool
) -> None:
    types = Types()
    seen_ms = None if days_ago is None else MONDAY_NOON_MS - days_ago * 86_400_000
    traffic = Traffic("pub", None, Kind.CALL, "America/New_York", seen_ms)
    payouts = (Payout(amount=usd(5), duplicates=rule), Payout(amount=usd(1)))
    selected = select_payout("camp", payouts, traffic, Known({}, types), types, MONDAY_NOON_MS)
    assert selected.place == 0
    assert selected.not_paid == (None if paid else NotPaid.DUPLICATE)


def test_a_day_is_24_hours_to_the_millisecond() -> None:
    rule = PayoutDuplicates(pay="older_than", days=1)
    assert not pays_again(rule, 0, 86_400_000 - 1)
    assert pays_again(rule, 0, 86_400_000)
