"""What tables of numbering plans call states, provinces and countries, by the codes that routing knows."""

from __future__ import annotations

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
