"""The tables that come with the package, decoded when the first look-up asks for them and kept.

They are constants of the program like its code, too large for source text, and the import system reads them as it reads
modules. `scripts/geo` makes them; docs/reference/geo-data.md says from what. A table is deflated MessagePack.
"""

from __future__ import annotations

import pkgutil
import sys
import zlib
from array import array
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgspec


class AreaCodeRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One area code: ISO country (empty: none), states, zones with shares, its place among territories (-1: none)."""

    country: str
    states: tuple[str, ...]
    zones: tuple[tuple[str, float], ...]
    territory: int


class Territory(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Counties and cities (`Travis, TX`) with their shares of a territory's people, largest first."""

    counties: tuple[tuple[str, float], ...]
    cities: tuple[tuple[str, float], ...]


class AreaCodeTable(msgspec.Struct, frozen=True):
    """All area codes. Overlays share a territory. `date` is the date of the data."""

    date: str
    codes: Mapping[str, AreaCodeRow]
    territories: tuple[Territory, ...]


class ZipTable:
    """All ZIP codes in columns, in ascending order; a place in a list of texts is 0 where the text is unknown.

    `row` says where the five digits as a number stand, plus one. Degrees are in ten-thousandths, both 0 where unknown.
    """

    __slots__ = ("cities", "city", "code", "counties", "county", "date", "lat", "lon", "row", "state", "states",
                 "zone", "zones")  # fmt: skip

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.date: str = document["date"]
        self.code = _running(document["code"])
        self.lat, self.lon = _running(document["lat"]), _running(document["lon"])
        self.state, self.zone = _numbers("B", document["state"]), _numbers("B", document["zone"])
        self.county, self.city = _numbers("H", document["county"]), _numbers("H", document["city"])
        lists = document["lists"]
        self.states, self.zones, self.counties, self.cities = (
            tuple(text or None for text in lists[name]) for name in ("state", "zone", "county", "city")
        )
        self.row = array("H", bytes(2 * 100_000))
        for place, code in enumerate(self.code, start=1):
            self.row[code] = place


@lru_cache(maxsize=1)
def area_code_table() -> AreaCodeTable:
    """The table of area codes."""
    return msgspec.msgpack.decode(_packaged("area_codes.bin"), type=AreaCodeTable)


@lru_cache(maxsize=1)
def zip_table() -> ZipTable:
    """The table of ZIP codes."""
    return ZipTable(msgspec.msgpack.decode(_packaged("zips.bin")))


def _packaged(name: str) -> bytes:
    content = pkgutil.get_data("trunkline.engine.geo", f"data/{name}")
    assert content is not None, f"{name} is not in the package"
    return zlib.decompress(content)


def _numbers(kind: str, column: bytes) -> array[int]:
    numbers = array(kind)
    numbers.frombytes(column)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _running(column: bytes) -> array[int]:
    return array("i", accumulate(_numbers("i", column)))
