"""What events do to rows that come when the sale is over, or before it: the outbox, returns, pings, bids."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.worker.test_projections import (
    CALL,
    LEAD,
    attempt_row,
    call_row,
    folded,
    lead_received,
    lead_row,
    offer,
    received,
)

from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate, Ping
from trunkline.events.calls import CallPromised
from trunkline.events.deliveries import (
    DeliveryDead,
    DeliveryDropped,
    DeliveryQueued,
    DeliveryReplayed,
    DeliverySent,
    DeliveryTried,
)
from trunkline.events.entry import Event
from trunkline.events.leads import DeliveryEnded, LeadAccepted, LeadAged, LeadUnmatched
from trunkline.events.pings import PingBid, PingConfirmed, PingLapsed, PingNoTarget, PingUsed
from trunkline.events.returns import ReturnApproved, ReturnExpired, ReturnRejected, ReturnRequested
from trunkline.kernel.money import Money
from trunkline.worker.projections.auctions import AUCTIONS, BIDS
from trunkline.worker.projections.deliveries import DELIVERIES, DeliveryRow
from trunkline.worker.projections.pings import PINGS, PingRow
from trunkline.worker.projections.returns import RETURNS, ReturnRow

pytestmark = pytest.mark.unit

POST: dict[str, Any] = LEAD | {"attempt": "att_1"}
QUEUED = DeliveryQueued(
    **POST, kind="email", buyer="ace", target="ace-in", campaign="roofing", due_ms=2_000, values={"lead.phone": "+1"}
)
ENDED = DeliveryEnded(**POST, outcome="queued", took_ms=3)
TRIED = DeliveryTried(**POST, tries=1, reason="smtp", detail="450", next_ms=5_000)
SENT = DeliverySent(**POST | {"at_ms": 9_000}, delivery="dlv_1", name="<1@example>", tries=1)
DEAD = DeliveryDead(**POST, tries=2, reason="smtp", detail="550")


def delivery(*events: Event) -> DeliveryRow:
    row = folded(lead_received(), offer(LEAD), *events).of(DELIVERIES).get("att_1")
    assert row is not None
    return row


@pytest.mark.parametrize("events", [(QUEUED, ENDED), (ENDED, QUEUED)])
def test_a_queued_delivery_waits_in_the_outbox(events: tuple[Event, ...]) -> None:
    row = delivery(*events)
    assert (row.kind, row.outcome, row.outbox, row.due_ms, row.tries) == ("email", "queued", "waiting", 2_000, 0)


def test_what_becomes_of_it() -> None:
    tried = delivery(QUEUED, ENDED, TRIED)
    assert (tried.outbox, tried.tries, tried.reason, tried.due_ms) == ("waiting", 1, "smtp", 5_000)
    sent = delivery(QUEUED, ENDED, TRIED, SENT)
    assert (sent.outbox, sent.out_ms, sent.delivery, sent.name, sent.due_ms) == (
        "sent", 9_000, "dlv_1", "<1@example>", None,
    )  # fmt: skip
    dead = delivery(QUEUED, ENDED, TRIED, DEAD)
    assert (dead.outbox, dead.tries, dead.reason, dead.due_ms) == ("dead", 2, "smtp", None)
    again = delivery(QUEUED, ENDED, DEAD, DeliveryReplayed(**POST | {"at_ms": 7_000}))
    assert (again.outbox, again.tries, again.due_ms) == ("waiting", 0, 7_000)
    assert delivery(QUEUED, ENDED, DEAD, DeliveryDropped(**POST)).outbox == "dropped"


def test_what_was_posted_at_once_never_was_in_the_outbox() -> None:
    rejected = DeliveryEnded(**POST, outcome="rejected", reason="we have (512) 555-0100", status=422, sent=True)
    row = delivery(rejected)
    assert (row.kind, row.outbox, row.reason, row.status, row.sent) == ("http", None, "we have …", 422, 1)
    assert attempt_row(folded(lead_received(), offer(LEAD), rejected)).reason == "we have …"


SALE: dict[str, Any] = CALL | {
    "id": "ret_1", "attempt": "att_1", "buyer": "ace", "target": "ace-in", "route": "p.t.ace", "publisher": "adwave",
    "source": None, "reason": "wrong_number", "by": "mia", "sold_ms": 900,
}  # fmt: skip
MONEY: dict[str, Any] = {"credit": Money(12_000, "USD"), "clawback": Money(4_500, "USD")}
REQUESTED = ReturnRequested(**SALE, **MONEY, role="buyer", expires_ms=5_000)
DECIDED: dict[str, Any] = SALE | {"at_ms": 2_000, "by": "policy"}


def returned(*events: Event) -> ReturnRow:
    row = folded(received(), offer(CALL), *events).of(RETURNS).get("ret_1")
    assert row is not None
    return row


@pytest.mark.parametrize("asked", [(REQUESTED,), ()])
def test_an_approved_return_stands_with_its_sale(asked: tuple[Event, ...]) -> None:
    events = (*asked, ReturnApproved(**DECIDED, **MONEY))
    row = returned(*events)
    assert (row.state, row.decided_ms, row.decided_by) == ("approved", 2_000, "policy")
    assert (row.credit_minor, row.clawback_minor, row.currency) == (12_000, 4_500, "USD")
    views = folded(received(), offer(CALL), *events)
    assert (attempt_row(views).returned_ms, attempt_row(views).returned_minor) == (2_000, 12_000)
    assert (call_row(views).returned_minor, call_row(views).clawback_minor) == (12_000, 4_500)


def test_a_return_that_is_not_approved_changes_no_sale() -> None:
    for event, state in ((ReturnRejected(**DECIDED), "rejected"), (ReturnExpired(**DECIDED), "expired")):
        assert returned(REQUESTED, event).state == state
        assert call_row(folded(received(), offer(CALL), REQUESTED, event)).returned_minor is None
    assert returned(REQUESTED).state == "requested"


PING: dict[str, Any] = {"account": "acme", "call": "ping_1", "at_ms": 1_000}
BID = PingBid(
    **PING, kind="lead", campaign="roofing", publisher="adwave", source="fb", bid=Money(700, "USD"),
    price=Money(2_000, "USD"), route="p.t.ace", target="ace-in", buyer="ace", expires_ms=61_000,
    attributes={"geo.zip": "78701"}, seed=1, snapshot="5",
)  # fmt: skip
CONFIRMED = PingConfirmed(**PING | {"at_ms": 1_500}, lease="l", attempt="att_1", route="p.t.ace")


def ping(*events: Event) -> PingRow:
    row = folded(BID, *events).of(PINGS).get("ping_1")
    assert row is not None
    return row


def test_a_ping_and_what_came_of_it() -> None:
    row = ping()
    assert (row.state, row.bid_minor, row.price_minor, row.currency) == ("bid", 700, 2_000, "USD")
    assert "78701" not in repr(row)
    confirmed = ping(CONFIRMED)
    assert (confirmed.state, confirmed.confirmed_ms, confirmed.held) == ("confirmed", 1_500, 1)
    assert ping(CONFIRMED, PingLapsed(**PING)).state == "lapsed"
    nobody = ping(PingNoTarget(**PING, reason="limit"))
    assert (nobody.state, nobody.reason) == ("no_target", "limit")
    used = ping(PingUsed(**PING | {"at_ms": 3_000}, by="lead_1"))
    assert (used.state, used.used_ms, used.used_by) == ("used", 3_000, "lead_1")


def static(route: str, fate: str, minor: int) -> Ping:
    return Ping(route=f"p.t.{route}", target=f"{route}-in", fate=fate, amount=Money(minor, "USD"))


HELD = AuctionHeld(
    **CALL, plan="p", tier="t", deadline_ms=1_500, took_ms=230,
    pings=(
        Ping(route="p.t.ace", target="ace-in", fate="won", amount=Money(900, "USD"), after_ms=80, status=200),
        static("desk", "lost", 700),
        Ping(route="p.t.slow", target="slow-in", fate="timeout", detail="in its own words"),
        Ping(route="p.t.off", target="off-in", fate="filtered", detail="hours"),
        Ping(route="p.t.no", target="no-in", fate="no_bid", after_ms=40, status=200),
    ),
)  # fmt: skip


def test_an_auction_with_its_bids() -> None:
    views = folded(received(), HELD)
    (auction,) = (AUCTIONS.make(values) for values in views.of(AUCTIONS).new)
    assert (auction.campaign, auction.publisher, auction.settled, auction.took_ms) == ("injury", "adwave", 1, 230)
    assert (auction.asked, auction.answered) == (3, 1), "static prices and who was filtered out are not asked"
    assert (auction.target, auction.won_minor, auction.currency) == ("ace-in", 900, "USD")
    bids = {row.target: row for row in map(BIDS.make, views.of(BIDS).new)}
    assert {target: row.fate for target, row in bids.items()} == {
        "ace-in": "won", "desk-in": "lost", "slow-in": "timeout", "off-in": "filtered", "no-in": "no_bid",
    }  # fmt: skip
    assert (bids["ace-in"].amount_minor, bids["ace-in"].after_ms) == (900, 80)
    assert (bids["off-in"].reason, bids["slow-in"].reason) == ("hours", None)
    assert {row.auction for row in bids.values()} == {auction.auction}


def test_an_auction_that_was_broken_off_for_nobody_we_know() -> None:
    broken = msgspec.structs.replace(
        HELD, call="ping_7", settled=False, pings=(Ping(route="r", target="a", fate="sent"),)
    )
    (auction,) = (AUCTIONS.make(values) for values in folded(broken).of(AUCTIONS).new)
    assert (auction.campaign, auction.settled, auction.asked, auction.target) == (None, 0, 1, None)


def test_what_comes_too_late_and_what_is_confirmed() -> None:
    late = BidLate(**CALL, plan="p", tier="t", target="slow-in", after_ms=1_700, amount=Money(950, "USD"))
    for events in ((HELD, late), (late, HELD)):  # the auction is written with the offer to its winner
        rows = [BIDS.make(values) for values in folded(received(), *events).of(BIDS).new]
        (row,) = (row for row in rows if row.auction is None)
        assert (row.fate, row.target, row.after_ms, row.amount_minor, row.route) == (
            "late",
            "slow-in",
            1_700,
            950,
            None,
        )
        assert len(rows) == 6
    confirmed = BidConfirmed(**CALL, attempt="att_1", target="ace-in", fate="rejected_at_post", took_ms=90)
    row_ = attempt_row(folded(received(), offer(CALL), confirmed))
    assert (row_.bid_confirmed, row_.confirm_took_ms) == ("rejected_at_post", 90)


PROMISE: dict[str, Any] = {
    "ping": "ping_1", "bid": Money(700, "USD"), "floor": Money(600, "USD"), "event": "convert", "after_ms": 0,
    "first": None, "strict": False, "bids": {},
}  # fmt: skip


def test_what_was_promised_for_a_call_or_lead() -> None:
    call = call_row(folded(received(), CallPromised(**CALL, **PROMISE)))
    assert (call.ping, call.bid_minor, call.currency) == ("ping_1", 700, "USD")
    lead = lead_row(folded(lead_received(), CallPromised(**LEAD, **PROMISE)))
    assert (lead.ping, lead.bid_minor) == ("ping_1", 700)


def test_an_aged_lead_ends_anew_and_stays_sold_when_somebody_had_it() -> None:
    unmatched, aged = LeadUnmatched(**LEAD, reason="no_buyer", took_ms=1), LeadAged(**LEAD, round=1, plan="aged")
    going_on = lead_row(folded(lead_received(), unmatched, aged))
    assert (going_on.outcome, going_on.reason, going_on.aged, going_on.plan) == (None, None, 1, "aged")
    taken = (offer(LEAD), DeliveryEnded(**POST, outcome="accepted"))
    accepted = LeadAccepted(**LEAD, attempts=("att_1",), payout=None, took_ms=1)
    assert lead_row(folded(lead_received(), unmatched, aged, *taken, accepted)).outcome == "sold"
    again = lead_row(folded(lead_received(), *taken, accepted, aged, unmatched))
    assert (again.outcome, again.reason, again.sold) == ("sold", None, 1)
