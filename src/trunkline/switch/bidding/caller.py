"""The auctions of one live call: bidders are asked while the caller hears ringing, and the winner confirms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.context import CallContext
from trunkline.engine.routing.auction import Bid, Fate
from trunkline.engine.routing.auction_log import Lot
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction, Candidate, Query
from trunkline.events.auctions import AuctionHeld, BidConfirmed
from trunkline.kernel.clock import SECOND, Instant
from trunkline.switch.bidding.asking import Asking
from trunkline.switch.bidding.book import AuctionBook
from trunkline.switch.bidding.confirming import Confirmed, confirm
from trunkline.switch.bidding.inquiry import Inquiry, inquiry_of

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.calls")

AGAIN_S: Final = 10
"""A caller who is held is looked for every second. Bidders are asked as often as this; in between, what they said
counts."""


class CallBidding:
    """Made when a call comes to its first auction: others have none of this."""

    def __init__(
        self, plant: Plant, world: World, context: CallContext, answer: Callable[[], None], *, known: bool = False
    ) -> None:
        """`answer` is called when the auction that is open has closed. `known`: there are bids of before the call."""
        self._known = known
        self._plant = plant
        self._world = world
        self._context = context
        self._answer = answer
        self._book: AuctionBook | None = None
        self._asking: Asking | None = None
        self._said: dict[tuple[str, str], tuple[int, Mapping[str, Bid]]] = {}
        self._confirming: asyncio.Task[None] | None = None

    @property
    def asks(self) -> bool:
        """Whether bidders are being asked."""
        return self._asking is not None

    def search(self) -> None:
        """Another search has begun."""
        self._book = None

    def ask(self, auction: Auction, cursor: Cursor, hop: int) -> bool:
        """Ask everybody of an auction; whether it is settled, because nobody had to be waited for."""
        query, context = cursor.query, self._context
        if self._book is None:
            self._book = AuctionBook(Lot(account=context.account, call=context.call, currency=self._currency, hop=hop))
        asking = self._asking = self._plant.bidding.begin(auction, self._inquiry(query))
        if asking.closed:
            self.settle(cursor)
            return True
        asking.when_closed(lambda: self._closed(asking))
        return False

    def settle(self, cursor: Cursor) -> None:
        """The auction is closed: the cursor has the bids."""
        asking, self._asking = self._asking, None
        assert asking is not None, "no auction is open"
        assert self._book is not None
        self._book.asked(asking)
        auction = asking.auction
        self._said[auction.plan, auction.tier] = (self._plant.clock().mono_ns, asking.bids)
        self._plant.metrics.auction.observe(asking.elapsed_ms() / 1000)
        cursor.settle(asking.bids)

    def said_before(self, auction: Auction, now: Instant) -> Mapping[str, Bid] | None:
        """What the bidders of this auction have said to this caller a moment ago, if it was one."""
        at_ns, bids = self._said.get((auction.plan, auction.tier), (0, None))
        return bids if bids is not None and now.mono_ns - at_ns < AGAIN_S * SECOND else None

    def entries(self, cursor: Cursor, now: Instant, *, last: bool = True) -> list[AuctionHeld]:
        """The events of what was settled in this search; unless it is the `last`, only of what was asked in it."""
        if self._book is None:
            if not (last and (self._said or self._known)):
                return []
            context = self._context
            self._book = AuctionBook(Lot(account=context.account, call=context.call, currency=self._currency))
        return list(self._book.entries(cursor, now.utc_ms, again=last))

    def offered(self, cursor: Cursor, candidate: Candidate) -> None:
        """An offer is made; a bid that it is made of stands for no other call."""
        if candidate.bid is not None:
            self._plant.bidding.used(self._inquiry(cursor.query), candidate.target)

    def break_off(self, now: Instant) -> AuctionHeld | None:
        """Nobody wants the bids any more: what is told of the auction that was open."""
        asking, self._asking = self._asking, None
        if asking is None:
            return None
        asking.give_up()
        assert self._book is not None
        return self._book.broken_off(asking, now.utc_ms)

    def confirm(self, command: c.Confirm, cursor: Cursor, tell: Callable[[i.Input, BidConfirmed], None]) -> None:
        """Ask the winner whether it stands by its bid; `tell` what came of it, with its journal entry."""
        self._confirming = self._plant.loop.create_task(self._confirm(command, cursor.query, tell))

    def let_go(self) -> None:
        """Nobody is waited for any more: the call is over, or its attempt."""
        if self._confirming is not None:
            self._confirming.cancel()
            self._confirming = None

    def _closed(self, asking: Asking) -> None:
        if self._asking is asking:
            self._answer()

    async def _confirm(self, command: c.Confirm, query: Query, tell: Callable[[i.Input, BidConfirmed], None]) -> None:
        candidate, context = command.offer.candidate, self._context
        bid = candidate.bid
        assert bid is not None, "only a bid is confirmed"
        try:
            said = await self._confirmed(candidate, query, bid)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("call %s: the bid of %s cannot be confirmed", context.call, candidate.target)
            said = Confirmed(fate=Fate.REJECTED_AT_POST, took_ms=0, detail="internal_error")
        self._confirming = None
        event = BidConfirmed(
            account=context.account,
            call=context.call,
            at_ms=self._plant.clock().utc_ms,
            attempt=command.attempt,
            target=candidate.target,
            fate=said.fate.value,
            took_ms=said.took_ms,
            status=said.status,
            detail=said.detail,
            dial=said.dial,
        )
        if said.fate is Fate.ACCEPTED:
            tell(i.Confirmed(command.attempt, said.dial), event)
        else:
            tell(i.NotConfirmed(command.attempt, Fate.REJECTED_AT_POST.value, said.silent), event)

    async def _confirmed(self, candidate: Candidate, query: Query, bid: Bid) -> Confirmed:
        target = self._world.accounts[self._context.account].targets[candidate.target]
        assert target.bid is not None, f"{candidate.target} does not bid"
        inquiry = self._plant.bidding.passing(self._inquiry(query))
        said = await confirm(self._plant, inquiry.secrets.of(target.bid), inquiry.asked, bid)
        return msgspec.structs.replace(said, detail=inquiry.kept(said.detail))

    def _inquiry(self, query: Query) -> Inquiry:
        context = self._context
        return inquiry_of(self._world, query, context.call, None if context.caller is None else context.contact)

    @property
    def _currency(self) -> str:
        return self._world.accounts[self._context.account].config.account.currency
