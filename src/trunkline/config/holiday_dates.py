"""Public holidays of countries and their parts, as days, from the `holidays` library.

They are looked up when a configuration is read, so what decides is days and nothing else. The years are fixed: the same
file gives the same configuration whenever it is read. Beyond them no holiday is known, and a day is an ordinary one.
"""

from __future__ import annotations

import re
import warnings
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from trunkline.config.scalars import BadText

HOLIDAY_YEARS: Final = range(2020, 2060)
"""The years of which holidays are known."""
_REGION = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,4}))?")


@lru_cache(maxsize=1_024)
def holiday_dates(region: str) -> tuple[int, ...]:
    """The public holidays of `US` or `US-TX`, those that are observed on another day included, as ordinals of days.

    Raises `BadText` for a region that is not known.
    """
    import holidays  # most configurations name no holidays, and the library is large

    match = _REGION.fullmatch(region.strip())
    if match is None:
        hint = "write a country such as US, or a country and its part such as US-TX"
        raise BadText("unknown_holidays", f"{region!r} is no country or part of one", hint)
    country, part = match.groups()
    supported = holidays.list_supported_countries()
    if country not in supported:
        close = get_close_matches(country, supported, n=1)
        hint = f"did you mean {close[0]}?" if close else "write an ISO 3166 code such as US"
        raise BadText("unknown_holidays", f"the holidays of {country} are not known", hint)
    if part is not None and part not in supported[country]:
        parts = ", ".join(f"{country}-{each}" for each in supported[country][:60]) or f"only {country} as a whole"
        raise BadText("unknown_holidays", f"the holidays of {region} are not known", f"known are: {parts}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of parts that the library will rename one day
        found = holidays.country_holidays(country, subdiv=part, years=HOLIDAY_YEARS)
    # Days observed in place of the last New Year may lie in the year behind.
    return tuple(sorted(day.toordinal() for day in found if day.year in HOLIDAY_YEARS))
