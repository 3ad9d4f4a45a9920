"""A call as people and programs see it, folded from its events.

The fold is the one definition of a call's record: the command line, a console and a projection all show this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from trunkline.engine.routing.auction_story import AuctionRecord, change, leave_out, record_of
from trunkline.engine.terms.returned import ReturnRecord, note_return
from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallAnswered,
    CallAttested,
    CallBlocked,
    CallEnded,
    CallQualified,
    CallReceived,
    CallRepeated,
    CallRouted,
    Converted,
    LegEnded,
    LegMeasured,
    OfferReserved,
    PayoutEarned,
    RecordingEnded,
    RecordingStarted,
    Rejection,
    Versions,
)
from trunkline.events.entry import Event
from trunkline.events.returns import ReturnEvent
from trunkline.kernel.clock import iso
from trunkline.kernel.money import Money, parse_money


class AttemptRecord(msgspec.Struct, kw_only=True):
    """One offer made. `outcome` is None while it goes on; times in milliseconds.

    `p` and `propensity` are those of an offer by performance.
    """

    attempt: str
    route: str
    target: str
    buyer: str
    at: str
    price: str
    outcome: str | None = None
    reason: str | None = None
    sip_status: int | None = None
    ring_ms: int | None = None
    duration_ms: int | None = None
    connected: bool = False
    converted: bool = False
    legs: list[LegEnded] | None = None
    p: float | None = None
    propensity: float | None = None


class LegQuality(msgspec.Struct, kw_only=True):
    """How one party's audio was: scores (`mos` as we heard it, `peer_mos` as it heard us), packets, milliseconds."""

    mos: float | None
    peer_mos: float | None
    packets_in: int
    packets_out: int
    lost: int
    late: int
    dropped: int
    jitter_ms: float
    round_trip_ms: float | None
    peer_lost: int | None
    peer_jitter_ms: float | None
    encrypted: bool


class CallRecord(msgspec.Struct, kw_only=True):
    """One call. `outcome` is None while it goes on; amounts are major units as text, None where nothing is owed."""

    id: str
    account: str
    kind: str = "call"
    at: str
    caller: str | None
    number: str
    campaign: str
    publisher: str
    source: str | None
    trunk: str
    attestation: str | None = None
    attestation_check: str | None = None
    diverted_from: str | None = None
    duplicate: bool = False
    duplicate_of: str | None = None
    outcome: str | None = None
    unsold_reason: str | None = None
    ended_reason: str | None = None
    ended_by: str | None = None
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
    answered: str | None = None
    call_ms: int | None = None
    duration_ms: int | None = None
    recording: str | None = None
    voicemail: str | None = None
    decision_us: int | None = None
    post_dial_ms: float | None = None
    attributes: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    quality: dict[str, LegQuality] = msgspec.field(default_factory=dict)
    attempts: list[AttemptRecord] = msgspec.field(default_factory=list)
    auctions: list[AuctionRecord] = msgspec.field(default_factory=list)
    rejected: list[Rejection] = msgspec.field(default_factory=list)
    returns: list[ReturnRecord] = msgspec.field(default_factory=list)
    routing: str | None = None
    seed: int | None = None
    versions: Versions | None = None


class CallFold:
    """Folds events, in the order of the journal, into call records."""

    def __init__(self) -> None:
        self.calls: dict[str, CallRecord] = {}

    def apply(self, event: Event) -> CallRecord | None:
        """Take one event; the record it changed, None for events that are not about a call."""
        if isinstance(event, CallReceived):
            self.calls[event.call] = _received(event)
            return self.calls[event.call]
        record_of = getattr(event, "call", None)
        record = self.calls.get(record_of) if isinstance(record_of, str) else None
        if record is not None:
            _change(record, event)
        return record


def fold(events: Iterable[Event]) -> dict[str, CallRecord]:
    """The records of all calls in `events`, by call id."""
    folding = CallFold()
    for event in events:
        folding.apply(event)
    return folding.calls


def _received(event: CallReceived) -> CallRecord:
    return CallRecord(
        id=event.call,
        account=event.account,
        at=iso(event.at_ms),
        caller=event.caller,
        number=event.number,
        campaign=event.campaign,
        publisher=event.publisher,
        source=event.source,
        trunk=event.trunk,
        attestation=event.attestation,
        diverted_from=event.diverted_from,
    )


