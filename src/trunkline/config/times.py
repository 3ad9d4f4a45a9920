"""Times at which something is done every day or every hour: `06:00`, `:15`."""

from __future__ import annotations

import re
from typing import Final

from trunkline.config.deliveries import Every

DAILY_AT: Final = "06:00"
_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_HOUR: Final = re.compile(r":([0-5][0-9])")


def minutes_of(every: Every, at: str | None) -> int | None:
    """Minutes after the day or the hour begins; without `at` 06:00 or the full hour. None for no such time."""
    if every == "hour":
        found = _HOUR.fullmatch(":00" if at is None else at)
        return None if found is None else int(found[1])
    found = _DAY.fullmatch(DAILY_AT if at is None else at)
    return None if found is None else int(found[1]) * 60 + int(found[2])
