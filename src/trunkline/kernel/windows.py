"""Calendar windows: the hour, day, week or month of a zone that an instant falls into.

Windows follow the wall clock of their zone. A day starts at its first existing minute, so it has 23 or 25 hours when
the clocks change; a repeated hour is two windows because each is counted by its own UTC start.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

HOUR_MS = 3_600_000
FOREVER_MS = 2**62
"""The end of a lifetime window."""


class Per(StrEnum):
    """The windows that a limit can count in."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    LIFETIME = "lifetime"


class Window(msgspec.Struct, frozen=True, gc=False):
    """Half-open [start_ms, end_ms) in UTC milliseconds."""

    start_ms: int
    end_ms: int


LIFETIME = Window(0, FOREVER_MS)


@lru_cache(maxsize=4_096)
def zone_of(name: str) -> ZoneInfo:
    """The IANA zone called `name`. Raises zoneinfo.ZoneInfoNotFoundError or ValueError when there is none."""
    return ZoneInfo(name)


def window_at(per: Per, utc_ms: int, zone: str, week_start: int = 0) -> Window:
    """The window of kind `per` that holds `utc_ms` in `zone`; `week_start` is 0 for Monday to 6 for Sunday."""
    if per is Per.LIFETIME:
        return LIFETIME
    if per is Per.HOUR:
        return _hour(utc_ms, zone)
    local = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone_of(zone)).date()
    return _days(per, local, zone, week_start)


class Shift(msgspec.Struct, frozen=True, gc=False):
    """Half-open [start_ms, end_ms) in UTC milliseconds, in which the wall clock of a zone is ahead by `offset_ms`."""

    start_ms: int
    end_ms: int
    offset_ms: int


_STEP_MS = 6 * HOUR_MS
"""No zone has changed its clocks twice within so long."""


def shifts(zone: str, start_ms: int, end_ms: int) -> list[Shift]:
    """The span [start_ms, end_ms), cut where the clocks of `zone` change."""
    found: list[Shift] = []
    begun, offset, at = start_ms, offset_ms(zone, start_ms), start_ms
    while at < end_ms:
        following = min(at + _STEP_MS, end_ms)
        other = offset_ms(zone, following)
        if other != offset:
            change = _change(zone, at, following, offset)
            if change < end_ms:
                found.append(Shift(begun, change, offset))
                begun, offset = change, other
        at = following
    found.append(Shift(begun, end_ms, offset))
    return found


def offset_ms(zone: str, utc_ms: int) -> int:
    """How far the wall clock of `zone` is ahead of UTC at that instant."""
    offset = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone_of(zone)).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * 1000


def _change(zone: str, before_ms: int, after_ms: int, offset: int) -> int:
    """The first second in (before_ms, after_ms] at which the zone is not ahead by `offset` any more."""
    low, high = before_ms // 1000, -(-after_ms // 1000)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_ms(zone, middle * 1000) == offset:
            low = middle
        else:
            high = middle
    return high * 1000


def _hour(utc_ms: int, zone: str) -> Window:
    """The local hour, cut short where the clocks change within it (Lord Howe's move by half an hour)."""
    offset = offset_ms(zone, utc_ms)
    start = (utc_ms + offset) // HOUR_MS * HOUR_MS - offset
    for shift in shifts(zone, start, start + HOUR_MS):
        if shift.start_ms <= utc_ms < shift.end_ms:
            return Window(shift.start_ms, shift.end_ms)
    raise AssertionError("the shifts of an hour cover it")


@lru_cache(maxsize=65_536)
def _days(per: Per, local: date, zone: str, week_start: int) -> Window:
    if per is Per.DAY:
        first, after = local, local + timedelta(days=1)
    elif per is Per.WEEK:
        first = local - timedelta(days=(local.weekday() - week_start) % 7)
        after = first + timedelta(days=7)
    else:
        first = local.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    return Window(_midnight_ms(first, zone), _midnight_ms(after, zone))


def _midnight_ms(day: date, zone: str) -> int:
    """The UTC instant at which `day` begins in `zone`, also where midnight is skipped by a clock change."""
    tz = zone_of(zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=tz)
    utc = midnight.astimezone(UTC)
    if utc.astimezone(tz).date() < day:  # midnight does not exist: the day begins when the gap ends
        utc += (midnight.utcoffset() or timedelta(0)) - (midnight.replace(fold=1).utcoffset() or timedelta(0))
    return int(utc.timestamp()) * 1000
