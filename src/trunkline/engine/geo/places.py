"""Looks up area codes, ZIP codes and countries. What is not known is None, never a guess."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec
import phonenumbers

from trunkline.engine.geo.nanp_table import AREA_CODES, NON_GEOGRAPHIC
from trunkline.engine.geo.zip3_table import ZIP3

ISSUED_CONFIDENCE: Final = 0.98
"""How far to trust that a caller is where the number was issued. Numbers are ported and carried along: this is an
assumption that the operator sees with every attribute, not a measurement."""

_NANP = re.compile(r"\+1([2-9][0-9]{2})([2-9][0-9]{2})[0-9]{4}")
_ZIP = re.compile(r"([0-9]{5})(?:-?[0-9]{4})?")


class Place(msgspec.Struct, frozen=True):
    """What a code says about where it is: ISO country, state or province, IANA zone; None where it does not say."""

    country: str | None
    state: str | None
    zone: str | None


NOWHERE: Final = Place(None, None, None)


def _or_none(text: str) -> str | None:
    return None if text == "-" else text


def _area_codes() -> dict[str, Place]:
    places: dict[str, Place] = {}
    for line in AREA_CODES.splitlines():
        country, state, zone, *codes = line.split()
        place = Place(country, _or_none(state), _or_none(zone))
        for code in codes:
            assert code not in places, f"area code {code} stands twice"
            places[code] = place
    return places | dict.fromkeys(NON_GEOGRAPHIC, NOWHERE)


def _zip_codes() -> dict[str, Place]:
    places: dict[str, Place] = {}
    for line in ZIP3.splitlines():
        span, state, zone = line.split()
        first, _, last = span.partition("-")
        place = Place("US", _or_none(state), _or_none(zone)) if state != "-" else NOWHERE
        for number in range(int(first), int(last or first) + 1):
            places[f"{number:0{len(first)}}"] = place
    return places


_BY_AREA_CODE: Final = _area_codes()
_BY_ZIP: Final = _zip_codes()


def area_code(e164: str) -> tuple[str, str] | None:
    """Area code and exchange of a number of the North American plan, None for any other."""
    match = _NANP.fullmatch(e164)
    return None if match is None else (match[1], match[2])


def place_of_area_code(code: str) -> Place | None:
    """Where an area code is, None when it is one that nobody here has heard of."""
    return _BY_AREA_CODE.get(code)


def five_digits(text: str) -> str | None:
    """The five-digit ZIP code that a person or a form wrote (`78701`, `78701-1234`), None when it is none."""
    match = _ZIP.fullmatch(text.strip())
    return None if match is None else match[1]


def place_of_zip(code: str) -> Place | None:
    """Where a five-digit ZIP code is by its first three digits, None when no such prefix is in use."""
    place = _BY_ZIP.get(code)
    return _BY_ZIP.get(code[:3]) if place is None else place


@lru_cache(maxsize=65_536)
def country_of(e164: str) -> str | None:
    """The ISO country that a number outside the North American plan was issued in."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    return None if region is None or region == "001" else region
