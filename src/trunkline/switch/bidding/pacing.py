"""Begins what waits to be begun, a little in every turn of the loop.

Twenty auctions that begin at once are four hundred requests, and some 100 ms of work. Done in one go, deadlines of
other auctions, SIP timers and answers that are there already would wait for all of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

A_TURN: Final = 10
"""Requests that are begun in one turn of the loop: 2 ms, or 8 when their connections have to be opened."""


class Pace:
    """What waits, in the order in which it came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._turning = False

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, steps: Iterable[Callable[[], None]]) -> None:
        """Have these begun behind all that waits already: now, if nothing does and they are few."""
        self._waiting.extend(steps)
        if not self._turning:
            self._turn()

    def _turn(self) -> None:
        for _ in range(min(A_TURN, len(self._waiting))):
            self._waiting.popleft()()
        self._turning = bool(self._waiting)
        if self._turning:
            self._loop.call_soon(self._turn)
