"""Spreading a limit over its window: how much may be used by now, and when the next may follow.

Only time in which the object is open counts. A limit of 40 a day for somebody who is open from 8 to 18 gives out one
seat every quarter of an hour, the first as soon as it opens. Opening hours go by the wall clock, so an hour that a
clock change repeats counts twice and one that it skips never; a window of 23 or 25 hours is spread over what it has.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from trunkline.engine.routing.hours import DAY_MINUTES, OpenTimes
from trunkline.kernel.windows import Window, shifts

MINUTE_MS = 60_000
DAY_MS = DAY_MINUTES * MINUTE_MS
EPOCH_ORDINAL = 719_163
"""The ordinal of 1970-01-01."""


class OpenTime:
    """The open time of one window, in milliseconds of it that have passed at an instant."""

    __slots__ = ("_before", "_ends", "_starts", "total_ms")

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        """`spans` are half-open, in UTC milliseconds, in order, and do not overlap."""
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]
        self._before = [0, *accumulate(end - start for start, end in spans)]
        self.total_ms = self._before[-1]

    def passed_ms(self, utc_ms: int) -> int:
        """How much open time of the window lies before that instant."""
        place = bisect_right(self._starts, utc_ms)
        if not place:
            return 0
        return self._before[place - 1] + min(utc_ms, self._ends[place - 1]) - self._starts[place - 1]

    def reached(self, open_ms: int) -> int | None:
        """The first instant at which `open_ms` of it have passed; None when there is not so much."""
        if open_ms > self.total_ms or not self._starts:
            return None
        place = max(1, bisect_right(self._before, open_ms - 1))
        return self._starts[place - 1] + open_ms - self._before[place - 1]


def open_time(times: OpenTimes | None, window: Window) -> OpenTime:
    """The open time of a window; without hours all of it."""
    if times is None:
        return OpenTime([(window.start_ms, window.end_ms)])
    spans: list[tuple[int, int]] = []
    for shift in shifts(times.zone, window.start_ms, window.end_ms):
        first = (shift.start_ms + shift.offset_ms) // DAY_MS
        last = (shift.end_ms - 1 + shift.offset_ms) // DAY_MS
        for day in range(first, last + 1):
            midnight = day * DAY_MS - shift.offset_ms
            for start, end in times.open_minutes(day + EPOCH_ORDINAL):
                begins = max(shift.start_ms, midnight + start * MINUTE_MS)
                ends = min(shift.end_ms, midnight + end * MINUTE_MS)
                if begins < ends:
                    spans.append((begins, ends))
    return OpenTime(_united(sorted(spans)))


def allowed(most: int, passed_ms: int, total_ms: int) -> int:
    """How much of `most` may be used when `passed_ms` of `total_ms` have passed: its share, rounded up, at least 1."""
    if not total_ms:
        return min(most, 1)
    return min(most, max(1, -(-most * passed_ms // total_ms)))


def due_ms(most: int, wanted: int, total_ms: int) -> int:
    """How much must have passed before `wanted` of `most` may be used, for `wanted` from 1 to `most`."""
    return 0 if wanted <= 1 else (wanted - 1) * total_ms // most + 1


def _united(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
