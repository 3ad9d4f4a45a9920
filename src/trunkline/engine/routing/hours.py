"""Opening hours by the wall clock of a zone.

A range is half-open and belongs to the day it starts on: 22:00-06:00 on Friday runs into Saturday. A date exception
replaces the ranges that start on that date, so what began the day before still runs out; on a holiday nothing starts,
unless the date has an exception. Because only the wall clock
is asked, an hour that a clock change repeats is open twice, and one that it skips never.
"""

from __future__ import annotations

from datetime import UTC, datetime

from trunkline.config.hours import Hours, TimeRange
from trunkline.kernel.windows import zone_of

DAY_MINUTES = 1440
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WallClock:
    """One zone's local time at one instant: date as an ordinal, weekday (0 is Monday), minutes from midnight."""

    __slots__ = ("_local", "minute", "ordinal", "steady", "weekday")

    def __init__(self, utc_ms: int, zone: str) -> None:
        local = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone_of(zone))
        self._local = local
        self.ordinal = local.toordinal()
        self.weekday = local.weekday()
        self.minute = local.hour * 60 + local.minute
        offset = local.utcoffset()
        self.steady = offset is not None and offset.seconds % 60 == 0
        """Whether the local minute changes with the UTC minute: some zones once had offsets with seconds."""

    @property
    def date(self) -> str:
        """The local date, `2026-11-22`."""
        return self._local.date().isoformat()


class OpenTimes:
    """Hours compiled for one zone."""

    __slots__ = ("_dates", "_days", "identity", "zone")

    def __init__(self, hours: Hours, zone: str) -> None:
        self.zone = zone
        self._days: tuple[tuple[TimeRange, ...], ...] = tuple(getattr(hours, day) for day in WEEKDAYS)
        self._dates: dict[int, tuple[TimeRange, ...]] = dict.fromkeys(hours.closed, ())
        self._dates |= {datetime.fromisoformat(day).toordinal(): ranges for day, ranges in hours.exceptions.items()}
        self.identity = (zone, self._days, hours.holidays, tuple(sorted(hours.exceptions.items())))
        """Equal for equal hours in equal zones."""

    def open_at(self, clock: WallClock) -> bool:
        """Whether the hours are open at that local time; `clock` is of the same zone."""
        minute = clock.minute
        for piece in self.starting(clock.ordinal):
            if minute >= piece.start and (minute < piece.until or piece.until <= piece.start):
                return True
        return any(minute < piece.until <= piece.start for piece in self.starting(clock.ordinal - 1))

    def open_minutes(self, ordinal: int) -> list[tuple[int, int]]:
        """Ranges of minutes of a local day (its ordinal) that are open, what began the day before among them."""
        late = [(0, each.until) for each in self.starting(ordinal - 1) if each.until <= each.start]
        return late + [
            (each.start, each.until if each.until > each.start else DAY_MINUTES) for each in self.starting(ordinal)
        ]

    def starting(self, ordinal: int) -> tuple[TimeRange, ...]:
        """The ranges that begin on a day: those of its date, none on a holiday, else those of its weekday."""
        replaced = self._dates.get(ordinal)
        return self._days[(ordinal - 1) % 7] if replaced is None else replaced  # day 1 of the year 1 was a Monday


def is_open(hours: Hours | None, zone: str, utc_ms: int) -> bool:
    """Whether `hours` are open at `utc_ms` in `zone`; no hours are always open."""
    return hours is None or OpenTimes(hours, zone).open_at(WallClock(utc_ms, zone))


class Clocks:
    """Wall clocks of many zones at one instant, each read once a minute."""

    __slots__ = ("_clocks", "_minute")

    def __init__(self) -> None:
        self._minute = -1
        self._clocks: dict[str, WallClock] = {}

    def at(self, utc_ms: int, zone: str) -> WallClock:
        """The wall clock of `zone`."""
        minute = utc_ms // 60_000
        if minute != self._minute:
            self._minute = minute
            self._clocks.clear()
        clock = self._clocks.get(zone)
        if clock is None or not clock.steady:
            clock = self._clocks[zone] = WallClock(utc_ms, zone)
        return clock
