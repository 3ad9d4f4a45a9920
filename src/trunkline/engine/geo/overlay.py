"""What an operator has imported of the numbering plan: lies over the tables of the package and is passed to look-ups.

Two kinds lie side by side. *Exchanges* say for area code and exchange together (`512-236`) which city they are of.
*Area codes* are those that the package does not know, or knows in another state. Its `version` is made from what it
says: equal imports have equal versions, and decisions name it.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.engine.geo.places import Chances, Place, place_of_area_code

MAGIC: Final = b"trunkline geo 1\n"
"""How the stored form begins."""
CODE_MIN: Final = 200
EXCHANGES: Final = 800 * 1000
"""Every area code from 200 with every three digits behind it."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """Where an import is from: the file's name and SHA-256, its rows that were taken, the date that it gives itself."""

    name: str
    sha256: str
    rows: int
    date: str = ""


class ExchangePlace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an exchange is. Empty is unknown, and then the area code decides; several counties have shares."""

    country: str
    state: str
    city: str = ""
    counties: Chances = ()
    zone: str = ""


class Exchanges(msgspec.Struct, frozen=True):
    """`rows` has two bytes (little endian) for each of `EXCHANGES`: 0, or one more than the place in `places`."""

    source: Source
    places: tuple[ExchangePlace, ...]
    rows: bytes


class AreaCodes(msgspec.Struct, frozen=True):
    """Area codes by their three digits."""

    source: Source
    places: Mapping[str, Place]


class Contents(msgspec.Struct, frozen=True):
    """All that is imported."""

    exchanges: Exchanges | None = None
    area_codes: AreaCodes | None = None


class DamagedImport(ValueError):
    """The stored form is not what was stored."""


class Overlay:
    """Look-ups in what is imported, and below it in the tables of the package. Never changed; compared by identity."""

    __slots__ = ("_area_codes", "_rows", "contents", "places", "version")

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.version = _version(contents)
        self._rows = array("H")
        self.places: tuple[ExchangePlace, ...] = ()
        if contents.exchanges is not None:
            self.places = contents.exchanges.places
            self._rows = _little_endian(contents.exchanges.rows)
        self._area_codes = {} if contents.area_codes is None else contents.area_codes.places

    def imported(self, code: str) -> Place | None:
        """Where the import says that an area code is, None when it says nothing of it."""
        return self._area_codes.get(code)

    def area_code(self, code: str) -> Place | None:
        """Where an area code is, None when neither the import nor the package has heard of it."""
        return self._area_codes.get(code) or place_of_area_code(code)

    def exchange(self, code: str, exchange: str) -> int | None:
        """Which of `places` an area code (from 200) with its exchange is, None when that is not imported."""
        if not self._rows:
            return None
        place = self._rows[(int(code) - CODE_MIN) * 1000 + int(exchange)]
        return place - 1 if place else None


def to_bytes(contents: Contents) -> bytes:
    """The stored form: carries a checksum of itself. Equal contents give equal bytes."""
    packed = zlib.compress(msgspec.msgpack.encode(contents, order="deterministic"), 6)
    return MAGIC + hashlib.sha256(packed).digest() + packed


def from_bytes(stored: bytes) -> Contents:
    """What `to_bytes` stored. Raises DamagedImport."""
    check, packed = stored[len(MAGIC) : len(MAGIC) + 32], stored[len(MAGIC) + 32 :]
    if not stored.startswith(MAGIC) or hashlib.sha256(packed).digest() != check:
        raise DamagedImport("this is no import as it was stored")
    contents = msgspec.msgpack.decode(zlib.decompress(packed), type=Contents)
    if contents.exchanges is not None and len(contents.exchanges.rows) != 2 * EXCHANGES:
        raise DamagedImport("the exchanges are not as many as there are")
    return contents


def _version(contents: Contents) -> str:
    """From what is said, not from where it comes from; empty when nothing is imported."""
    said = hashlib.sha256()
    if contents.exchanges is None and contents.area_codes is None:
        return ""
    if contents.exchanges is not None:
        said.update(contents.exchanges.rows)
        said.update(msgspec.msgpack.encode(contents.exchanges.places))
    said.update(b"area codes")
    if contents.area_codes is not None:
        said.update(msgspec.msgpack.encode(contents.area_codes.places, order="deterministic"))
    return said.hexdigest()[:16]


def _little_endian(content: bytes) -> array[int]:
    rows = array("H")
    rows.frombytes(content)
    if rows.itemsize != 2 or len(rows) != EXCHANGES:
        raise DamagedImport("the exchanges are not as many as there are")
    if memoryview(b"\x01\x00").cast("H")[0] != 1:
        rows.byteswap()
    return rows


NO_OVERLAY: Final = Overlay(Contents())
"""Nothing is imported."""