def _change(record: CallRecord, event: Event) -> None:
    match event:
        case CallAnswered():
            record.answered = iso(event.at_ms)
        case CallQualified():
            record.attributes = _attributes(event.attributes, event.basis)
        case CallAttested():
            record.attestation_check = event.result
        case CallRepeated():
            record.duplicate, record.duplicate_of = event.duplicate, event.duplicate_of
        case CallBlocked():
            record.unsold_reason = event.reason
        case OfferReserved():
            _offered(record, event)
        case AttemptConnected():
            _connected(record, event)
        case AttemptEnded():
            _attempt_ended(record, event)
        case CallRouted(hop=0):
            leave_out(record.auctions, event.rejected)
            record.routing, record.unsold_reason = event.outcome, event.reason
            record.rejected, record.seed, record.versions = list(event.rejected), event.seed, event.versions
        case Converted():
            _converted(record, event)
        case PayoutEarned():
            record.payout, record.currency = str(event.amount), event.amount.currency
        case RecordingStarted():
            if event.purpose == "voicemail":
                record.voicemail = event.path
            else:
                record.recording = event.path
        case RecordingEnded():
            _recording_ended(record, event)
        case LegMeasured():
            _measured(record, event)
        case CallEnded():
            _ended(record, event)
        case ReturnEvent():
            note_return(record.returns, event)
        case AuctionHeld():
            record.auctions.append(record_of(event))
        case BidLate() | BidConfirmed():
            change(record.auctions, event)
        case _:
            pass


def _attributes(values: Mapping[str, str], basis: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value, "basis": basis.get(name, "")} for name, value in values.items()}


def _offered(record: CallRecord, event: OfferReserved) -> None:
    if record.decision_us is None:
        record.decision_us = event.decision_us
    record.currency = event.price.currency
    record.attempts.append(
        AttemptRecord(
            attempt=event.attempt,
            route=event.route,
            target=event.target,
            buyer=event.buyer,
            at=iso(event.at_ms),
            price=str(event.price),
            p=event.p,
            propensity=event.propensity,
        )
    )


def _attempt(record: CallRecord, attempt: str) -> AttemptRecord | None:
    return next((each for each in record.attempts if each.attempt == attempt), None)


def _connected(record: CallRecord, event: AttemptConnected) -> None:
    attempt = _attempt(record, event.attempt)
    if attempt is None:
        return
    attempt.connected, attempt.ring_ms = True, event.ring_ms
    record.buyer, record.target, record.route = attempt.buyer, attempt.target, attempt.route
    record.price = attempt.price


def _attempt_ended(record: CallRecord, event: AttemptEnded) -> None:
    attempt = _attempt(record, event.attempt)
    if attempt is None:
        return
    attempt.outcome, attempt.reason = event.outcome, event.reason
    attempt.sip_status = 200 if attempt.connected else event.sip_status
    attempt.duration_ms = event.duration_ms
    attempt.legs = None if event.legs is None else list(event.legs)
    if event.ring_ms is not None:
        attempt.ring_ms = event.ring_ms
    if attempt.connected:
        record.duration_ms = event.duration_ms


def _converted(record: CallRecord, event: Converted) -> None:
    before = Money(0, event.amount.currency)
    if record.revenue is not None:
        before = parse_money(record.revenue, event.amount.currency)
    record.converted, record.revenue = True, str(before + event.amount)  # each attempt owes by its own terms
    record.currency = event.amount.currency
    attempt = _attempt(record, event.attempt)
    if attempt is not None:
        attempt.converted = True


def _recording_ended(record: CallRecord, event: RecordingEnded) -> None:
    if event.error is not None and event.duration_ms == 0:
        if record.recording == event.path:
            record.recording = None
        elif record.voicemail == event.path:
            record.voicemail = None


def _measured(record: CallRecord, event: LegMeasured) -> None:
    """The caller's line, and that of the buyer who took the call; of a group's phones the one that talked most."""
    attempt = None if event.attempt is None else _attempt(record, event.attempt)
    before = record.quality.get(event.side)
    if before is not None and before.packets_in > event.packets_in:
        return
    if event.side == "caller" or (attempt is not None and attempt.connected):
        record.quality[event.side] = LegQuality(**{name: getattr(event, name) for name in LegQuality.__struct_fields__})


_UNSOLD = frozenset({"unsold", "voicemail", "blocked"})
"""The outcomes of which a reason says why nobody bought the call, not what ended it."""


def _ended(record: CallRecord, event: CallEnded) -> None:
    record.outcome, record.ended_by = event.outcome, event.ended_by
    record.unsold_reason = (record.unsold_reason or event.reason) if event.outcome in _UNSOLD else None
    record.ended_reason = event.reason if event.reason != record.unsold_reason else None
    record.not_converted, record.not_paid = event.not_converted, event.not_paid
    record.call_ms = event.duration_ms
    if event.post_dial_us is not None:
        record.post_dial_ms = round(event.post_dial_us / 1000, 3)
