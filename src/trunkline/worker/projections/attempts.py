"""The table of attempts: every offer that was made, of calls and of leads, to whom, for how much and what came of it.

An attempt that connects or converts also says so in the row of its call or lead: who took it, and what is owed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.calls import AttemptConnected, AttemptEnded, Converted, LegMeasured, OfferReserved
from trunkline.events.leads import DeliveryEnded
from trunkline.worker.projections.calls import CALLS
from trunkline.worker.projections.leads import LEADS
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table
from trunkline.worker.projections.words import without_contacts


class AttemptRow(msgspec.Struct, kw_only=True, gc=False):
    """An offer that was made; `outcome` is null while it goes on. `kind` is call or lead."""

    attempt: str
    call: str
    kind: str
    account: str
    at_ms: int
    campaign: str
    publisher: str
    source: str | None
    buyer: str
    target: str
    route: str
    tier: str
    method: str
    rank: int
    hop: int
    price_minor: int
    currency: str
    conversion: str
    decision_us: int
    p: float | None
    propensity: float | None
    outcome: str | None = None
    reason: str | None = None
    sip_status: int | None = None
    bid_confirmed: str | None = None
    confirm_took_ms: int | None = None
    connected_ms: int | None = None
    ring_ms: int | None = None
    duration_ms: int | None = None
    ended_ms: int | None = None
    converted_ms: int | None = None
    revenue_minor: int | None = None
    returned_ms: int | None = None
    returned_minor: int | None = None
    mos: float | None = None
    peer_mos: float | None = None


ATTEMPTS: Final = Table(
    "attempts",
    AttemptRow,
    (
        Index(("call",)),
        Index(("account", "at_ms")),
        Index(("account", "buyer", "at_ms")),
        Index(("account", "target", "at_ms")),
        Index(("converted_ms",), where="converted_ms IS NOT NULL"),
        Index(("at_ms",), where="outcome IS NULL"),
    ),
)


def _reserved(views: Views, event: OfferReserved, contact: str | None) -> None:
    call, lead = views.of(CALLS).get(event.call), None
    if call is None:
        lead = views.of(LEADS).get(event.call)
        if lead is None:
            return
    whose = call or lead
    assert whose is not None
    row = AttemptRow(
        attempt=event.attempt,
        call=event.call,
        kind="lead" if call is None else "call",
        account=event.account,
        at_ms=event.at_ms,
        campaign=whose.campaign,
        publisher=whose.publisher,
        source=whose.source,
        buyer=event.buyer,
        target=event.target,
        route=event.route,
        tier=event.tier,
        method=event.method,
        rank=event.rank,
        hop=event.hop,
        price_minor=event.price.minor,
        currency=event.price.currency,
        conversion=event.conversion,
        decision_us=event.decision_us,
        p=event.p,
        propensity=event.propensity,
    )
    views.of(ATTEMPTS).add(event.attempt, row)


def _connected(views: Views, event: AttemptConnected, contact: str | None) -> None:
    row = views.of(ATTEMPTS).edit(event.attempt)
    if row is None:
        return
    row.connected_ms, row.ring_ms = event.at_ms, event.ring_ms
    call = views.of(CALLS).edit(row.call)
    if call is not None:
        call.buyer, call.target, call.route = row.buyer, row.target, row.route
        call.price_minor, call.currency = row.price_minor, row.currency


def _ended(views: Views, event: AttemptEnded, contact: str | None) -> None:
    row = views.of(ATTEMPTS).edit(event.attempt)
    if row is None:
        return
    row.outcome, row.reason, row.ended_ms = event.outcome, event.reason, event.at_ms
    row.sip_status = event.sip_status if row.connected_ms is None else 200
    row.duration_ms = event.duration_ms
    if event.ring_ms is not None:
        row.ring_ms = event.ring_ms
    if row.connected_ms is not None:
        call = views.of(CALLS).edit(row.call)
        if call is not None:
            call.duration_ms = event.duration_ms


def _delivered(views: Views, event: DeliveryEnded, contact: str | None) -> None:
    row = views.of(ATTEMPTS).edit(event.attempt)
    if row is None:
        return
    row.outcome, row.reason, row.ended_ms = event.outcome, without_contacts(event.reason), event.at_ms
    if event.outcome in _TAKEN:
        row.connected_ms = event.at_ms
        lead = views.of(LEADS).edit(row.call)
        if lead is not None:
            lead.sold += 1
            if lead.buyer is None:
                lead.buyer, lead.target, lead.route = row.buyer, row.target, row.route


_TAKEN: Final = frozenset({"accepted", "queued"})
"""How deliveries end that a buyer has taken, or will get by mail or as a file."""


def _converted(views: Views, event: Converted, contact: str | None) -> None:
    row = views.of(ATTEMPTS).edit(event.attempt)
    if row is not None:
        row.converted_ms = event.at_ms
        row.revenue_minor = (row.revenue_minor or 0) + event.amount.minor
    whose = views.of(CALLS).edit(event.call) or views.of(LEADS).edit(event.call)
    if whose is not None:  # each attempt owes by its own terms
        whose.revenue_minor = (whose.revenue_minor or 0) + event.amount.minor
        whose.currency = event.amount.currency


def _measured(views: Views, event: LegMeasured, contact: str | None) -> None:
    row = None if event.attempt is None else views.of(ATTEMPTS).edit(event.attempt)
    if row is not None and row.connected_ms is not None:
        row.mos, row.peer_mos = event.mos, event.peer_mos


HANDLERS: Final[Mapping[type, Handler]] = {
    OfferReserved: _reserved,
    AttemptConnected: _connected,
    AttemptEnded: _ended,
    DeliveryEnded: _delivered,
    Converted: _converted,
    LegMeasured: _measured,
}
"""What each type of event does to the row of its attempt."""
