"""Whether a caller may be sold at this hour: by the strictest of all places where it may be.

Its state decides the law, its zone the hour. Of a caller whose zone is not known every zone counts that it may be in,
of one whose state is not known every state's law. Somebody who is known to be in another country is no matter of these
rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from trunkline.config.regions import STATES as REGIONS
from trunkline.engine.geo.places import Place, five_digits, place_of_area_code, place_of_zip
from trunkline.engine.routing.attributes import AREA_CODE, EXCHANGE, ZIP
from trunkline.engine.routing.calling_hours_us import FEDERAL, STATES, ZONES, CallingRule
from trunkline.engine.routing.offer import Attributes
from trunkline.kernel.windows import zone_of

_STEP_MS: Final = 30 * 60_000
_DAYS_AHEAD: Final = 10
_DERIVED: Final = frozenset({AREA_CODE, EXCHANGE, ZIP})
"""How a state or zone is known that follows from a number or a ZIP code."""


def closed_by(attributes: Attributes, utc_ms: int) -> str | None:
    """The law that keeps this caller from being sold now, with its state; None when none does."""
    found = _places(attributes)
    if found is None:
        return None
    rules, zones = found[0], found[1] or ZONES
    for rule in rules:
        if any(not _open(rule, zone, utc_ms) for zone in zones):
            return f"calling hours of {rule.place} ({rule.law})"
    return None


def opens(attributes: Attributes, utc_ms: int) -> str | None:
    """When it may be sold next, as a local time with its offset; None when it may now, or not within days."""
    found = _places(attributes)
    return None if found is None else _opening(found[0], found[1] or ZONES, utc_ms // _STEP_MS)


@lru_cache(maxsize=1_024)
def _opening(rules: tuple[CallingRule, ...], zones: tuple[str, ...], half_hour: int) -> str | None:
    for step in range(half_hour + 1, half_hour + _DAYS_AHEAD * 48):
        at_ms = step * _STEP_MS
        if all(_open(rule, zone, at_ms) for rule in rules for zone in zones):
            return _local(at_ms, zones[0]).isoformat(timespec="minutes")
    return None


def _places(attributes: Attributes) -> tuple[tuple[CallingRule, ...], tuple[str, ...]] | None:
    """The laws of where the caller may be, states' first, and its zones (none: not known). None: abroad."""
    country, state = attributes.get("geo.country"), attributes.get("geo.state")
    if country is not None and country.value.strip().upper() != "US":
        return None
    issued = _issued(attributes)
    served = _served(attributes, issued)
    said = None if state is None else state.value.strip().upper()
    if said in REGIONS:
        states: tuple[str, ...] = (said,)
    else:  # nothing, or what is no state
        states = tuple(STATES) if issued is None or not issued.states else issued.states
    rules = (*(STATES[each] for each in states if each in STATES), FEDERAL)
    # Who says to be in another state than the number or the ZIP code tells is not in the zone that these tell.
    elsewhere = state is not None and state.basis not in _DERIVED and said in REGIONS and said not in served
    zone = attributes.get("geo.timezone")
    if zone is not None and not (elsewhere and zone.basis in _DERIVED) and _known(zone.value.strip()):
        return rules, (zone.value.strip(),)
    return rules, () if issued is None or elsewhere else tuple(zone for zone, _ in issued.zones)


def _issued(attributes: Attributes) -> Place | None:
    """Where the caller's number was issued, unless a ZIP code says better where the caller is."""
    code = attributes.get("geo.area_code")
    return None if code is None or "geo.zip" in attributes else place_of_area_code(code.value)


def _served(attributes: Attributes, issued: Place | None) -> tuple[str, ...]:
    """The states that the ZIP code lies in, or the area code serves; none when that is not known."""
    code = attributes.get("geo.zip")
    if code is None:
        return () if issued is None else issued.states
    digits = five_digits(code.value)
    place = None if digits is None else place_of_zip(digits)
    return () if place is None or place.state is None else (place.state,)


def _known(zone: str) -> bool:
    try:
        zone_of(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _open(rule: CallingRule, zone: str, utc_ms: int) -> bool:
    local = _local(utc_ms, zone)
    span = rule.on(local.weekday(), rule.holidays and local.date() in federal_holidays(local.year))
    return span is not None and span[0] <= local.hour < span[1]


def _local(utc_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone_of(zone))


@lru_cache(maxsize=64)
def federal_holidays(year: int) -> frozenset[date]:
    """The legal public holidays of 5 U.S.C. 6103(a), and the days on which they are observed when on a weekend."""
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    moving = [_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), _last_monday_of_may(year), _nth(year, 9, 0, 1),
              _nth(year, 10, 0, 2), _nth(year, 11, 3, 4)]  # fmt: skip
    return frozenset((*fixed, *moving, *_observed([*fixed, date(year + 1, 1, 1)])))


def _observed(days: Iterable[date]) -> list[date]:
    shift = {5: -1, 6: 1}
    return [day + timedelta(days=shift[day.weekday()]) for day in days if day.weekday() in shift]


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())
