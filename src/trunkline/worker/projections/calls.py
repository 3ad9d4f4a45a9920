"""The table of calls, and what events do to a call's row.

Nothing of the caller stands here but the keyed hash of its number (docs/decisions/0062).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.calls import (
    CallAnswered,
    CallAttested,
    CallBlocked,
    CallDequeued,
    CallEnded,
    CallPromised,
    CallReceived,
    CallRepeated,
    CallRouted,
    LegMeasured,
    OfferReserved,
    PayoutEarned,
    RecordingEnded,
    RecordingStarted,
)
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table


class CallRow(msgspec.Struct, kw_only=True, gc=False):
    """A call; `outcome` is null while it goes on. Fields mean what those of `calls --json` mean."""

    call: str
    account: str
    at_ms: int
    number: str
    campaign: str
    publisher: str
    source: str | None
    trunk: str
    contact: str | None
    attestation: str | None = None
    attestation_check: str | None = None
    duplicate: int = 0
    duplicate_of: str | None = None
    ping: str | None = None
    bid_minor: int | None = None
    answered_by: str | None = None
    answered_ms: int | None = None
    queued_ms: int = 0
    plan: str | None = None
    routing: str | None = None
    outcome: str | None = None
    unsold_reason: str | None = None
    ended_reason: str | None = None
    ended_by: str | None = None
    ended_ms: int | None = None
    call_ms: int | None = None
    attempts: int = 0
    buyer: str | None = None
    target: str | None = None
    route: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    duration_ms: int | None = None
    revenue_minor: int | None = None
    payout_minor: int | None = None
    loss: int = 0
    returned_minor: int | None = None
    clawback_minor: int | None = None
    not_converted: str | None = None
    not_paid: str | None = None
    recording: str | None = None
    voicemail: str | None = None
    decision_us: int | None = None
    post_dial_us: int | None = None
    mos: float | None = None
    peer_mos: float | None = None


CALLS: Final = Table(
    "calls",
    CallRow,
    (
        Index(("account", "at_ms")),
        Index(("account", "campaign", "at_ms")),
        Index(("account", "publisher", "at_ms")),
        Index(("account", "buyer", "at_ms"), where="buyer IS NOT NULL"),
        Index(("account", "number", "at_ms")),
        Index(("account", "contact", "at_ms"), where="contact IS NOT NULL"),
        Index(("at_ms",), where="outcome IS NULL"),
    ),
    prefix="call_",
)

_UNSOLD: Final = frozenset({"unsold", "voicemail", "blocked"})
"""The outcomes of which a reason says why nobody bought the call, not what ended it."""


def _received(views: Views, event: CallReceived, contact: str | None) -> None:
    row = CallRow(
        call=event.call,
        account=event.account,
        at_ms=event.at_ms,
        number=event.number,
        campaign=event.campaign,
        publisher=event.publisher,
        source=event.source,
        trunk=event.trunk,
        contact=contact,
        attestation=event.attestation,
    )
    views.of(CALLS).add(event.call, row)


def _attested(views: Views, event: CallAttested, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.attestation_check = event.result


def _repeated(views: Views, event: CallRepeated, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.duplicate, row.duplicate_of = int(event.duplicate), event.duplicate_of


def _promised(views: Views, event: CallPromised, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.ping, row.bid_minor, row.currency = event.ping, event.bid.minor, event.bid.currency


def _blocked(views: Views, event: CallBlocked, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.unsold_reason = event.reason


def _answered(views: Views, event: CallAnswered, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None and row.answered_ms is None:
        row.answered_by, row.answered_ms = event.by, event.at_ms


def _dequeued(views: Views, event: CallDequeued, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.queued_ms += event.waited_ms


def _routed(views: Views, event: CallRouted, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None and event.hop == 0:
        row.plan, row.routing, row.unsold_reason = event.plan, event.outcome, event.reason


def _offered(views: Views, event: OfferReserved, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.attempts += 1
        row.currency = event.price.currency
        if row.decision_us is None:
            row.decision_us = event.decision_us


def _paid(views: Views, event: PayoutEarned, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.payout_minor = (row.payout_minor or 0) + event.amount.minor
        row.currency = event.amount.currency
        row.loss |= int(event.loss)


def _recording_started(views: Views, event: RecordingStarted, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        if event.purpose == "voicemail":
            row.voicemail = event.path
        else:
            row.recording = event.path


def _recording_ended(views: Views, event: RecordingEnded, contact: str | None) -> None:
    if event.error is None or event.duration_ms:
        return
    row = views.of(CALLS).edit(event.call)
    if row is not None:  # there is no file
        row.recording = None if row.recording == event.path else row.recording
        row.voicemail = None if row.voicemail == event.path else row.voicemail


def _measured(views: Views, event: LegMeasured, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call) if event.side == "caller" else None
    if row is not None:
        row.mos, row.peer_mos = event.mos, event.peer_mos


def _ended(views: Views, event: CallEnded, contact: str | None) -> None:
    row = views.of(CALLS).edit(event.call)
    if row is not None:
        row.outcome, row.ended_by, row.ended_ms = event.outcome, event.ended_by, event.at_ms
        row.unsold_reason = (row.unsold_reason or event.reason) if event.outcome in _UNSOLD else None
        row.ended_reason = event.reason if event.reason != row.unsold_reason else None
        row.not_converted, row.not_paid = event.not_converted, event.not_paid
        row.call_ms, row.post_dial_us = event.duration_ms, event.post_dial_us


HANDLERS: Final[Mapping[type, Handler]] = {
    CallReceived: _received,
    CallAttested: _attested,
    CallRepeated: _repeated,
    CallPromised: _promised,
    CallBlocked: _blocked,
    CallAnswered: _answered,
    CallDequeued: _dequeued,
    CallRouted: _routed,
    OfferReserved: _offered,
    PayoutEarned: _paid,
    RecordingStarted: _recording_started,
    RecordingEnded: _recording_ended,
    LegMeasured: _measured,
    CallEnded: _ended,
}
"""What each type of event does to the row of its call."""
