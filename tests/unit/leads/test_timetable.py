"""When collected leads go out, clock changes included."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.deliveries import Sheet
from trunkline.engine.leads.timetable import GRACE_MS, due_ms, slot_ms

pytestmark = pytest.mark.unit

CHICAGO = "America/Chicago"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def slot(sheet: Sheet, queued: str, zone: str = CHICAGO) -> str:
    return datetime.fromtimestamp(slot_ms(sheet, zone, ms(queued)) / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("sheet", "queued", "expected"),
    [
        (Sheet(every="day"), "2026-11-23T05:59:59-06:00", "2026-11-23T12:00:00+00:00"),
        (Sheet(every="day"), "2026-11-23T06:00:00-06:00", "2026-11-24T12:00:00+00:00"),
        (Sheet(every="day", at="00:00"), "2026-11-23T00:00:00-06:00", "2026-11-24T06:00:00+00:00"),
        (Sheet(every="hour"), "2026-11-23T05:59:59-06:00", "2026-11-23T12:00:00+00:00"),
        (Sheet(every="hour", at=":15"), "2026-11-23T06:15:00-06:00", "2026-11-23T13:15:00+00:00"),
        (Sheet(every="hour", at=":15"), "2026-11-23T06:14:59-06:00", "2026-11-23T12:15:00+00:00"),
        # Clocks go forward on 8 March 2026 and back on 1 November: 06:00 is where the clock shows it.
        (Sheet(every="day"), "2026-03-07T12:00:00-06:00", "2026-03-08T11:00:00+00:00"),
        (Sheet(every="day"), "2026-10-31T12:00:00-05:00", "2026-11-01T12:00:00+00:00"),
        # 02:30 does not exist on 8 March, and 01:30 comes twice on 1 November.
        (Sheet(every="day", at="02:30"), "2026-03-07T12:00:00-06:00", "2026-03-08T08:30:00+00:00"),
        (Sheet(every="day", at="01:30"), "2026-10-31T12:00:00-05:00", "2026-11-01T06:30:00+00:00"),
        (Sheet(every="hour", at=":15"), "2026-11-01T01:20:00-05:00", "2026-11-01T07:15:00+00:00"),
    ],
)
def test_slots(sheet: Sheet, queued: str, expected: str) -> None:
    assert slot(sheet, queued) == expected


@given(
    queued_ms=st.integers(1_600_000_000_000, 1_900_000_000_000),
    zone=st.sampled_from([CHICAGO, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago"]),
    sheet=st.sampled_from([Sheet(every="day", at="02:30"), Sheet(every="day", at="00:00"), Sheet(every="hour")]),
)
def test_a_slot_is_soon_and_comes_after_what_it_is_for(queued_ms: int, zone: str, sheet: Sheet) -> None:
    found = slot_ms(sheet, zone, queued_ms)
    assert queued_ms < found <= queued_ms + (26 if sheet.every == "day" else 2) * 3_600_000
    assert due_ms(sheet, zone, queued_ms) == found + GRACE_MS


def test_what_is_not_collected_goes_at_once() -> None:
    assert due_ms(Sheet(), CHICAGO, 77) == due_ms(None, CHICAGO, 77) == slot_ms(Sheet(), CHICAGO, 77) == 77
