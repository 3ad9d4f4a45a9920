"""What events do to rows, without a file: one noun after the other."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from trunkline.engine.calls.records import fold
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallEnded,
    CallReceived,
    CallRepeated,
    Converted,
    OfferReserved,
    PayoutEarned,
)
from trunkline.events.entry import Event
from trunkline.events.leads import (
    DeliveryEnded,
    LeadAccepted,
    LeadEnded,
    LeadHeld,
    LeadReceived,
    LeadReviewed,
    LeadUnmatched,
)
from trunkline.kernel.money import Money
from trunkline.testing.lives import lives
from trunkline.worker.projections.attempts import ATTEMPTS, AttemptRow
from trunkline.worker.projections.calls import CALLS, CallRow
from trunkline.worker.projections.deliveries import DELIVERIES
from trunkline.worker.projections.leads import LEADS, LeadRow
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.rows import ROWS_KEPT_MAX, Rows, Views, nothing_written
from trunkline.worker.projections.table import Index, Table

pytestmark = pytest.mark.unit

CALL: dict[str, Any] = {"account": "acme", "call": "call_1", "at_ms": 1_000}
LEAD: dict[str, Any] = {"account": "acme", "call": "lead_1", "at_ms": 1_000}


def folded(*events: Event) -> Views:
    views = Views(VIEWS.tables)
    VIEWS.fold(views, [(seq, "c0ffee", event) for seq, event in enumerate(events, 1)])
    return views


def received(**changed: Any) -> CallReceived:
    fields: dict[str, Any] = {
        "number": "+18335550100", "campaign": "injury", "publisher": "adwave", "source": "fb", "caller": None,
        "caller_given": "", "trunk": "carrier", "snapshot": "5",
    }  # fmt: skip
    return CallReceived(**CALL | fields | changed)


def lead_received(**changed: Any) -> LeadReceived:
    fields: dict[str, Any] = {
        "campaign": "roofing", "publisher": "adwave", "source": None, "via": "post", "attributes": {}, "basis": {},
        "consent": {}, "ignored": (), "snapshot": "5",
    }  # fmt: skip
    return LeadReceived(**LEAD | fields | changed)


def offer(about: dict[str, Any], attempt: str = "att_1", buyer: str = "ace", price: int = 12_000) -> OfferReserved:
    return OfferReserved(
        **about, attempt=attempt, lease="l", rank=1, route=f"p.t.{buyer}", target=f"{buyer}-in", buyer=buyer, tier="t",
        method="priority", price=Money(price, "USD"), conversion="", decision_us=14, snapshot="5",
    )  # fmt: skip


def call_row(views: Views) -> CallRow:
    row = views.of(CALLS).get("call_1")
    assert row is not None
    return row


def lead_row(views: Views) -> LeadRow:
    row = views.of(LEADS).get("lead_1")
    assert row is not None
    return row


def attempt_row(views: Views, attempt: str = "att_1") -> AttemptRow:
    row = views.of(ATTEMPTS).get(attempt)
    assert row is not None
    return row


def test_a_sold_call_has_its_buyer_money_and_times() -> None:
    views = folded(
        received(),
        offer(CALL, "att_1", "deuce"),
        AttemptEnded(**CALL, attempt="att_1", outcome="busy", sip_status=486, ring_ms=40),
        offer(CALL, "att_2", "ace"),
        AttemptConnected(**CALL | {"at_ms": 5_000}, attempt="att_2", ring_ms=4_000),
        Converted(**CALL, attempt="att_2", buyer="ace", route="p.t.ace", amount=Money(12_000, "USD"), rule="d"),
        PayoutEarned(**CALL, attempt="att_2", publisher="adwave", amount=Money(4_500, "USD"), rule="p"),
        AttemptEnded(**CALL | {"at_ms": 99_000}, attempt="att_2", outcome="connected", duration_ms=94_000),
        CallEnded(**CALL | {"at_ms": 99_500}, outcome="sold", reason=None, ended_by="caller", duration_ms=98_500),
    )
    row = call_row(views)
    assert (row.outcome, row.ended_by, row.ended_ms, row.call_ms) == ("sold", "caller", 99_500, 98_500)
    assert (row.buyer, row.target, row.route, row.attempts) == ("ace", "ace-in", "p.t.ace", 2)
    assert (row.price_minor, row.revenue_minor, row.payout_minor, row.currency) == (12_000, 12_000, 4_500, "USD")
    assert (row.duration_ms, row.contact, row.decision_us) == (94_000, "c0ffee", 14)
    tried, taken = attempt_row(views, "att_1"), attempt_row(views, "att_2")
    assert (tried.outcome, tried.sip_status, tried.ring_ms, tried.revenue_minor) == ("busy", 486, 40, None)
    assert (taken.outcome, taken.sip_status, taken.connected_ms, taken.revenue_minor) == ("connected", 200, 5000, 12000)
    assert (taken.kind, taken.campaign, taken.publisher, taken.source) == ("call", "injury", "adwave", "fb")


def test_each_attempt_that_converts_adds_to_what_the_call_has_earned() -> None:
    amount = Money(5_000, "USD")
    views = folded(
        received(),
        offer(CALL, "att_1"),
        Converted(**CALL, attempt="att_1", buyer="ace", route="r", amount=amount, rule="d"),
        offer(CALL, "att_2"),
        Converted(**CALL, attempt="att_2", buyer="ace", route="r", amount=amount, rule="d"),
    )
    assert call_row(views).revenue_minor == 10_000


def test_no_digit_of_a_caller_and_no_field_of_a_lead_is_in_a_row() -> None:
    views = folded(
        received(caller="+15125550142", caller_given="sip:+15125550142@x", diverted_from="+15125550143"),
        lead_received(attributes={"lead.phone": "+15125550142"}, consent={"ip": "192.0.2.1"}),
    )
    for _, rows in views.each():
        assert "5125550" not in repr(list(rows.new))
        assert "192.0.2.1" not in repr(list(rows.new))


def test_a_lead_is_held_reviewed_and_sold_to_two() -> None:
    accepted = {"outcome": "accepted", "status": 201, "took_ms": 90, "buyers_id": "b-7"}
    price = Money(2_000, "USD")
    held = folded(lead_received(), LeadHeld(**LEAD, reason="review"))
    assert (lead_row(held).outcome, lead_row(held).held_reason) == ("held", "review")
    views = folded(
        lead_received(flags=("a", "b"), test=True),
        LeadHeld(**LEAD, reason="review"),
        LeadReviewed(**LEAD, decision="approved", by="mia"),
        offer(LEAD, "att_1", "ace", 2_000),
        DeliveryEnded(**LEAD, attempt="att_1", **accepted),
        Converted(**LEAD, attempt="att_1", buyer="ace", route="r", amount=price, rule="accepted"),
        offer(LEAD, "att_2", "deuce", 2_000),
        DeliveryEnded(**LEAD, attempt="att_2", **accepted),
        Converted(**LEAD, attempt="att_2", buyer="deuce", route="r", amount=price, rule="accepted"),
        LeadAccepted(**LEAD, attempts=("att_1", "att_2"), payout=None, took_ms=300, not_paid="no_rule"),
    )
    row = lead_row(views)
    assert (row.outcome, row.sold, row.buyer, row.revenue_minor) == ("sold", 2, "ace", 4_000)
    assert (row.reviewed, row.reviewed_by, row.flags, row.test, row.not_paid) == (
        "approved",
        "mia",
        "a b",
        1,
        "no_rule",
    )
    assert attempt_row(views).kind == "lead"
    delivery = views.of(DELIVERIES).get("att_2")
    assert delivery is not None
    assert (delivery.outcome, delivery.status, delivery.buyer, delivery.buyers_id) == ("accepted", 201, "deuce", "b-7")


@pytest.mark.parametrize(
    ("end", "outcome", "reason"),
    [
        (LeadUnmatched(**LEAD, reason="no_buyer", took_ms=1), "unsold", "no_buyer"),
        (LeadEnded(**LEAD, outcome="duplicate", reason="same_phone", of="lead_0"), "duplicate", "same_phone"),
        (LeadEnded(**LEAD, outcome="interrupted", reason="crash"), "interrupted", "crash"),
    ],
)
def test_how_a_lead_ends_unsold(end: Event, outcome: str, reason: str) -> None:
    row = lead_row(folded(lead_received(), end))
    assert (row.outcome, row.reason) == (outcome, reason)
    assert row.duplicate_of == ("lead_0" if outcome == "duplicate" else None)


def test_events_of_what_was_never_received_change_nothing() -> None:
    views = folded(
        offer(CALL),
        AttemptConnected(**CALL, attempt="att_1", ring_ms=1),
        AttemptEnded(**CALL, attempt="att_1", outcome="busy"),
        DeliveryEnded(**LEAD, attempt="att_9", outcome="accepted"),
        CallRepeated(**CALL, duplicate=True, duplicate_of=None, seen=()),
        CallEnded(**CALL, outcome="sold", reason=None, ended_by="caller", duration_ms=1),
        LeadAccepted(**LEAD, attempts=(), payout=None, took_ms=1),
    )
    assert all(not list(rows.new) and not list(rows.changed) for _, rows in views.each())


def test_a_row_says_what_the_record_of_its_call_says() -> None:
    events = [event for event, _ in lives(Random(5), calls=300)]
    views = folded(*events)
    for record in fold(events).values():
        row = views.of(CALLS).get(record.id)
        assert row is not None
        for name in (
            "outcome", "unsold_reason", "ended_reason", "ended_by", "buyer", "target", "route", "currency", "call_ms",
            "duration_ms", "not_converted", "not_paid", "recording", "voicemail", "decision_us", "duplicate_of",
        ):  # fmt: skip
            assert getattr(row, name) == getattr(record, name), (record.id, name)
        assert row.attempts == len(record.attempts)
        assert record.revenue == (None if row.revenue_minor is None else str(Money(row.revenue_minor, "USD")))
        for attempt in record.attempts:
            tried = views.of(ATTEMPTS).get(attempt.attempt)
            assert tried is not None
            assert (tried.outcome, tried.sip_status, tried.ring_ms) == (
                attempt.outcome,
                attempt.sip_status,
                attempt.ring_ms,
            )


def test_what_is_not_in_memory_is_asked_for_and_written_once() -> None:
    stored = {}
    rows = Rows(CALLS, lambda table, key: stored.get(key))
    views = folded(received())
    ((values,),) = [list(of.new) for table, of in views.each() if table is CALLS]
    stored["call_1"] = values
    assert rows.get("lead_1") is None, "its key says that it is no call"
    row = rows.edit("call_1")
    assert row is not None
    row.outcome = "sold"
    assert list(rows.new) == []
    assert [each[CALLS.columns.index("outcome")] for each in rows.changed] == ["sold"]
    rows.written()
    assert list(rows.changed) == []
    assert rows.get("call_1") is row


def test_memory_is_bounded() -> None:
    rows: Rows[CallRow] = Rows(CALLS, nothing_written)
    (values,) = (next(iter(of.new)) for table, of in folded(received()).each() if table is CALLS)
    for number in range(ROWS_KEPT_MAX + 5):
        rows.add(f"call_{number}", CALLS.make(values))
    assert rows.get("call_0") is not None, "what is not written stays"
    rows.written()
    assert rows.get("call_4") is None
    assert rows.get("call_5") is not None


def test_a_table_follows_from_its_row() -> None:
    table = Table("calls", CallRow, (Index(("account", "at_ms"), where="outcome IS NULL"),))
    assert table.key == "call"
    assert "call TEXT PRIMARY KEY NOT NULL" in table.create
    assert "at_ms INTEGER NOT NULL" in table.create
    assert "mos REAL," in table.create
    assert table.indexes == ("CREATE INDEX calls_by_account_at_ms ON calls (account, at_ms) WHERE outcome IS NULL",)
    assert "prefix" not in table.create
