"""Calendar windows cover all of time, once, whatever the clocks of a zone do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.kernel.windows import HOUR_MS, LIFETIME, Per, Shift, Window, offset_ms, shifts, window_at

pytestmark = pytest.mark.property

ZONES = (
    "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut",
    "Africa/Casablanca", "Pacific/Apia", "Africa/Monrovia", "Europe/London", "UTC",
)  # fmt: skip
NY, HOWE = "America/New_York", "Australia/Lord_Howe"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def span(start: str, end: str) -> Window:
    return Window(ms(start), ms(end))


@settings(max_examples=600)
@given(
    per=st.sampled_from([Per.HOUR, Per.DAY, Per.WEEK, Per.MONTH]),
    zone=st.sampled_from(ZONES),
    at=st.integers(0, ms("2101-01-01T00:00:00+00:00")),
    week_start=st.integers(0, 6),
)
def test_windows_meet_and_never_overlap(per: Per, zone: str, at: int, week_start: int) -> None:
    window = window_at(per, at, zone, week_start)
    assert window.start_ms <= at < window.end_ms
    assert window_at(per, window.start_ms, zone, week_start) == window
    assert window_at(per, window.end_ms - 1, zone, week_start) == window
    assert window_at(per, window.end_ms, zone, week_start).start_ms == window.end_ms
    first = datetime.fromtimestamp(window.start_ms // 1000, UTC).astimezone(ZoneInfo(zone))
    last = datetime.fromtimestamp(window.end_ms // 1000 - 1, UTC).astimezone(ZoneInfo(zone))
    if per is Per.DAY:
        assert first.date() == last.date()
    elif per is Per.WEEK:
        assert (last.date() - first.date()) <= timedelta(days=6)
        assert last.weekday() == (week_start - 1) % 7 or zone == "Pacific/Apia", "Samoa once left out a Friday"
    elif per is Per.MONTH:
        assert (first.year, first.month) == (last.year, last.month)


@pytest.mark.parametrize(
    ("per", "at", "zone", "window"),
    [
        (Per.DAY, "2026-03-08T12:00-04:00", NY, span("2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00")),
        (Per.DAY, "2026-11-01T12:00-05:00", NY, span("2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00")),
        (Per.HOUR, "2026-11-01T01:30-04:00", NY, span("2026-11-01T01:00-04:00", "2026-11-01T02:00-04:00")),
        (Per.HOUR, "2026-11-01T01:30-05:00", NY, span("2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00")),
        (Per.DAY, "2028-02-29T12:00-05:00", NY, span("2028-02-29T00:00-05:00", "2028-03-01T00:00-05:00")),
        (Per.MONTH, "2028-02-29T12:00-05:00", NY, span("2028-02-01T00:00-05:00", "2028-03-01T00:00-05:00")),
        (Per.MONTH, "2100-02-28T23:59-05:00", NY, span("2100-02-01T00:00-05:00", "2100-03-01T00:00-05:00")),
        (Per.WEEK, "1970-01-01T00:00+00:00", "UTC", span("1969-12-29T00:00+00:00", "1970-01-05T00:00+00:00")),
        (Per.DAY, "1970-01-01T00:00+00:00", NY, span("1969-12-31T00:00-05:00", "1970-01-01T00:00-05:00")),
        (Per.HOUR, "2026-04-05T01:45+11:00", HOWE, span("2026-04-05T01:00+11:00", "2026-04-05T02:00+11:00")),
        (Per.HOUR, "2026-04-05T01:45+10:30", HOWE, span("2026-04-05T02:00+11:00", "2026-04-05T02:00+10:30")),
        (Per.HOUR, "2026-10-04T02:45+11:00", HOWE, span("2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00")),
    ],
)
def test_known_windows(per: Per, at: str, zone: str, window: Window) -> None:
    assert window_at(per, ms(at), zone) == window


def test_a_lifetime_has_no_end_and_a_week_starts_when_it_is_told() -> None:
    assert window_at(Per.LIFETIME, 0, NY) == LIFETIME
    sunday = ms("2026-11-22T12:00-05:00")
    assert window_at(Per.WEEK, sunday, NY).start_ms == ms("2026-11-16T00:00-05:00")
    assert window_at(Per.WEEK, sunday, NY, 6).start_ms == ms("2026-11-22T00:00-05:00")


@given(st.sampled_from(ZONES), st.integers(0, ms("2100-01-01T00:00+00:00")), st.integers(1, 40 * 24 * HOUR_MS))
def test_shifts_cut_a_span_where_the_clocks_change(zone: str, start: int, length: int) -> None:
    found = shifts(zone, start, start + length)
    assert (found[0].start_ms, found[-1].end_ms) == (start, start + length)
    assert all(before.end_ms == after.start_ms for before, after in pairwise(found))
    for each in found:
        for at in (each.start_ms, (each.start_ms + each.end_ms) // 2, each.end_ms - 1):
            assert offset_ms(zone, at) == each.offset_ms


def test_a_span_that_ends_with_the_change_is_not_cut() -> None:
    change = ms("2026-11-01T01:00-05:00")
    assert shifts(NY, change - HOUR_MS, change) == [Shift(change - HOUR_MS, change, -4 * HOUR_MS)]
    assert len(shifts(NY, change - HOUR_MS, change + 1)) == 2
