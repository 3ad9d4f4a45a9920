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


def _hour(utc_ms: int, zone: str) -> Window:
    seconds = utc_ms // 1000
    offset = datetime.fromtimestamp(seconds, UTC).astimezone(zone_of(zone)).utcoffset() or timedelta(0)
    offset_ms = int(offset.total_seconds()) * 1000
    start = (utc_ms + offset_ms) // HOUR_MS * HOUR_MS - offset_ms
    return Window(start, start + HOUR_MS)


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
