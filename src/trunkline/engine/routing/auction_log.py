"""An auction as the journal keeps it, and the bids that can be read from there again to settle it once more."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

import msgspec

from trunkline.engine.routing.auction import Answered, Bid, Fate, Standing
from trunkline.engine.routing.contest import Held
from trunkline.engine.routing.offer import Auction
from trunkline.events.auctions import AuctionHeld, Ping
from trunkline.kernel.money import Money

LISTED_MAX: Final = 200
"""As many routes are listed in one journal entry; the best come first."""
_ANSWERED: Final[Mapping[Fate, Answered]] = {
    Fate.WON: "bid",
    Fate.LOST: "bid",
    Fate.BELOW_FLOOR: "bid",
    Fate.CURRENCY: "bid",
    Fate.SIMULATED: "bid",
    Fate.BID: "bid",
    Fate.FILTERED: "bid",
    Fate.LATE: "late",
    Fate.NO_BID: "no_bid",
    Fate.TIMEOUT: "timeout",
    Fate.HTTP_ERROR: "http_error",
    Fate.SHED: "shed",
    Fate.NOT_ASKED: "not_asked",
    Fate.SENT: "not_asked",
}
"""What a bidder has answered, by what became of it."""


class Lot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """For whom an auction is held: the fields that all its events say, and how often the call was rerouted."""

    account: str
    call: str
    currency: str
    hop: int = 0


def settled(
    lot: Lot,
    held: Held,
    asked: Auction | None,
    bids: Mapping[str, Bid],
    offered: Container[str],
    took_ms: int,
    at_ms: int,
) -> AuctionHeld:
    """The event of an auction that was settled. `offered` are the routes that have become offers by now.

    `asked` is None when nobody had to be asked: every bid was known from an auction before.
    """
    fates = held.fates(offered)
    pings = [_ping(route, standing, fate, bids, lot.currency) for route, standing, fate in fates[:LISTED_MAX]]
    return AuctionHeld(
        account=lot.account,
        call=lot.call,
        at_ms=at_ms,
        plan=held.plan,
        tier=held.tier,
        deadline_ms=0 if asked is None else asked.deadline_ms,
        took_ms=took_ms,
        pings=tuple(pings),
        more=len(fates) - len(pings),
        hop=lot.hop,
    )


def broken_off(lot: Lot, asked: Auction, bids: Mapping[str, Bid], took_ms: int, at_ms: int) -> AuctionHeld:
    """The event of an auction whose caller was gone before it was settled; `bids` are those that had come by then."""
    pings: list[Ping] = []
    for bidder in asked.bidders:
        bid = bids.get(bidder.target)
        fate = Fate.SENT if bid is None else Fate(bid.answered)
        pings += [_told(route, bidder.target, fate, bid) for route in bidder.routes]
    return AuctionHeld(
        account=lot.account,
        call=lot.call,
        at_ms=at_ms,
        plan=asked.plan,
        tier=asked.tier,
        deadline_ms=asked.deadline_ms,
        took_ms=took_ms,
        pings=tuple(pings[:LISTED_MAX]),
        more=max(0, len(pings) - LISTED_MAX),
        settled=False,
        hop=lot.hop,
    )


def bids_told(events: Iterable[AuctionHeld]) -> dict[str, Bid]:
    """What the bidders of these auctions have answered, by target, as far as it is listed."""
    found: dict[str, Bid] = {}
    for event in events:
        for ping in event.pings:
            answered = _ANSWERED.get(Fate(ping.fate))
            if answered is None or (ping.after_ms is None and answered == "bid"):
                continue  # a static price
            found[ping.target] = Bid(
                answered,
                ping.amount,
                ping.after_ms or 0,
                ping.id,
                ping.detail,
                ping.status,
                ping.dial,
                ping.duration_s,
                ping.expires_ms,
                ping.confirm,
                ping.ping,
            )
    return found


def same_fates(told: AuctionHeld, again: AuctionHeld) -> list[str]:
    """What differs between an auction of the journal and the same one settled again, one sentence each."""
    name = f"the auction of {told.plan}.{told.tier}"
    if (told.plan, told.tier) != (again.plan, again.tier):
        return [f"{name} comes out as one of {again.plan}.{again.tier}"]
    found = {ping.route: ping for ping in again.pings}
    differ: list[str] = []
    for ping in told.pings:
        now = found.pop(ping.route, None)
        if now is None:
            differ.append(f"{ping.route} takes no part in {name}")
        elif (now.fate, now.amount) != (ping.fate, ping.amount):
            differ.append(f"{ping.route} in {name} is {_words(now)}, not {_words(ping)}")
    if not told.more:
        differ += [f"{route} takes part in {name}, which is not told" for route in found]
    return differ


def _ping(route: str, standing: Standing, fate: Fate, bids: Mapping[str, Bid], currency: str) -> Ping:
    entrant = standing.entrant
    if entrant.price is not None:
        return Ping(route=route, target=entrant.target, fate=fate.value, amount=Money(entrant.price, currency))
    return _told(route, entrant.target, fate, bids.get(entrant.target))


def _told(route: str, target: str, fate: Fate, bid: Bid | None) -> Ping:
    if bid is None:
        return Ping(route=route, target=target, fate=fate.value)
    return Ping(
        route=route,
        target=target,
        fate=fate.value,
        amount=bid.amount,
        after_ms=bid.after_ms,
        id=bid.id,
        status=bid.status,
        detail=bid.detail,
        dial=bid.dial,
        duration_s=bid.duration_s,
        expires_ms=bid.expires_ms,
        confirm=bid.confirm,
        ping=bid.ping,
    )


def _words(ping: Ping) -> str:
    return ping.fate if ping.amount is None else f"{ping.fate} at {ping.amount} {ping.amount.currency}"
