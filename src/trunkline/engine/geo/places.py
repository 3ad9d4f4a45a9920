"""Where area codes and ZIP codes are. What is not known is None or empty, never a guess.

An area code says for certain which country it is in, mostly which state, often which time zone. Of counties and cities
it only says how its people are spread over them: sets with probability.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from math import cos, pi, radians, sin
from typing import Final

import msgspec

from trunkline.engine.geo.tables import area_code_table, zip_table

ISSUED_CONFIDENCE: Final = 0.98
"""How far to trust that a caller is where the number was issued. Numbers are ported and carried along: this is an
assumption that the operator sees with every attribute, not a measurement."""

ZIP_COUNTY_CONFIDENCE: Final = 0.97
"""How far to trust that an address with a ZIP code is in the ZIP code's county: a ZIP code may reach into several, and
the county is that of most. Two independent tables agree on 97 % of ZIP codes."""

EARTH_RADIUS_MILES: Final = 3958.8
_DEGREE_MILES: Final = 69.0
_TEN_THOUSANDTHS: Final = 10_000
_HALF_TURN: Final = 180 * _TEN_THOUSANDTHS
_ZIP = re.compile(r"([0-9]{5})(?:-?[0-9]{4})?")
_OWN_COUNTRY: Final = frozenset({"PR", "VI", "GU", "MP", "AS", "PW", "FM", "MH"})
"""Places with ZIP codes that have an ISO country code of their own."""
_NO_STATE: Final = frozenset({"PW", "FM", "MH"})

Chances = tuple[tuple[str, float], ...]
"""Names with their probabilities, likeliest first; their sum is 1 less what is too small to be listed."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where the callers of an area code are: ISO country, state or province, IANA zone; None where it does not say.

    `states` are all that the code serves. `zones` are all time zones with their shares of the people, and `zone` the
    only one. `counties` and `cities` are written `Travis, TX`, `Toronto, ON`.
    """

    country: str | None
    state: str | None
    zone: str | None
    states: tuple[str, ...] = ()
    zones: Chances = ()
    counties: Chances = ()
    cities: Chances = ()


class ZipPlace(msgspec.Struct, frozen=True, gc=False):
    """Where a ZIP code is; None where that is not known. County and city as in `Place`; degrees north and east."""

    country: str
    state: str | None
    county: str | None
    city: str | None
    zone: str | None
    lat: float | None
    lon: float | None


NOWHERE: Final = Place(None, None, None)
"""Where codes are that are served anywhere in the plan: toll-free, personal, premium."""


@lru_cache(maxsize=1_024)
def place_of_area_code(code: str) -> Place | None:
    """Where an area code is, None when it is one that nobody here has heard of."""
    table = area_code_table()
    row = table.codes.get(code)
    if row is None:
        return None
    if not row.country:
        return NOWHERE
    counties, cities = ((), ()) if row.territory < 0 else _spread(row.territory)
    return Place(
        row.country,
        row.states[0] if len(row.states) == 1 else None,
        row.zones[0][0] if len(row.zones) == 1 else None,
        row.states,
        row.zones,
        counties,
        cities,
    )


def _spread(territory: int) -> tuple[Chances, Chances]:
    found = area_code_table().territories[territory]
    return found.counties, found.cities


def five_digits(text: str) -> str | None:
    """The five-digit ZIP code that a person or a form wrote (`78701`, `78701-1234`), None when it is none."""
    match = _ZIP.fullmatch(text.strip())
    return None if match is None else match[1]


def place_of_zip(code: str) -> ZipPlace | None:
    """Where a five-digit ZIP code is, None when it is in no table.

    One that is newer than the table, with the first three digits of others, has what all of those have in common.
    """
    number = int(code)
    row = zip_table().row[number] - 1
    if row < 0:
        return _like_its_neighbours(number)
    built = _built()
    place = built[row]
    if place is None:
        place = built[row] = _place_in_row(row)
    return place


@lru_cache(maxsize=1)
def _built() -> list[ZipPlace | None]:
    """The places that were asked for, by their rows: callers come from few of them again and again."""
    return [None] * len(zip_table().code)


def read_tables() -> None:
    """Read and index everything now, some 30 ms, so that no later look-up has to. For use in a thread."""
    area_code_table()
    _built()
    _by_latitude()


def _place_in_row(row: int) -> ZipPlace:
    table = zip_table()
    state = table.states[table.state[row]]
    assert state is not None, "every ZIP code of the table has a state"
    lat, lon = table.lat[row], table.lon[row]
    return ZipPlace(
        state if state in _OWN_COUNTRY else "US",
        None if state in _NO_STATE else state,
        table.counties[table.county[row]],
        table.cities[table.city[row]],
        table.zones[table.zone[row]],
        lat / _TEN_THOUSANDTHS if lat or lon else None,
        lon / _TEN_THOUSANDTHS if lat or lon else None,
    )


def _like_its_neighbours(number: int) -> ZipPlace | None:
    """What all ZIP codes with the same first three digits agree on."""
    table = zip_table()
    prefix = number // 100 * 100
    rows = range(bisect_left(table.code, prefix), bisect_left(table.code, prefix + 100))
    states = {table.states[table.state[row]] for row in rows}
    zones = {table.zones[table.zone[row]] for row in rows} - {None}
    if len(states) != 1:
        return None
    state = states.pop()
    if state is None or state in _OWN_COUNTRY:
        return None
    return ZipPlace("US", state, None, None, zones.pop() if len(zones) == 1 else None, None, None)


def zips_within(code: str, miles: float) -> frozenset[str]:
    """The ZIP codes whose middle is at most `miles` (great circle) from the middle of `code`, itself included.

    Empty when nobody knows where `code` is: ask `place_of_zip` first to tell a mistake from the sea.
    """
    centre = place_of_zip(code)
    if centre is None or centre.lat is None or centre.lon is None:
        return frozenset()
    table = zip_table()
    return frozenset(f"{table.code[row]:05}" for row, _ in _rows_around(centre.lat, centre.lon, miles))


def nearest_zip(lat: float, lon: float, miles: float) -> str | None:
    """The ZIP code whose middle is nearest to a place (degrees), None when none is within `miles`."""
    nearest = min(_rows_around(lat, lon, miles), key=lambda each: each[1], default=None)
    return None if nearest is None else f"{zip_table().code[nearest[0]]:05}"


@lru_cache(maxsize=1)
def _by_latitude() -> tuple[list[int], list[int]]:
    """Latitudes from south to north, and their rows."""
    lats = zip_table().lat
    rows = sorted(range(len(lats)), key=lats.__getitem__)
    return [lats[row] for row in rows], rows


def _rows_around(lat: float, lon: float, miles: float) -> Iterator[tuple[int, float]]:
    """Rows within `miles`, each with a number that grows with its distance."""
    table = zip_table()
    height = miles / _DEGREE_MILES + 0.01
    width = height / cos(radians(min(89.0, abs(lat) + height)))
    south, north = int((lat - height) * _TEN_THOUSANDTHS), int((lat + height) * _TEN_THOUSANDTHS)
    west, east = int((lon - width) * _TEN_THOUSANDTHS), int((lon + width) * _TEN_THOUSANDTHS)
    if west < -_HALF_TURN or east > _HALF_TURN:  # the Aleutians lie on both sides of 180 degrees
        west, east = -_HALF_TURN, _HALF_TURN
    lats, rows = _by_latitude()
    lons = table.lon
    near = [row for row in rows[bisect_left(lats, south) : bisect_left(lats, north + 1)] if west <= lons[row] <= east]
    # On a globe of radius 1 half the chord is the sine of half the angle: no arc functions for thousands of rows.
    limit = sin(min(miles / EARTH_RADIUS_MILES, pi) / 2) ** 2
    lat0, lon0 = radians(lat), radians(lon)
    for row in near:
        there, along = radians(table.lat[row] / _TEN_THOUSANDTHS), radians(table.lon[row] / _TEN_THOUSANDTHS)
        half = sin((there - lat0) / 2) ** 2 + cos(lat0) * cos(there) * sin((along - lon0) / 2) ** 2
        if half <= limit and (table.lat[row] or table.lon[row]):
            yield row, half
