"""The auctions of the demo on a terminal: who was asked for a bid, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from trunkline.engine.routing.auction import Fate
from trunkline.events.auctions import AuctionHeld, Ping

ROWS_MAX = 2
"""Auctions in the live picture: the newest."""
_WORDS = {
    Fate.WON: "won",
    Fate.LOST: "lost",
    Fate.BELOW_FLOOR: "below the floor",
    Fate.NO_BID: "no bid",
    Fate.TIMEOUT: "silent",
    Fate.LATE: "too late",
    Fate.HTTP_ERROR: "broken",
    Fate.SHED: "not asked in time",
}
_STYLES = {Fate.WON: "bold green", Fate.TIMEOUT: "yellow", Fate.HTTP_ERROR: "red"}


def auction_text(auction: AuctionHeld, number: int) -> Text:
    """One auction on a line: everybody's bid, best first, and how long it took."""
    text = Text(f"auction {number:>2}  ", no_wrap=True, overflow="ellipsis")
    for place, ping in enumerate(auction.pings):
        text.append(", " if place else "")
        text.append(_told(ping), style=_STYLES.get(Fate(ping.fate), "dim"))
    return text.append(f"  settled in {auction.took_ms} ms of {auction.deadline_ms}")


def newest(auctions: Sequence[AuctionHeld], rows: int = ROWS_MAX) -> list[Text]:
    """The newest auctions, a line each."""
    numbered = list(enumerate(auctions, start=1))
    return [auction_text(auction, number) for number, auction in numbered[-rows:]]


def _told(ping: Ping) -> str:
    words = [ping.target]
    if ping.amount is not None:
        words.append(str(ping.amount))
    words.append(_WORDS.get(Fate(ping.fate), ping.fate))
    if ping.after_ms is not None and ping.amount is not None:
        words.append(f"({ping.after_ms} ms)")
    return " ".join(words)
