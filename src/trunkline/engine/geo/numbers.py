"""What a number in E.164 says of itself: area code and exchange in the North American plan, else country and zone."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import timezone

_NANP = re.compile(r"\+1([2-9][0-9]{2})([2-9][0-9]{2})[0-9]{4}")

ZONES_MAX: Final = 3
"""libphonenumber lists all zones of a country for a number that it cannot place: a longer list says nothing."""
_NO_ZONE: Final = "Etc/Unknown"


def area_code(e164: str) -> tuple[str, str] | None:
    """Area code and exchange of a number of the North American plan, None for any other."""
    match = _NANP.fullmatch(e164)
    return None if match is None else (match[1], match[2])


@lru_cache(maxsize=65_536)
def country_of(e164: str) -> str | None:
    """The ISO country that a number outside the North American plan was issued in."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    return None if region is None or region == "001" else region


@lru_cache(maxsize=65_536)
def zones_of(e164: str) -> tuple[str, ...]:
    """The zones in which a number outside the North American plan may have been issued: at most three, else none."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zones) if len(zones) <= ZONES_MAX and _NO_ZONE not in zones else ()
