"""The auctions of one ping: bidders of buyers are asked before the publisher is answered, and nobody wins yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.auction_log import Lot
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction
from trunkline.events.entry import Entry
from trunkline.switch.bidding.book import AuctionBook
from trunkline.switch.bidding.inquiry import inquiry_of

if TYPE_CHECKING:
    from trunkline.kernel.clock import Instant
    from trunkline.switch.plant import Plant


class PingAuctions:
    """What bidders have said of the caller or lead of one ping, by target: the sale that follows asks nobody again."""

    __slots__ = ("_book", "_contact", "_currency", "_hops", "_known", "_ping", "_plant", "bids")

    def __init__(
        self, plant: Plant, ping: str, contact: str, currency: str, *, known: bool, hops: tuple[str, ...] = ()
    ) -> None:
        """`contact` seals what is told of it; `known`: it is also whose it is."""
        self._plant = plant
        self._ping = ping
        self._contact = contact
        self._known = known
        self._currency = currency
        self._hops = hops
        self._book: AuctionBook | None = None
        self.bids: dict[str, Bid] = {}

    async def ask(self, auction: Auction, cursor: Cursor) -> None:
        """Ask everybody of an auction, and settle it."""
        query = cursor.query
        if self._book is None:
            self._book = AuctionBook(Lot(account=query.account, call=self._ping, currency=self._currency))
        contact = self._contact if self._known else None
        inquiry = inquiry_of(self._plant.world, query, self._ping, contact, self._hops)
        asking = self._plant.bidding.begin(auction, inquiry)
        await asking.wait()
        self._book.asked(asking)
        self.bids |= asking.bids
        cursor.settle(asking.bids)

    def entries(self, cursor: Cursor, now: Instant) -> list[Entry]:
        """What is told of the auctions that were held."""
        if self._book is None:
            return []
        return [Entry(event, self._contact) for event in self._book.entries(cursor, now.utc_ms)]
