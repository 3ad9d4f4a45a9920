"""A lead as people and programs see it, folded from its events.

The fold is the one definition of a lead's record, like that of calls. What a person has typed is masked unless it is
asked for: nobody can tell which of a form's texts are harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from trunkline.engine.leads.outcomes import TAKEN
from trunkline.engine.routing.auction_story import AuctionRecord, change, leave_out, record_of
from trunkline.engine.terms.returned import ReturnRecord, note_return
from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate
from trunkline.events.calls import CallRepeated, CallRouted, Converted, OfferReserved, PayoutEarned, Rejection, Versions
from trunkline.events.deliveries import DeliveryDead, DeliveryDropped, DeliverySent, DeliveryTried, QueuedDelivery
from trunkline.events.entry import Event
from trunkline.events.leads import (
    DeliveryEnded,
    DeliveryLate,
    LeadAccepted,
    LeadClaimed,
    LeadEnded,
    LeadEvent,
    LeadHeld,
    LeadReceived,
    LeadReviewed,
    LeadUnmatched,
)
from trunkline.events.returns import ReturnEvent
from trunkline.kernel.clock import iso
from trunkline.kernel.money import Money, parse_money

FIELD: Final = "lead."
_SHOWN: Final = 1
"""Characters of a masked text that are shown."""


class DeliveryRecord(msgspec.Struct, kw_only=True):
    """One offer made and its delivery. `outcome` is None while it goes on; `status` is of HTTP.

    `outbox` is None for a post, else waiting, sent, dead or dropped; `sent_as` what the other side can find it by.
    `late` is what the buyer said when its time was over.
    """

    attempt: str
    route: str
    target: str
    buyer: str
    at: str
    price: str
    outcome: str | None = None
    reason: str | None = None
    status: int | None = None
    took_ms: int | None = None
    buyers_id: str | None = None
    sent: bool | None = None
    late: str | None = None
    outbox: str | None = None
    sent_as: str | None = None
    converted: bool = False
    p: float | None = None
    propensity: float | None = None


class LeadRecord(msgspec.Struct, kw_only=True):
    """One lead. `outcome` is None while it is being sold; amounts are major units as text, None where nothing is owed.

    `buyer`, `target`, `route` and `price` are those of the first buyer that took it; `deliveries` has all.
    """

    id: str
    account: str
    kind: str = "lead"
    at: str
    phone: str | None
    campaign: str
    publisher: str
    source: str | None
    via: str
    test: bool = False
    ping: str | None = None
    flags: list[str] = msgspec.field(default_factory=list)
    duplicate: bool = False
    duplicate_of: str | None = None
    outcome: str | None = None
    unsold_reason: str | None = None
    held_reason: str | None = None
    reviewed_by: str | None = None
    certificate: str | None = None
    buyer: str | None = None
    target: str | None = None
    route: str | None = None
    price: str | None = None
    currency: str | None = None
    converted: bool = False
    revenue: str | None = None
    payout: str | None = None
    not_converted: str | None = None
    not_paid: str | None = None
    took_ms: int | None = None
    decision_us: int | None = None
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    consent: dict[str, str] = msgspec.field(default_factory=dict)
    ignored: list[str] = msgspec.field(default_factory=list)
    attributes: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    deliveries: list[DeliveryRecord] = msgspec.field(default_factory=list)
    auctions: list[AuctionRecord] = msgspec.field(default_factory=list)
    returns: list[ReturnRecord] = msgspec.field(default_factory=list)
    rejected: list[Rejection] = msgspec.field(default_factory=list)
    routing: str | None = None
    seed: int | None = None
    versions: Versions | None = None


class LeadFold:
    """Folds events, in the order of the journal, into lead records."""

    def __init__(self) -> None:
        self.leads: dict[str, LeadRecord] = {}

    def apply(self, event: Event) -> LeadRecord | None:
        """Take one event; the record it changed, None for events that are not about a lead."""
        if isinstance(event, LeadReceived):
            self.leads[event.call] = _received(event)
            return self.leads[event.call]
        about = getattr(event, "call", None)
        record = self.leads.get(about) if isinstance(about, str) else None
        if record is not None:
            _change(record, event)
        return record


def fold_leads(events: Iterable[Event]) -> dict[str, LeadRecord]:
    """The records of all leads in `events`, by id."""
    folding = LeadFold()
    for event in events:
        folding.apply(event)
    return folding.leads


def masked(record: LeadRecord) -> LeadRecord:
    """The record without what its person has typed: the phone as calls show it, of any text its first character."""
    return msgspec.structs.replace(
        record,
        phone=None if record.phone is None else _masked(record.phone),
        fields=_all_masked(record.fields),
        consent=_all_masked(record.consent),
        attributes={
            name: {**said, "value": _masked(said["value"])} if _is_personal(name) else said
            for name, said in record.attributes.items()
        },
    )


def _is_personal(name: str) -> bool:
    return name.startswith((FIELD, "caller.")) and name not in {"caller.repeat", "caller.anonymous"}


def _all_masked(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: _masked(text) for name, text in texts.items()}


def _masked(text: str) -> str:
    if text.startswith("+") and text[1:].isdigit():
        return f"{text[:2]}{'*' * max(0, len(text) - 4)}{text[-2:]}"
    return f"{text[:_SHOWN]}***"


def _received(event: LeadReceived) -> LeadRecord:
    known = event.attributes
    return LeadRecord(
        id=event.call,
        account=event.account,
        at=iso(event.at_ms),
        phone=known.get("caller.number"),
        campaign=event.campaign,
        publisher=event.publisher,
        source=event.source,
        via=event.via,
        test=event.test,
        ping=event.ping,
        flags=list(event.flags),
        fields={name.removeprefix(FIELD): value for name, value in known.items() if name.startswith(FIELD)},
        consent=dict(event.consent),
        ignored=list(event.ignored),
        attributes={name: {"value": value, "basis": event.basis.get(name, "")} for name, value in known.items()},
    )


def _change(record: LeadRecord, event: Event) -> None:
    match event:
        case CallRepeated():
            record.duplicate, record.duplicate_of = event.duplicate, event.duplicate_of
        case LeadClaimed():
            record.certificate = event.outcome
        case OfferReserved():
            _offered(record, event)
        case DeliveryEnded():
            _delivered(record, event)
        case DeliveryLate():
            made = _delivery(record, event.attempt)
            if made is not None:
                made.late = event.outcome
        case Converted():
            _converted(record, event)
        case PayoutEarned():
            record.payout, record.currency = str(event.amount), event.amount.currency
        case QueuedDelivery():
            _moved_in_outbox(record, event)
        case CallRouted():
            record.routing, record.seed, record.versions = event.outcome, event.seed, event.versions
            record.rejected = list(event.rejected)
            leave_out(record.auctions, event.rejected)
        case AuctionHeld():
            record.auctions.append(record_of(event))
        case BidLate() | BidConfirmed():
            change(record.auctions, event)
        case ReturnEvent():
            note_return(record.returns, event)
        case LeadEvent():
            _moved(record, event)
        case _:
            pass


def _moved(record: LeadRecord, event: LeadEvent) -> None:
    """What is told of the lead as a whole."""
    match event:
        case LeadHeld():
            record.outcome, record.held_reason = "held", event.reason
        case LeadReviewed():
            record.outcome, record.reviewed_by = None, event.by
        case LeadAccepted():
            record.outcome, record.unsold_reason, record.took_ms = "sold", None, event.took_ms
            record.not_paid = event.not_paid
            record.not_converted = None if record.converted else "test" if record.test else "no_postback"
        case LeadUnmatched():
            record.outcome, record.unsold_reason, record.took_ms = "unsold", event.reason, event.took_ms
            record.not_converted = None if record.converted else "not_accepted"
            record.not_paid = None if record.payout is not None else "not_accepted"
        case LeadEnded():
            record.outcome, record.unsold_reason = event.outcome, event.reason
            record.duplicate_of = event.of or record.duplicate_of
            record.not_converted = None if record.converted else "not_accepted"
            record.not_paid = None if record.payout is not None else "not_accepted"
        case _:
            pass


def _offered(record: LeadRecord, event: OfferReserved) -> None:
    if record.decision_us is None:
        record.decision_us = event.decision_us
    record.currency = event.price.currency
    made = DeliveryRecord(
        attempt=event.attempt,
        route=event.route,
        target=event.target,
        buyer=event.buyer,
        at=iso(event.at_ms),
        price=str(event.price),
        p=event.p,
        propensity=event.propensity,
    )
    record.deliveries.append(made)


def _delivery(record: LeadRecord, attempt: str) -> DeliveryRecord | None:
    return next((each for each in record.deliveries if each.attempt == attempt), None)


def _delivered(record: LeadRecord, event: DeliveryEnded) -> None:
    made = _delivery(record, event.attempt)
    if made is None:
        return
    made.outcome, made.reason, made.status = event.outcome, event.reason, event.status
    made.took_ms, made.buyers_id, made.sent = event.took_ms, event.buyers_id, event.sent
    if event.outcome in TAKEN and record.buyer is None:
        record.buyer, record.target, record.route, record.price = made.buyer, made.target, made.route, made.price


def _moved_in_outbox(record: LeadRecord, event: QueuedDelivery) -> None:
    made = _delivery(record, event.attempt)
    if made is None:
        return
    match event:
        case DeliverySent():
            made.outbox, made.sent_as, made.sent = "sent", event.name, True
        case DeliveryDead():
            made.outbox, made.reason = "dead", event.reason
        case DeliveryDropped():
            made.outbox = "dropped"
        case DeliveryTried():
            made.outbox, made.reason = "waiting", event.reason
        case _:
            made.outbox = "waiting"


def _converted(record: LeadRecord, event: Converted) -> None:
    before = Money(0, event.amount.currency)
    if record.revenue is not None:
        before = parse_money(record.revenue, event.amount.currency)
    record.converted, record.revenue = True, str(before + event.amount)  # each buyer owes by its own terms
    record.currency = event.amount.currency
    made = _delivery(record, event.attempt)
    if made is not None:
        made.converted = True
