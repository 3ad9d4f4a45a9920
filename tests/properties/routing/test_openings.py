# ruff: noqa: E501
"""When hours change next: found by the edges of ranges and of clocks, compared with a look at every minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.properties.routing.worlds import ZONES, World

from trunkline.config.hours import Hours, TimeRange
from trunkline.engine.routing.hours import OpenTimes, WallClock
from trunkline.engine.routing.openings import Opening, next_change

pytestmark = pytest.mark.property

MINUTE_MS = 60_000
STARTS = [
    datetime(2026, 10, 31, 20, tzinfo=UTC),  # New York's clocks go back in the night
    datetime(2026, 3, 7, 20, tzinfo=UTC),  # and forward
    datetime(2026, 4, 4, 6, tzinfo=UTC),  # Lord Howe's go back by half an hour
    datetime(2026, 11, 23, 5, tzinfo=UTC),
    datetime(2028, 2, 28, 12, tzinfo=UTC),
    datetime(2025, 3, 29, 9, tzinfo=UTC),  # Beirut has no midnight
    datetime(2024, 10, 26, 9, tzinfo=UTC),  # the Azores have two
]
ODD_ZONES = (*ZONES, "Asia/Beirut", "Atlantic/Azores", "Africa/Casablanca", "America/Havana")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(STARTS), st.integers(0, 600), st.sampled_from(ODD_ZONES))
@example(1, STARTS[0], 0, "America/New_York")
def test_every_change_is_found_and_none_is_made_up(seed: int, start: datetime, minutes: int, zone: str) -> None:
    times = OpenTimes(World(seed).hours(), zone)
    utc_ms = int(start.timestamp() * 1000) + minutes * MINUTE_MS + 31_000
    now = times.open_at(WallClock(utc_ms, zone))
    first = utc_ms - utc_ms % MINUTE_MS + MINUTE_MS
    seen = next(
        (
            ms
            for ms in range(first, first + 3_000 * MINUTE_MS, MINUTE_MS)
            if times.open_at(WallClock(ms, zone)) is not now
        ),
        None,
    )
    found = next_change(times, utc_ms)
    if seen is not None:
        assert found == seen
    else:
        assert found is None or found >= first + 3_000 * MINUTE_MS
    opening = Opening(times)
    assert opening.change_ms(utc_ms) == opening.change_ms(utc_ms + 1) == found


def span(start: str, until: str) -> TimeRange:
    (hour, minute), (last, end) = (map(int, text.split(":")) for text in (start, until))
    return TimeRange(start=hour * 60 + minute, until=last * 60 + end)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("hours", "at", "change"),
    [
        (Hours(mon=(span("08:00", "12:00"), span("13:00", "18:00"))), "2026-11-23T09:00-05:00", "2026-11-23T12:00-05:00"),
        (Hours(mon=(span("08:00", "18:00"),)), "2026-11-23T18:00-05:00", "2026-11-30T08:00-05:00"),
        (Hours(fri=(span("22:00", "06:00"),)), "2026-11-27T23:00-05:00", "2026-11-28T06:00-05:00"),
        # the night before a holiday runs out on it, and the night of the holiday does not begin
        (
            Hours(thu=(span("22:00", "06:00"),), fri=(span("22:00", "06:00"),), exceptions={"2026-12-25": ()}),
            "2026-12-25T05:00-05:00",
            "2026-12-25T06:00-05:00",
        ),
        # 02:30 is skipped: what opens then opens when the clocks jump over it
        (Hours(sun=(span("02:30", "04:00"),)), "2026-03-08T01:00-05:00", "2026-03-08T03:00-04:00"),
        # 01:30 comes twice: open until it has come, and again
        (Hours(sun=(span("01:00", "01:30"),)), "2026-11-01T01:10-04:00", "2026-11-01T01:30-04:00"),
        (Hours(sun=(span("01:00", "01:30"),)), "2026-11-01T01:40-04:00", "2026-11-01T01:00-05:00"),
        (Hours(exceptions={"2028-02-29": (span("09:00", "10:00"),)}), "2028-02-01T00:00-05:00", "2028-02-29T09:00-05:00"),
        (Hours(exceptions={"2100-01-01": (span("09:00", "10:00"),)}), "2026-11-23T00:00-05:00", None),
        (Hours(mon=(span("00:00", "24:00"),), tue=(span("00:00", "24:00"),)), "2026-11-23T09:00-05:00", "2026-11-25T00:00-05:00"),
        (Hours(thu=(span("09:00", "10:00"),)), "1970-01-01T00:00-05:00", "1970-01-01T09:00-05:00"),
    ],
)  # fmt: skip
def test_open_until_and_opens_at(hours: Hours, at: str, change: str | None) -> None:
    found = next_change(OpenTimes(hours, "America/New_York"), ms(at))
    assert found == (None if change is None else ms(change))


def test_a_midnight_that_is_skipped_or_comes_twice() -> None:
    night = OpenTimes(Hours(sat=(span("08:00", "00:45"),)), "Asia/Beirut")  # 00:00 to 01:00 is skipped
    assert next_change(night, ms("2025-03-29T20:00+02:00")) == ms("2025-03-30T01:00+03:00")
    sunday = OpenTimes(Hours(sun=(span("00:00", "04:15"),)), "Atlantic/Azores")  # at 01:00 it is 00:00 again
    assert next_change(sunday, ms("2024-10-26T02:00+00:00")) == ms("2024-10-27T00:00+00:00")
    samoa = OpenTimes(Hours(fri=(span("04:00", "00:30"),)), "Pacific/Apia")  # Friday the 30th is skipped
    assert next_change(samoa, ms("2011-12-29T05:00-10:00")) == ms("2011-12-31T00:00+14:00")


def test_words_for_the_operator() -> None:
    hours = Hours(mon=(span("08:00", "18:00"),))
    assert Opening(OpenTimes(hours, "America/Chicago")).opens(ms("2026-11-23T18:00-06:00")) == (
        "opens 2026-11-30 08:00 America/Chicago"
    )
    assert Opening(OpenTimes(Hours(), "UTC")).opens(0) == "does not open within 400 days"
