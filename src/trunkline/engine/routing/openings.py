"""When hours open or close next, by the wall clock of their zone.

What is open can only change where a range begins or ends, or where the clocks are changed. Those instants are tried in
order, by the question that decides calls: so a night that a skipped hour ends early, or an hour that is open twice, is
found as it will happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.engine.routing.hours import DAY_MINUTES, OpenTimes, WallClock
from trunkline.kernel.windows import zone_of

SOUGHT_DAYS: Final = 400
"""How far ahead a change is looked for: what opens once a year is found."""


def next_change(times: OpenTimes, utc_ms: int) -> int | None:
    """The next instant (UTC milliseconds) at which the hours open if they are closed at `utc_ms`, or close if they are
    open; None when there is none within 400 days."""
    zone = zone_of(times.zone)
    now = WallClock(utc_ms, times.zone)
    is_open = times.open_at(now)
    for ordinal in range(now.ordinal, min(now.ordinal + SOUGHT_DAYS, date.max.toordinal() - 2)):
        start, end = _utc_s(ordinal, 0, zone, 0), _end_s(ordinal, zone)
        for second in sorted(set(_edges(times, ordinal, zone))):
            ahead = start <= second <= end and second * 1000 > utc_ms
            if ahead and times.open_at(WallClock(second * 1000, times.zone)) is not is_open:
                return second * 1000
    return None


def _edges(times: OpenTimes, ordinal: int, zone: ZoneInfo) -> Iterator[int]:
    """UTC seconds at which something may change on a local day: ranges of it and of its neighbours, and the clocks."""
    for day in (ordinal - 1, ordinal, ordinal + 1):  # where midnight comes twice, the next day has begun before
        for piece in times.starting(day):
            until = piece.until + (DAY_MINUTES if piece.until <= piece.start else 0)
            for minute in (piece.start, until):
                yield _utc_s(day, minute, zone, 0)
                yield _utc_s(day, minute, zone, 1)
    first, last = _utc_s(ordinal, 0, zone, 0), _end_s(ordinal, zone)
    if _offset(first, zone) != _offset(last, zone):
        yield _clock_change(first, last, zone)


def _end_s(ordinal: int, zone: ZoneInfo) -> int:
    """When a day has ended for good: the midnight behind it may come twice, or be skipped as in Beirut."""
    return max(_utc_s(ordinal + 1, 0, zone, fold) for fold in (0, 1))


def _utc_s(ordinal: int, minute: int, zone: ZoneInfo, fold: int) -> int:
    """When a wall clock shows so many minutes from midnight of a day, for the first or (fold) the second time."""
    day = date.fromordinal(ordinal) + timedelta(days=minute // DAY_MINUTES)
    hours, minutes = divmod(minute % DAY_MINUTES, 60)
    local = datetime(day.year, day.month, day.day, hours, minutes, tzinfo=zone, fold=fold)
    return int(local.astimezone(UTC).timestamp())


def _offset(utc_s: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(utc_s, UTC).astimezone(zone).utcoffset()


def _clock_change(first: int, last: int, zone: ZoneInfo) -> int:
    """The second between two at which the offset changes."""
    before = _offset(first, zone)
    while last - first > 1:
        middle = (first + last) // 2
        if _offset(middle, zone) == before:
            first = middle
        else:
            last = middle
    return last


class Opening:
    """When one object's hours change next, kept until they do: reasons are written for every call."""

    __slots__ = ("_change_ms", "_since_ms", "_times", "_until_ms")

    def __init__(self, times: OpenTimes) -> None:
        self._times = times
        self._since_ms = 0
        self._until_ms = 0
        self._change_ms: int | None = None

    def change_ms(self, utc_ms: int) -> int | None:
        """As `next_change`."""
        if not self._since_ms <= utc_ms < self._until_ms:
            self._change_ms = next_change(self._times, utc_ms)
            self._since_ms = utc_ms
            # Where nothing was found, a day later there is one day more to look at.
            self._until_ms = utc_ms + DAY_MINUTES * 60_000 if self._change_ms is None else self._change_ms
        return self._change_ms

    def opens(self, utc_ms: int) -> str:
        """When closed hours open, in words for the operator: `opens 2026-11-24 08:00 America/Chicago`."""
        change_ms = self.change_ms(utc_ms)
        if change_ms is None:
            return f"does not open within {SOUGHT_DAYS} days"
        local = datetime.fromtimestamp(change_ms // 1000, UTC).astimezone(zone_of(self._times.zone))
        return f"opens {local:%Y-%m-%d %H:%M} {self._times.zone}"
