"""Opening hours as they stand in the configuration."""

from __future__ import annotations

import msgspec

from trunkline.config.struct import Struct


class TimeRange(Struct, frozen=True, kw_only=True):
    """Half-open wall-clock range in minutes from midnight; `until` <= `start` runs past midnight, 1440 is 24:00."""

    start: int
    until: int


class Hours(Struct, frozen=True, kw_only=True):
    """Weekly opening hours; a weekday that is not named is closed; dates (ISO) replace the ranges that start then.

    `holidays` are countries and their parts (`US-TX`), `closed` the days (proleptic ordinals) that these mean: nothing
    starts then, unless the date has an exception.
    """

    mon: tuple[TimeRange, ...] = ()
    tue: tuple[TimeRange, ...] = ()
    wed: tuple[TimeRange, ...] = ()
    thu: tuple[TimeRange, ...] = ()
    fri: tuple[TimeRange, ...] = ()
    sat: tuple[TimeRange, ...] = ()
    sun: tuple[TimeRange, ...] = ()
    holidays: tuple[str, ...] = ()
    closed: tuple[int, ...] = ()
    exceptions: dict[str, tuple[TimeRange, ...]] = msgspec.field(default_factory=dict)
