"""The tables of auctions and of the bids in them: who was asked for a price, and what became of it.

What a bidder says in its own words stays in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate, Ping
from trunkline.worker.projections.attempts import ATTEMPTS
from trunkline.worker.projections.calls import CALLS
from trunkline.worker.projections.leads import LEADS
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table


class AuctionRow(msgspec.Struct, kw_only=True, gc=False):
    """An auction for a call, a lead or a ping (`call` is its id); `at_ms` is when it was settled or broken off.

    `asked` bidders were sent a question, `answered` have bid in time. `target` has won with `won_minor`.
    """

    auction: str
    call: str
    account: str
    at_ms: int
    campaign: str | None
    publisher: str | None
    source: str | None
    plan: str
    tier: str
    hop: int
    deadline_ms: int
    took_ms: int
    settled: int
    asked: int
    answered: int
    target: str | None
    won_minor: int | None
    currency: str | None


class BidRow(msgspec.Struct, kw_only=True, gc=False):
    """What became of one route in an auction. `after_ms` is how long the answer took, null for a static price.

    `reason` is that of routing for a bidder that was filtered out. An answer that came when the auction was over has a
    row of its own, without `auction` and `route`.
    """

    bid: str
    auction: str | None
    call: str
    account: str
    at_ms: int
    plan: str
    tier: str
    route: str | None
    target: str
    fate: str
    amount_minor: int | None
    currency: str | None
    after_ms: int | None
    status: int | None
    reason: str | None


AUCTIONS: Final = Table(
    "auctions",
    AuctionRow,
    (
        Index(("call",)),
        Index(("account", "at_ms")),
        Index(("account", "campaign", "at_ms")),
    ),
)
BIDS: Final = Table(
    "bids",
    BidRow,
    (
        Index(("call",)),
        Index(("account", "target", "at_ms")),
    ),
)

_UNANSWERED: Final = frozenset({"timeout", "http_error", "sent"})
"""Fates of bidders that were asked and have named no time of their answer."""


def _held(views: Views, event: AuctionHeld, contact: str | None) -> None:
    whose = views.of(CALLS).get(event.call) or views.of(LEADS).get(event.call)
    name = f"{event.call}/{event.at_ms}/{event.plan}.{event.tier}"
    winner = next((ping for ping in event.pings if ping.fate == "won"), None)
    price = None if winner is None else winner.amount
    row = AuctionRow(
        auction=name,
        call=event.call,
        account=event.account,
        at_ms=event.at_ms,
        campaign=None if whose is None else whose.campaign,
        publisher=None if whose is None else whose.publisher,
        source=None if whose is None else whose.source,
        plan=event.plan,
        tier=event.tier,
        hop=event.hop,
        deadline_ms=event.deadline_ms,
        took_ms=event.took_ms,
        settled=int(event.settled),
        asked=sum(ping.after_ms is not None or ping.fate in _UNANSWERED for ping in event.pings),
        answered=sum(ping.after_ms is not None and ping.amount is not None for ping in event.pings),
        target=None if winner is None else winner.target,
        won_minor=None if price is None else price.minor,
        currency=None if price is None else price.currency,
    )
    views.of(AUCTIONS).add(name, row)
    bids = views.of(BIDS)
    for ping in event.pings:
        bid = _bid(event, ping, name)
        bids.add(bid.bid, bid)


def _bid(event: AuctionHeld, ping: Ping, auction: str) -> BidRow:
    return BidRow(
        bid=f"{auction}/{ping.route}",
        auction=auction,
        call=event.call,
        account=event.account,
        at_ms=event.at_ms,
        plan=event.plan,
        tier=event.tier,
        route=ping.route,
        target=ping.target,
        fate=ping.fate,
        amount_minor=None if ping.amount is None else ping.amount.minor,
        currency=None if ping.amount is None else ping.amount.currency,
        after_ms=ping.after_ms,
        status=ping.status,
        reason=ping.detail if ping.fate == "filtered" else None,
    )


def _late(views: Views, event: BidLate, contact: str | None) -> None:
    name = f"{event.call}/{event.at_ms}/{event.plan}.{event.tier}/late/{event.target}"
    row = BidRow(
        bid=name,
        auction=None,
        call=event.call,
        account=event.account,
        at_ms=event.at_ms,
        plan=event.plan,
        tier=event.tier,
        route=None,
        target=event.target,
        fate="late",
        amount_minor=None if event.amount is None else event.amount.minor,
        currency=None if event.amount is None else event.amount.currency,
        after_ms=event.after_ms,
        status=None,
        reason=None,
    )
    views.of(BIDS).add(name, row)


def _confirmed(views: Views, event: BidConfirmed, contact: str | None) -> None:
    attempt = views.of(ATTEMPTS).edit(event.attempt)
    if attempt is not None:
        attempt.bid_confirmed, attempt.confirm_took_ms = event.fate, event.took_ms


HANDLERS: Final[Mapping[type, Handler]] = {AuctionHeld: _held, BidLate: _late, BidConfirmed: _confirmed}
"""What each type of event does to the rows of its auction."""
