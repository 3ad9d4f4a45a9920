"""Auctions as people and programs see them, told from their events: for calls and leads alike."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trunkline.engine.routing.auction import FATE_WORDS, Fate
from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate, Ping
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import iso

_WORDS = {
    **{fate.value: words for fate, words in FATE_WORDS.items()},
    Fate.WON.value: "won",
    Fate.LOST.value: "lost",
    Fate.BELOW_FLOOR.value: "below the floor",
    Fate.FILTERED.value: "filtered",
    Fate.SENT.value: "asked, and nobody waited for the answer",
    Fate.BID.value: "a bid that nobody waited for",
}


class PingRecord(msgspec.Struct, kw_only=True):
    """One route of an auction and its fate. `bid` is the amount in major units, `static` whether nobody was asked."""

    route: str
    target: str
    fate: str
    bid: str | None = None
    currency: str | None = None
    static: bool = False
    after_ms: int | None = None
    id: str | None = None
    status: int | None = None
    detail: str | None = None
    dial: str | None = None
    duration_s: int | None = None
    expires_at: str | None = None


class AuctionRecord(msgspec.Struct, kw_only=True):
    """One auction. `settled` is False when the caller was gone before; `more` routes are not listed."""

    plan: str
    tier: str
    at: str
    deadline_ms: int
    took_ms: int
    settled: bool
    pings: list[PingRecord]
    more: int = 0


def record_of(event: AuctionHeld) -> AuctionRecord:
    """What is shown of an auction; what comes later is added by `change`."""
    return AuctionRecord(
        plan=event.plan,
        tier=event.tier,
        at=iso(event.at_ms),
        deadline_ms=event.deadline_ms,
        took_ms=event.took_ms,
        settled=event.settled,
        pings=[_ping(ping) for ping in event.pings],
        more=event.more,
    )


def change(auctions: Iterable[AuctionRecord], event: BidLate | BidConfirmed) -> None:
    """Add what was told after the auction: a bid that came late, or the winner's answer to the confirmation."""
    pings = [ping for auction in auctions for ping in auction.pings if ping.target == event.target]
    if isinstance(event, BidConfirmed):
        ping = next((ping for ping in reversed(pings) if ping.fate in {Fate.WON, Fate.LOST}), None)
        if ping is not None:
            ping.fate, ping.detail, ping.dial = event.fate, event.detail, event.dial or ping.dial
        return
    ping = next((ping for ping in reversed(pings) if ping.fate == Fate.TIMEOUT), None)
    if ping is not None:
        ping.fate, ping.after_ms, ping.detail = Fate.LATE.value, event.after_ms, event.detail
        if event.amount is not None:
            ping.bid, ping.currency = str(event.amount), event.amount.currency


def leave_out(auctions: Iterable[AuctionRecord], rejected: Iterable[Rejection]) -> None:
    """Add the routes of auctions that guards and limits had left out before anybody was asked, with their reason."""
    listed = list(rejected)
    for auction in auctions:
        known = {ping.route for ping in auction.pings}
        tier = f"{auction.plan}.{auction.tier}."
        auction.pings += [
            PingRecord(route=each.route, target=each.target, fate=Fate.FILTERED.value, detail=each.reason)
            for each in listed
            if each.route.startswith(tier) and each.route not in known
        ]


def tell_auction(event: AuctionHeld) -> list[str]:
    """An auction in words."""
    of = f"auction {event.plan}.{event.tier}"
    if not event.settled:
        head = f"{of} broken off after {event.took_ms} ms: nobody wants the bids any more"
    elif event.deadline_ms:
        head = f"{of} settled after {event.took_ms} of {event.deadline_ms} ms"
    else:
        head = f"{of} settled with bids that were known"
    lines = [head, *(f"  {ping.route}: {_told(ping)}" for ping in event.pings)]
    return [*lines, f"  and {event.more} more routes"] if event.more else lines


def tell_late(event: BidLate) -> str:
    """A late answer in words."""
    what = "no bid" if event.amount is None else f"{event.amount} {event.amount.currency}"
    return f"{event.target} answered the auction {event.plan}.{event.tier} after {event.after_ms} ms, too late: {what}"


def tell_confirmed(event: BidConfirmed) -> str:
    """An answer to a confirmation in words."""
    why = f" ({event.detail})" if event.detail else ""
    stands = "stands by its bid" if event.fate == Fate.ACCEPTED else "does not stand by its bid"
    where = f", and is called at {event.dial}" if event.dial else ""
    return f"{event.target} {stands}{why}{where}, asked for {event.took_ms} ms"


def _ping(ping: Ping) -> PingRecord:
    return PingRecord(
        route=ping.route,
        target=ping.target,
        fate=ping.fate,
        bid=None if ping.amount is None else str(ping.amount),
        currency=None if ping.amount is None else ping.amount.currency,
        static=ping.after_ms is None and ping.amount is not None,
        after_ms=ping.after_ms,
        id=ping.id,
        status=ping.status,
        detail=ping.detail,
        dial=ping.dial,
        duration_s=ping.duration_s,
        expires_at=None if ping.expires_ms is None else iso(ping.expires_ms),
    )


def _told(ping: Ping) -> str:
    words = _WORDS.get(ping.fate, ping.fate)
    detail = f" ({ping.detail})" if ping.detail else ""
    price = "" if ping.amount is None else f" with {ping.amount} {ping.amount.currency}"
    when = "" if ping.after_ms is None else f" after {ping.after_ms} ms"
    terms = "" if ping.duration_s is None else f", owed from {ping.duration_s} s on"
    where = "" if ping.dial is None else f", to be called at {ping.dial}"
    return f"{words}{price}{when}{detail}{terms}{where}"
