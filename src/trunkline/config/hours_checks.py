"""Zones that exist, and hours that open at least once."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import available_timezones

from trunkline.config.hours import Hours
from trunkline.config.shapes import WEEKDAYS
from trunkline.config.subject import Subject
from trunkline.config.tree import Path


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The names of the IANA time zone database."""
    return frozenset(available_timezones())


def check_zone(subject: Subject, path: Path, zone: str | None) -> None:
    """A zone must be an IANA name."""
    if zone and zone not in zones():
        subject.findings.error(path, "unknown_zone", f"there is no time zone {zone!r}", _hint(zone))


@lru_cache(maxsize=256)
def _hint(zone: str) -> str:
    close = get_close_matches(zone, sorted(zones()), n=1)
    return f"did you mean {close[0]!r}?" if close else "write an IANA name such as America/New_York"


def check_hours(subject: Subject, path: Path, hours: Hours) -> None:
    """Hours that never open are probably a mistake. Text that is no range has been reported when it was read."""
    weekly = any(getattr(hours, day) for day in WEEKDAYS)
    if not weekly and not any(hours.exceptions.values()):
        hint = "name a weekday with its ranges, or write `paused: true`"
        subject.findings.warning(path, "never_open", "these hours never open", hint)
