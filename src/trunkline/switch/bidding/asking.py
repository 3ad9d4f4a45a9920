"""One auction while its bidders are being asked: who has answered, who is still waited for, when it is closed.

Nobody is waited for once everybody has answered, and nobody longer than its own time. A bidder whose time is over is
listened to a little longer: what it says then is recorded, teaches how long it takes, and is never used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Auction
from trunkline.switch.bidding.inquiry import Inquiry

MS_PER_S: Final = 1_000


class Asking:
    """Told by `expect` whom it is waited for, by `answer` what came; `bids` is what is known so far."""

    __slots__ = ("_closed", "_loop", "_on_silent", "_sent", "_timer", "_waiting", "auction", "began_s", "bids",
                 "inquiry", "tasks")  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        auction: Auction,
        inquiry: Inquiry,
        on_silent: Callable[[Asking, str, float], None],
    ) -> None:
        """`on_silent` is told of everybody who was asked and whose time is over, and how many milliseconds late."""
        self.auction = auction
        self.inquiry = inquiry
        self.began_s = loop.time()
        self.bids: dict[str, Bid] = {}
        self.tasks: set[asyncio.Task[bool]] = set()
        self._sent: set[str] = set()
        self._loop = loop
        self._on_silent = on_silent
        self._waiting: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed: asyncio.Future[None] = loop.create_future()

    @property
    def closed(self) -> bool:
        """Whether nobody is waited for any more."""
        return self._closed.done()

    def elapsed_ms(self) -> int:
        """Whole milliseconds since the auction began."""
        return int((self._loop.time() - self.began_s) * MS_PER_S)

    def expect(self, target: str, allowed_ms: int) -> None:
        """This bidder is asked, and has `allowed_ms` from the auction's beginning."""
        self._waiting[target] = allowed_ms

    def sent(self, target: str) -> None:
        """The request to this bidder is on its way."""
        self._sent.add(target)

    def begin(self) -> None:
        """Everybody is known: wait for them."""
        self._go_on()

    def answer(self, target: str, bid: Bid) -> bool:
        """What a bidder has answered; whether it was in time.

        Late, but before the auction is closed, it takes the place of the silence that was noted.
        """
        if self._waiting.pop(target, None) is not None:
            self.bids[target] = bid
            if not self._waiting:
                self._close()
            return True
        if not self.closed and bid.answered == "bid":
            self.bids[target] = msgspec.structs.replace(bid, answered="late")
        return False

    async def wait(self) -> None:
        """Return when the auction is closed; cancelled, everything that is open for it is given up."""
        try:
            await self._closed
        except asyncio.CancelledError:
            self.give_up()
            raise

    def when_closed(self, tell: Callable[[], None]) -> None:
        """Have `tell` called when the auction is closed, never before this returns."""
        self._closed.add_done_callback(lambda _closed: tell())

    def give_up(self) -> None:
        """Nobody wants the bids any more."""
        for task in tuple(self.tasks):
            task.cancel()
        self._waiting.clear()
        self._close()

    def _go_on(self) -> None:
        """Note whose time is over, and wake up when that of the next one is."""
        now_ms = (self._loop.time() - self.began_s) * MS_PER_S
        for target in [target for target, allowed in self._waiting.items() if allowed <= now_ms]:
            late_ms = now_ms - self._waiting.pop(target)
            if target not in self._sent:
                self.bids[target] = Bid("shed", after_ms=int(now_ms), detail="there was no time to ask it")
                continue
            self.bids[target] = Bid("timeout", after_ms=int(now_ms))
            self._on_silent(self, target, late_ms)
        if not self._waiting:
            self._close()
            return
        due_s = self.began_s + min(self._waiting.values()) / MS_PER_S
        self._timer = self._loop.call_at(due_s, self._go_on)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._closed.done():
            self._closed.set_result(None)
