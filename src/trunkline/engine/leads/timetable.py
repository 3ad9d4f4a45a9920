"""When leads that are collected go out: the next full day or hour after they were queued, by the clock of a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from trunkline.config.deliveries import Sheet
from trunkline.config.times import minutes_of
from trunkline.kernel.windows import Per, window_at, zone_of

GRACE_MS: Final = 2_000
"""How long after its time a collection goes out: what was queued at the last moment is on disk by then."""
_MINUTE_MS: Final = 60_000


def slot_ms(sheet: Sheet, zone: str, queued_ms: int) -> int:
    """The first time after `queued_ms` at which the sheet goes out; that instant itself where nothing is collected."""
    minutes = None if sheet.every is None else minutes_of(sheet.every, sheet.at)
    if minutes is None:
        return queued_ms
    if sheet.every == "hour":
        window = window_at(Per.HOUR, queued_ms, zone)
        due = window.start_ms + minutes * _MINUTE_MS
        return due if due > queued_ms else window.end_ms + minutes * _MINUTE_MS
    day = datetime.fromtimestamp(queued_ms // 1000, UTC).astimezone(zone_of(zone)).date()
    while (due := _at(day, minutes, zone)) <= queued_ms:
        day += timedelta(days=1)
    return due


def due_ms(sheet: Sheet | None, zone: str, queued_ms: int) -> int:
    """When a delivery that is queued now is to be tried first; `sheet` is None for what is no table."""
    if sheet is None or sheet.every is None:
        return queued_ms
    return slot_ms(sheet, zone, queued_ms) + GRACE_MS


def _at(day: date, minutes: int, zone: str) -> int:
    """A time that a clock change skips is as much later as the clock was moved; of a repeated one it is the first."""
    local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone_of(zone))
    return int(local.timestamp()) * 1000
