"""What tables of numbering plans call states, provinces and countries, by the codes that routing knows."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from trunkline.config.regions import STATES

CANADA: Final = frozenset("AB BC MB NB NL NS NT NU ON PE QC SK YT".split())
OWN_COUNTRY: Final = frozenset({"PR", "VI", "GU", "MP", "AS"})
"""States of the United States to the post, countries to ISO."""

_PROVINCES: Final = {
    "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB", "newfoundland": "NL",
    "newfoundland and labrador": "NL", "nova scotia": "NS", "ontario": "ON", "prince edward island": "PE",
    "quebec": "QC", "québec": "QC", "saskatchewan": "SK", "yukon": "YT", "nunavut": "NU", "northwest territories": "NT",
    "pq": "QC", "nf": "NL", "cnmi": "MP", "usvi": "VI", "puerto rico": "PR", "guam": "GU", "american samoa": "AS",
    "us virgin islands": "VI", "northern mariana islands": "MP",
}  # fmt: skip
_STATES: Final = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "florida": "FL", "georgia": "GA", "hawaii": "HI", "idaho": "ID",
    "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY", "louisiana": "LA", "maine": "ME",
    "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN", "mississippi": "MS", "missouri": "MO",
    "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM",
    "new york": "NY", "north carolina": "NC", "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR",
    "pennsylvania": "PA", "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN",
    "texas": "TX", "utah": "UT", "vermont": "VT", "virginia": "VA", "washington": "WA", "west virginia": "WV",
    "wisconsin": "WI", "wyoming": "WY", "district of columbia": "DC", "washington dc": "DC", "washington d.c.": "DC",
}  # fmt: skip
_COUNTRIES: Final = {
    "us": "US", "usa": "US", "united states": "US", "canada": "CA", "ca": "CA",
    "anguilla": "AI", "antigua": "AG", "antigua and barbuda": "AG", "antigua/barbuda": "AG", "bahamas": "BS",
    "barbados": "BB", "bermuda": "BM", "british virgin islands": "VG", "cayman islands": "KY", "cayman": "KY",
    "dominica": "DM", "dominican republic": "DO", "grenada": "GD", "jamaica": "JM", "montserrat": "MS",
    "sint maarten": "SX", "st. kitts & nevis": "KN", "st. kitts and nevis": "KN", "st. lucia": "LC",
    "st. vincent & grenadines": "VC", "st. vincent and the grenadines": "VC", "trinidad & tobago": "TT",
    "trinidad and tobago": "TT", "turks & caicos islands": "TC", "turks & caicos": "TC",
    "turks and caicos islands": "TC", "puerto rico": "PR", "usvi": "VI", "us virgin islands": "VI", "guam": "GU",
    "cnmi": "MP", "american samoa": "AS",
}  # fmt: skip


def region(text: str, country: str = "") -> tuple[str, str] | None:
    """ISO country and state (empty: has none) of what a table calls a place. None when nobody here knows the name."""
    name = " ".join(text.casefold().split())
    code = _PROVINCES.get(name, text.strip().upper())
    if code in STATES:
        return ("CA" if code in CANADA else code if code in OWN_COUNTRY else "US"), code
    nation = _COUNTRIES.get(name) or _COUNTRIES.get(" ".join(country.casefold().split()))
    return (nation, "") if nation is not None and nation not in {"US", "CA"} else None


@lru_cache(maxsize=1_024)
def state_of(text: str) -> str | None:
    """The postal code of a state or province that is written as its code or its name; None when it is neither."""
    name = " ".join(text.casefold().split())
    code = _STATES.get(name) or _PROVINCES.get(name) or text.strip().upper()
    return code if code in STATES else None
