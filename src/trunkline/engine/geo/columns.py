"""Finds out what the columns of somebody's table of area codes or exchanges are, by the names that their heads have.

Known are the reports of NANPA (`npa_report.csv`, the utilised and assigned central office codes), LERG 6 extracts,
LocalCallingGuide's `xmlrc`/CSV and lists that sell NPA-NXX with counties. Heads compare without case, blanks and signs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "code": ("npa", "npaid", "areacode"),
    "exchange": ("nxx", "cocode", "exchange", "prefix", "coc"),
    "both": ("npanxx", "npanxxx", "npaconxx", "npacoc"),
    "state": ("state", "locstate", "region", "location", "province", "stateprov", "st", "rcstate"),
    "country": ("country",),
    "city": ("city", "cityname"),
    "centre": (
        "ratecenter",
        "ratecentre",
        "rc",
        "rcname",
        "rcabbre",
        "ratecentername",
        "rcnameabbreviated",
        "locality",
    ),
    "county": ("county", "countyname"),
    "zip": ("zip", "zipcode", "postalcode"),
    "zone": ("timezone", "tz"),
    "lat": ("lat", "latitude", "rclat", "switchlat"),
    "lon": ("lon", "long", "longitude", "rclon", "switchlon"),
    "use": ("use",),
    "overlay": ("overlaycomplex",),
    "parent": ("parent",),
    "block": ("x", "block", "blockid", "thousandsblock"),
}
_SIGNS: Final = re.compile(r"[^a-z0-9]")
_DATE: Final = re.compile(r"file ?date\W+([0-9/-]{6,10})", re.IGNORECASE)
_DELIMITERS: Final = (",", "\t", ";", "|")
HEAD_LINES_MAX: Final = 20
"""How far down the head of a table may stand, behind a title and a date."""


class UnknownTable(ValueError):
    """No line at the beginning names the columns that are needed."""


class Table:
    """The rows of a table as mappings from our names of columns to texts; `kind` is exchanges or area_codes."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Raises UnknownTable."""
        self._lines = enumerate(lines, start=1)
        self.date = ""
        self.columns: dict[str, int] = {}
        self._delimiter = ","
        for number, line in self._lines:
            if number > HEAD_LINES_MAX:
                break
            date = _DATE.search(line)
            if date is not None:
                self.date = date[1]
            self._delimiter = max(_DELIMITERS, key=line.count)
            columns = _columns(next(csv.reader([line], delimiter=self._delimiter), []))
            if "both" in columns or "code" in columns:
                self.columns = columns
                break
        if not self.columns:
            raise UnknownTable("no line at the beginning names a column npa, or npa and nxx")
        self.kind = "exchanges" if {"both", "exchange"} & self.columns.keys() else "area_codes"
        if not {"state", "zip"} & self.columns.keys():
            raise UnknownTable("there is no column state (or region, location, province)")

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number and fields; what a short row lacks is empty. Empty lines are left out."""
        at = 0

        def texts() -> Iterator[str]:
            nonlocal at
            for number, line in self._lines:
                at = number
                yield line

        for fields in csv.reader(texts(), delimiter=self._delimiter):
            if any(field.strip() for field in fields):
                yield (
                    at,
                    {
                        name: fields[place].strip() if place < len(fields) else ""
                        for name, place in self.columns.items()
                    },
                )


def _columns(heads: list[str]) -> dict[str, int]:
    """Our names to their places; of several heads that mean the same the first."""
    plain = [_SIGNS.sub("", head.casefold()) for head in heads]
    return {
        name: min(plain.index(head) for head in known if head in plain)
        for name, known in _NAMES.items()
        if any(head in plain for head in known)
    }
