"""What a number in E.164 says of itself: area code and exchange in the North American plan, else country and zone."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import timezone

_NANP = re.compile(r"\+1([2-9][0-9]{2})([2-9][0-9]{2})[0-9]{4}")

ZONES_MAX: Final = 3
"""libphonenumber lists all zones of a country for a number that it cannot place: a longer list says nothing."""
_NO_ZONE: Final = "Etc/Unknown"
_NO_COUNTRY: Final = "001"
"""libphonenumber's region of numbers that belong to no country: satellites, international toll-free."""


def area_code(e164: str) -> tuple[str, str] | None:
    """Area code and exchange of a number of the North American plan, None for any other."""
    match = _NANP.fullmatch(e164)
    return None if match is None else (match[1], match[2])


class Abroad(NamedTuple):
    """Where a number outside the North American plan was issued: ISO country, zones it can be in (at most three)."""

    country: str | None
    zones: tuple[str, ...]


@lru_cache(maxsize=65_536)
def abroad(e164: str) -> Abroad:
    """What libphonenumber says of a number; of one that it cannot read, nothing."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return Abroad(None, ())
    region = phonenumbers.region_code_for_number(number)
    zones = timezone.time_zones_for_number(number)
    known = len(zones) <= ZONES_MAX and _NO_ZONE not in zones
    return Abroad(None if region == _NO_COUNTRY else region, tuple(zones) if known else ())
