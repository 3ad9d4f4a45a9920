"""Deadlines that lie far ahead and are mostly cancelled, one per leg, to the second.

The heap of timers keeps what was armed until its time comes. A session timer runs for half an hour and most calls are
over by then, so the heap would hold all calls of the last half hour; here a cancelled deadline is gone at once.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil, inf


class Appointments:
    """At most one deadline per leg, rounded up to the second; itself one owner on the heap of timers."""

    __slots__ = ("_at", "_by_second", "_seconds", "alarm", "armed")

    def __init__(self) -> None:
        self.armed = inf
        self.alarm = 0
        self._at: dict[int, int] = {}
        self._by_second: dict[int, set[int]] = {}
        self._seconds: list[int] = []

    def __len__(self) -> int:
        return len(self._at)

    def set(self, leg: int, at: float) -> None:
        """(Re)place the deadline of a leg; the owner must arm this object on the heap afterwards."""
        self.drop(leg)
        second = ceil(at)
        legs = self._by_second.get(second)
        if legs is None:
            legs = self._by_second[second] = set()
            heappush(self._seconds, second)
        legs.add(leg)
        self._at[leg] = second

    def drop(self, leg: int) -> None:
        """Forget the deadline of a leg, if it has one."""
        second = self._at.pop(leg, None)
        if second is not None:
            self._by_second[second].discard(leg)

    def take_due(self, now: float) -> list[int]:
        """The legs whose deadlines are not after `now`, forgotten here."""
        due: list[int] = []
        while self._seconds and self._seconds[0] <= now:
            legs = self._by_second.pop(heappop(self._seconds))
            due += sorted(legs)
        for leg in due:
            del self._at[leg]
        return due

    def next_timer(self) -> float | None:
        """See TimerOwner. Seconds in which nobody is left are dropped on the way."""
        while self._seconds and not self._by_second[self._seconds[0]]:
            del self._by_second[heappop(self._seconds)]
        return self._seconds[0] if self._seconds else None
