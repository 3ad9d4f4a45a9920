"""The callers who are held, by the plan they wait for, and who of them is asked for next.

Callers are served in the order in which they came, in whichever line: whenever a seat comes free the first of each line
are tried, each by a search of its own, so one who waits for a Spanish speaker does not keep those behind from an
English one. Whatever frees capacity without a seat being given back (an hour that begins, a target that is in service
again) is found once a second.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from bisect import insort
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from trunkline.switch.slices import SLICE_S

if TYPE_CHECKING:
    from trunkline.switch.searching import Searching

FIRST: Final = 10
"""As many of each line are tried as soon as a seat comes free; the others within the second."""
LOOK_S: Final = 1.0
REST: Final = 4.0
"""For how many times as long as they took searches pause: a thousand routes without room take 2 ms to be asked."""

Name = tuple[str, str]
"""Account and plan."""
_Waiting = tuple[int, "Searching"]


class Queues:
    """All lines of one switch."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: dict[Name, list[_Waiting]] = {}
        self._where: dict[Searching, Name] = {}
        self._tickets = itertools.count(1)
        self._round: Iterator[Searching] | None = None
        """Who is still to be tried since a seat came free."""
        self._freed = False

    def __len__(self) -> int:
        return len(self._where)

    def ticket(self) -> int:
        """A place behind all others, to be kept by whoever comes back."""
        return next(self._tickets)

    def length(self, name: Name) -> int:
        """How many wait there."""
        return len(self._lines.get(name, ()))

    def join(self, call: Searching, name: Name, ticket: int) -> int:
        """The call waits; its position from 1."""
        assert call not in self._where, "a call waits in one line"
        line = self._lines.setdefault(name, [])
        insort(line, (ticket, call), key=lambda each: each[0])
        self._where[call] = name
        return self.position(call)

    def leave(self, call: Searching) -> bool:
        """The call waits no longer; whether it did."""
        name = self._where.pop(call, None)
        if name is None:
            return False
        line = [each for each in self._lines[name] if each[1] is not call]
        if line:
            self._lines[name] = line
        else:
            del self._lines[name]
        return True

    def __contains__(self, call: Searching) -> bool:
        return call in self._where

    def position(self, call: Searching) -> int:
        """The call's place in its line, from 1."""
        line = self._lines[self._where[call]]
        return 1 + next(place for place, each in enumerate(line) if each[1] is call)

    def freed(self) -> None:
        """A seat has come free: try the first of each line, when whatever freed it is done."""
        if self._where and not self._freed:
            self._freed = True
            if self._round is None:
                self._loop.call_soon(self._wake)

    async def run(self) -> None:
        """Try everybody once a second until cancelled; less often where that takes long."""
        while True:
            await asyncio.sleep(LOOK_S)
            everybody = self._in_order(None)
            while (took_s := self._try_some(everybody)) is not None:  # noqa: ASYNC110 - it works in between
                await asyncio.sleep(REST * took_s)

    def _wake(self) -> None:
        if self._round is None:
            self._freed = False
            self._round = self._in_order(FIRST)
        took_s = self._try_some(self._round)
        if took_s is not None:
            self._loop.call_later(REST * took_s, self._wake)
            return
        self._round = None
        if self._freed:
            self._loop.call_soon(self._wake)

    def _try_some(self, callers: Iterator[Searching]) -> float | None:
        """Try them for as long as a slice lasts: how long that took in seconds, None when all have been tried."""
        began_s = time.perf_counter()
        for call in callers:
            if call in self._where:
                call.try_again()
            took_s = time.perf_counter() - began_s
            if took_s >= SLICE_S:
                return took_s
        return None

    def _in_order(self, most: int | None) -> Iterator[Searching]:
        """The first `most` of each line, whoever came first before all others. Lines may change meanwhile."""
        lines = [line[:most] for line in self._lines.values()]
        return (call for _, call in heapq.merge(*lines, key=lambda each: each[0]))
