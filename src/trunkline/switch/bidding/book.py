"""The auctions of one search for a buyer, for its journal entries."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.engine.routing.auction_log import Lot, broken_off, settled
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction
from trunkline.events.auctions import AuctionHeld
from trunkline.switch.bidding.asking import Asking


class AuctionBook:
    """What was asked in one search of `lot`, and which of its auctions have their entry already."""

    __slots__ = ("_asked", "_lot", "_written")

    def __init__(self, lot: Lot) -> None:
        self._lot = lot
        self._asked: dict[tuple[str, str], tuple[Auction, int]] = {}
        self._written = 0

    def asked(self, asking: Asking) -> None:
        """Everybody of an auction has been asked, and it is closed."""
        auction = asking.auction
        self._asked[auction.plan, auction.tier] = (auction, asking.elapsed_ms())

    def entries(self, cursor: Cursor, at_ms: int, *, again: bool = True) -> Iterator[AuctionHeld]:
        """The events of auctions that have been settled since this was called last.

        Without `again`, those are left out that were settled with bids that another search has asked for.
        """
        auctions, bids = cursor.auctions(), cursor.query.bids or {}
        for held in auctions[self._written :]:
            auction, took_ms = self._asked.get((held.plan, held.tier), (None, 0))
            if held.bid_for and (auction is not None or again):
                yield settled(self._lot, held, auction, bids, cursor.offered, took_ms, at_ms)
        self._written = len(auctions)

    def broken_off(self, asking: Asking, at_ms: int) -> AuctionHeld:
        """The event of an auction that nobody wants the end of."""
        return broken_off(self._lot, asking.auction, asking.bids, asking.elapsed_ms(), at_ms)
