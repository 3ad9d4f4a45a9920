"""Opening hours by the wall clock: edges, nights, exceptions, and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.config.hours import Hours, TimeRange
from trunkline.engine.routing.hours import Clocks, OpenTimes, is_open

pytestmark = pytest.mark.unit

NEW_YORK = "America/New_York"


def span(start: str, until: str) -> TimeRange:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return TimeRange(start=minutes(start), until=minutes(until))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T07:59:59.999-05:00", False),
        ("2026-11-23T08:00:00-05:00", True),
        ("2026-11-23T11:59:59.999-05:00", True),
        ("2026-11-23T12:00:00-05:00", False),
        ("2026-11-23T12:59:59-05:00", False),
        ("2026-11-23T13:00:00-05:00", True),
        ("2026-11-23T18:00:00-05:00", False),
        ("2026-11-24T09:00:00-05:00", False),
    ],
)
def test_ranges_are_half_open_and_days_not_named_closed(moment: str, expected: bool) -> None:
    hours = Hours(mon=(span("08:00", "12:00"), span("13:00", "18:00")))
    assert is_open(hours, NEW_YORK, ms(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27T21:59:59-05:00", False),
        ("2026-11-27T22:00:00-05:00", True),
        ("2026-11-28T00:00:00-05:00", True),
        ("2026-11-28T05:59:59-05:00", True),
        ("2026-11-28T06:00:00-05:00", False),
        ("2026-11-28T22:30:00-05:00", False),
    ],
)
def test_a_night_belongs_to_the_day_it_starts_on(moment: str, expected: bool) -> None:
    assert is_open(Hours(fri=(span("22:00", "06:00"),)), NEW_YORK, ms(moment)) is expected


def test_a_day_to_24_00_ends_at_midnight_and_overlaps_unite() -> None:
    whole = Hours(mon=(span("00:00", "24:00"), span("09:00", "17:00")))
    assert is_open(whole, NEW_YORK, ms("2026-11-23T23:59:59-05:00"))
    assert not is_open(whole, NEW_YORK, ms("2026-11-24T00:00:00-05:00"))


def test_an_exception_replaces_what_starts_that_day_and_lets_the_night_before_run_out() -> None:
    night = Hours(
        thu=(span("20:00", "04:00"),),
        fri=(span("09:00", "17:00"),),
        exceptions={"2026-12-25": (), "2026-12-24": (span("18:00", "02:00"),)},
    )
    assert is_open(night, NEW_YORK, ms("2026-12-24T18:30:00-05:00"))
    assert is_open(night, NEW_YORK, ms("2026-12-25T01:59:00-05:00"))
    assert not is_open(night, NEW_YORK, ms("2026-12-25T02:00:00-05:00"))
    assert not is_open(night, NEW_YORK, ms("2026-12-25T10:00:00-05:00"))
    assert is_open(night, NEW_YORK, ms("2026-12-18T10:00:00-05:00"))


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    hours = Hours(sun=(span("01:00", "02:00"),))
    open_minutes = sum(
        is_open(hours, NEW_YORK, ms("2026-11-01T00:00:00-04:00") + minute * 60_000) for minute in range(300)
    )
    assert open_minutes == 120


def test_an_hour_that_is_skipped_is_never_open() -> None:
    hours = Hours(sun=(span("02:00", "03:00"),))
    start = ms("2026-03-08T00:00:00-05:00")
    assert not any(is_open(hours, NEW_YORK, start + minute * 60_000) for minute in range(300))


def test_no_hours_are_always_open() -> None:
    assert is_open(None, NEW_YORK, 0)


def test_leap_day_and_a_zone_off_the_hour() -> None:
    hours = Hours(exceptions={"2028-02-29": (span("09:00", "09:30"),)})
    assert is_open(hours, "Asia/Kathmandu", ms("2028-02-29T09:15:00+05:45"))
    assert not is_open(hours, "Asia/Kathmandu", ms("2028-03-01T09:15:00+05:45"))


@pytest.mark.parametrize("zone", [NEW_YORK, "Australia/Lord_Howe", "Africa/Monrovia", "UTC"])
def test_clocks_that_are_kept_for_a_minute_show_what_a_fresh_one_shows(zone: str) -> None:
    """Monrovia's clocks were 44 minutes and 30 seconds off until 1972, so its minutes changed inside UTC's."""
    times = OpenTimes(Hours(**{day: (span("08:00", "18:00"),) for day in ("mon", "tue", "wed", "thu", "fri")}), zone)
    clocks = Clocks()
    for start in (datetime(1970, 1, 5, 7, tzinfo=UTC), datetime(2026, 4, 3, 6, 30, tzinfo=UTC)):
        for step in range(0, 14 * 3600, 10):
            utc_ms = int((start + timedelta(seconds=step)).timestamp() * 1000)
            assert times.open_at(clocks.at(utc_ms, zone)) is times.open_at(Clocks().at(utc_ms, zone))
