"""The table of leads, and what events do to a lead's row.

Of the person there is nothing but the contact's keyed hash: fields and consent stay in the journal, sealed
(docs/decisions/0062).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.calls import CallPromised, CallRepeated, CallRouted, OfferReserved, PayoutEarned
from trunkline.events.leads import (
    LeadAccepted,
    LeadAged,
    LeadClaimed,
    LeadEnded,
    LeadHeld,
    LeadReceived,
    LeadReviewed,
    LeadUnmatched,
)
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table


class LeadRow(msgspec.Struct, kw_only=True, gc=False):
    """A lead; `outcome` is null while it is being sold."""

    call: str
    account: str
    at_ms: int
    campaign: str
    publisher: str
    source: str | None
    via: str
    test: int
    contact: str | None
    ping: str | None = None
    bid_minor: int | None = None
    flags: str = ""
    duplicate: int = 0
    duplicate_of: str | None = None
    plan: str | None = None
    routing: str | None = None
    outcome: str | None = None
    reason: str | None = None
    claimed: str | None = None
    held_ms: int | None = None
    held_reason: str | None = None
    reviewed: str | None = None
    reviewed_by: str | None = None
    aged: int = 0
    ended_ms: int | None = None
    took_ms: int | None = None
    attempts: int = 0
    sold: int = 0
    buyer: str | None = None
    target: str | None = None
    route: str | None = None
    currency: str | None = None
    revenue_minor: int | None = None
    payout_minor: int | None = None
    loss: int = 0
    returned_minor: int | None = None
    clawback_minor: int | None = None
    not_paid: str | None = None
    decision_us: int | None = None


LEADS: Final = Table(
    "leads",
    LeadRow,
    (
        Index(("account", "at_ms")),
        Index(("account", "campaign", "at_ms")),
        Index(("account", "publisher", "at_ms")),
        Index(("account", "buyer", "at_ms"), where="buyer IS NOT NULL"),
        Index(("account", "contact", "at_ms"), where="contact IS NOT NULL"),
        Index(("at_ms",), where="outcome IS NULL OR outcome = 'held'"),
    ),
    prefix="lead_",
)


def _received(views: Views, event: LeadReceived, contact: str | None) -> None:
    row = LeadRow(
        call=event.call,
        account=event.account,
        at_ms=event.at_ms,
        campaign=event.campaign,
        publisher=event.publisher,
        source=event.source,
        via=event.via,
        test=int(event.test),
        contact=contact,
        ping=event.ping,
        flags=" ".join(event.flags),
    )
    views.of(LEADS).add(event.call, row)


def _held(views: Views, event: LeadHeld, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.outcome, row.reason = "held", event.reason
        row.held_ms, row.held_reason = event.at_ms, event.reason


def _reviewed(views: Views, event: LeadReviewed, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.reviewed, row.reviewed_by = event.decision, event.by
        if row.outcome == "held":
            row.outcome = row.reason = None


def _claimed(views: Views, event: LeadClaimed, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.claimed = event.outcome


def _promised(views: Views, event: CallPromised, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.ping, row.bid_minor, row.currency = event.ping, event.bid.minor, event.bid.currency


def _aged(views: Views, event: LeadAged, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.aged, row.plan = event.round, event.plan
        if not row.sold:
            row.outcome = row.reason = row.ended_ms = None


def _repeated(views: Views, event: CallRepeated, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.duplicate, row.duplicate_of = int(event.duplicate), event.duplicate_of


def _routed(views: Views, event: CallRouted, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.plan, row.routing = event.plan, event.outcome


def _offered(views: Views, event: OfferReserved, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.attempts += 1
        row.currency = event.price.currency
        if row.decision_us is None:
            row.decision_us = event.decision_us


def _paid(views: Views, event: PayoutEarned, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.payout_minor = (row.payout_minor or 0) + event.amount.minor
        row.currency = event.amount.currency
        row.loss |= int(event.loss)


def _accepted(views: Views, event: LeadAccepted, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.outcome, row.reason, row.ended_ms = "sold", None, event.at_ms
        row.took_ms, row.not_paid = event.took_ms, event.not_paid


def _unmatched(views: Views, event: LeadUnmatched, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.ended_ms, row.took_ms = event.at_ms, event.took_ms
        if not row.sold:  # an aged lead that somebody had bought before stays sold
            row.outcome, row.reason = "unsold", event.reason


def _ended(views: Views, event: LeadEnded, contact: str | None) -> None:
    row = views.of(LEADS).edit(event.call)
    if row is not None:
        row.ended_ms = event.at_ms
        if not row.sold:
            row.outcome, row.reason = event.outcome, event.reason
        if event.of is not None:
            row.duplicate_of = event.of


HANDLERS: Final[Mapping[type, Handler]] = {
    LeadReceived: _received,
    LeadHeld: _held,
    LeadReviewed: _reviewed,
    LeadClaimed: _claimed,
    LeadAged: _aged,
    CallPromised: _promised,
    CallRepeated: _repeated,
    CallRouted: _routed,
    OfferReserved: _offered,
    PayoutEarned: _paid,
    LeadAccepted: _accepted,
    LeadUnmatched: _unmatched,
    LeadEnded: _ended,
}
"""What each type of event does to the row of its lead."""
