"""The table of pings: what publishers were bid before they sent a lead or a call, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.pings import PingBid, PingConfirmed, PingLapsed, PingNoTarget, PingUsed
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table


class PingRow(msgspec.Struct, kw_only=True, gc=False):
    """A bid to a publisher. `state` is bid, confirmed, no_target, used or lapsed; `used_by` the call or lead that came.

    `bid_minor` is what the publisher was bid, `price_minor` what the buyer would pay.
    """

    ping: str
    kind: str
    account: str
    at_ms: int
    campaign: str
    publisher: str
    source: str | None
    route: str
    target: str
    buyer: str
    bid_minor: int
    price_minor: int
    currency: str
    expires_ms: int
    number: str | None
    test: int
    state: str = "bid"
    reason: str | None = None
    confirmed_ms: int | None = None
    used_ms: int | None = None
    used_by: str | None = None
    held: int = 0


PINGS: Final = Table(
    "pings",
    PingRow,
    (
        Index(("account", "at_ms")),
        Index(("account", "publisher", "at_ms")),
        Index(("account", "campaign", "at_ms")),
    ),
)


def _bid(views: Views, event: PingBid, contact: str | None) -> None:
    row = PingRow(
        ping=event.call,
        kind=event.kind,
        account=event.account,
        at_ms=event.at_ms,
        campaign=event.campaign,
        publisher=event.publisher,
        source=event.source,
        route=event.route,
        target=event.target,
        buyer=event.buyer,
        bid_minor=event.bid.minor,
        price_minor=event.price.minor,
        currency=event.bid.currency,
        expires_ms=event.expires_ms,
        number=event.number,
        test=int(event.test),
    )
    views.of(PINGS).add(event.call, row)


def _confirmed(views: Views, event: PingConfirmed, contact: str | None) -> None:
    row = views.of(PINGS).edit(event.call)
    if row is not None:
        row.state, row.confirmed_ms, row.held = "confirmed", event.at_ms, 1


def _no_target(views: Views, event: PingNoTarget, contact: str | None) -> None:
    row = views.of(PINGS).edit(event.call)
    if row is not None:
        row.state, row.reason = "no_target", event.reason


def _used(views: Views, event: PingUsed, contact: str | None) -> None:
    row = views.of(PINGS).edit(event.call)
    if row is not None:
        row.state, row.used_ms, row.used_by, row.held = "used", event.at_ms, event.by, int(event.held)


def _lapsed(views: Views, event: PingLapsed, contact: str | None) -> None:
    row = views.of(PINGS).edit(event.call)
    if row is not None:
        row.state = "lapsed"


HANDLERS: Final[Mapping[type, Handler]] = {
    PingBid: _bid,
    PingConfirmed: _confirmed,
    PingNoTarget: _no_target,
    PingUsed: _used,
    PingLapsed: _lapsed,
}
"""What each type of event does to the row of its ping."""
