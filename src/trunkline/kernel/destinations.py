"""Which numbers may be dialled through a trunk: what stops a stolen or mistyped number from costing a fortune.

Prefixes name what is allowed. Without any, a trunk dials its own country only. In the North American Numbering Plan
several countries share the code +1, and the expensive ones are what fraud dials, so there "own country" is the United
States with its territories and Canada, for each of them, or the one other country that the trunk is in. Premium-rate
numbers are refused whatever the prefixes say, unless they are allowed as such.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

import phonenumbers


class Refusal(StrEnum):
    """Why a number may not be dialled through a trunk."""

    OUTSIDE_PREFIXES = "outside_prefixes"
    INTERNATIONAL = "international_number"
    PREMIUM = "premium_number"


_NORTH_AMERICA = frozenset({"US", "CA", "PR", "VI", "GU", "AS", "MP"})
_NANP_PREMIUM = re.compile(r"\+1(?:900|[2-9][0-9]{2}976)[0-9]*")
"""The area code 900, and the exchange 976 in every area code; libphonenumber knows only the first."""


@lru_cache(maxsize=16_384)
def refusal(number: str, prefixes: tuple[str, ...], country: str | None, allow_premium: bool) -> Refusal | None:
    """Why the E.164 `number` may not be dialled through a trunk of `country` (ISO 3166), None when it may.

    `prefixes` are of E.164 numbers (`+1`, `+4420`). A trunk with neither prefixes nor a country dials nothing.
    """
    if prefixes and not number.startswith(prefixes):
        return Refusal.OUTSIDE_PREFIXES
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None if prefixes else Refusal.INTERNATIONAL
    if not allow_premium and _is_premium(number, parsed):
        return Refusal.PREMIUM
    if not prefixes and not _is_domestic(parsed, country):
        return Refusal.INTERNATIONAL
    return None


def _is_premium(number: str, parsed: phonenumbers.PhoneNumber) -> bool:
    if _NANP_PREMIUM.fullmatch(number) is not None:
        return True
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.PREMIUM_RATE


def _is_domestic(parsed: phonenumbers.PhoneNumber, country: str | None) -> bool:
    if country is None or parsed.country_code != phonenumbers.country_code_for_region(country):
        return False
    if parsed.country_code != 1:
        return True
    # A number of no region that is known (a new area code, toll-free) is nobody's expensive one.
    region = phonenumbers.region_code_for_number(parsed)
    return region is None or region in (_NORTH_AMERICA if country in _NORTH_AMERICA else {country}) or region == country
