"""How many leads begin in one turn of the event loop.

Leads come in bursts: a commit answers dozens of them at once, and their senders answer with the next. Begun all in one
turn they would keep the loop from its calls for ten milliseconds and more; a few at a time, calls come in between.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

AT_ONCE: Final = 4
"""About a millisecond of work."""


class Turns:
    """Lets `at_once` in each turn of the loop; the others wait in their order."""

    __slots__ = ("_armed", "_at_once", "_left", "_loop", "_waiting")

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at_once = self._left = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._armed = False

    async def mine(self) -> None:
        """Wait for a place in this turn or a later one. All who wait are of one loop."""
        loop = self._loop
        if loop is None:  # asked for once: finding the running loop costs a system call
            loop = self._loop = asyncio.get_running_loop()
        if not self._armed:
            self._armed = True
            loop.call_soon(self._turn)
        if self._left and not self._waiting:
            self._left -= 1
            return
        place: asyncio.Future[None] = loop.create_future()
        self._waiting.append(place)
        await place

    def _turn(self) -> None:
        """A turn begins: it lets in who waited, and has what is left for who comes."""
        self._left = self._at_once
        while self._left and self._waiting:
            place = self._waiting.popleft()
            if not place.done():  # who waited may have gone
                place.set_result(None)
                self._left -= 1
        self._armed = self._left < self._at_once
        if self._armed:
            assert self._loop is not None
            self._loop.call_soon(self._turn)
