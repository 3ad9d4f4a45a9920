"""Turns somebody's table of area codes or exchanges into what an `Overlay` holds, row by row, with an error for each
row that says nothing usable.

The city of an exchange is the rate centre that its table names, when there is a city of that name in the state; its
counties are those of the city's ZIP codes. A name that is no city's (LERG shortens them: `SNANTONIO`) still gives the
state. What a table says itself (county, ZIP code, coordinates) is taken before that.
"""

from __future__ import annotations

import csv
import hashlib
import re
from abc import ABC, abstractmethod
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from trunkline.config.place_names import fold_place
from trunkline.config.regions import STATES
from trunkline.engine.geo.columns import Table, UnknownTable
from trunkline.engine.geo.overlay import CODE_MIN, EXCHANGES, AreaCodes, Contents, ExchangePlace, Exchanges, Source
from trunkline.engine.geo.places import Chances, Place, five_digits, nearest_zip, place_of_area_code, place_of_zip
from trunkline.engine.geo.regions import CANADA, region
from trunkline.engine.geo.tables import zip_table

BYTES_MAX: Final = 256 * 1024 * 1024
ROWS_MAX: Final = 2_000_000
PLACES_MAX: Final = 65_534
TEXT_MAX: Final = 200
ERRORS_SHOWN: Final = 20
BAD_SHARE_MAX: Final = 0.1
"""With more rows wrong than this share of all, the table is another than it seems, and nothing of it is taken."""
NEAR_MILES: Final = 15.0
"""How far the nearest ZIP code may be from the coordinates of a rate centre."""

_CODE = re.compile(r"[2-9][0-9]{2}")
_BOTH = re.compile(r"([2-9][0-9]{2})[- ]?([2-9][0-9]{2})[0-9A-Za-z]?")
_UNUSED: Final = frozenset({"ua", "va", "rv", "pr", "un", "uk"})
"""NANPA's marks for exchanges that are nobody's: unassignable, vacant, reserved, protected, unavailable."""
_CITY_SHARE_MIN: Final = 0.005


class UnusableImport(ValueError):
    """Nothing is taken; the message says why, `problems` are the first rows that were wrong."""

    def __init__(self, message: str, problems: tuple[RowProblem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class RowProblem(msgspec.Struct, frozen=True, gc=False):
    """A row that is left out: the number of its line, and why."""

    line: int
    message: str


class Imported(msgspec.Struct, frozen=True):
    """What a file gives. `contents` has the one kind that it is of; `skipped` rows are right and say nothing new."""

    kind: str
    contents: Contents
    source: Source
    skipped: int
    wrong: int
    problems: tuple[RowProblem, ...]


def read_import(content: bytes, name: str) -> Imported:
    """Read a file (UTF-8, else Latin-1). Raises UnusableImport; rows that are wrong are left out and reported."""
    if len(content) > BYTES_MAX:
        raise UnusableImport(f"it has {len(content):,} bytes, more than {BYTES_MAX:,}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    try:
        table = Table(text.splitlines())
    except (UnknownTable, csv.Error) as error:
        raise UnusableImport(str(error)) from error
    reader: _Reader = _ExchangeReader() if table.kind == "exchanges" else _AreaCodeReader()
    reader.read(table)
    if not reader.taken:
        raise UnusableImport("no row of it can be used", tuple(reader.problems))
    if reader.wrong > BAD_SHARE_MAX * (reader.taken + reader.wrong):
        raise UnusableImport(f"{reader.wrong} of {reader.taken + reader.wrong} rows are wrong", tuple(reader.problems))
    source = Source(name, hashlib.sha256(content).hexdigest(), reader.taken, table.date)
    return Imported(table.kind, reader.contents(source), source, reader.skipped, reader.wrong, tuple(reader.problems))


class _WrongRow(Exception):
    """What is wrong with the row."""


class _Reader(ABC):
    """Counts rows; the two kinds say what one means."""

    def __init__(self) -> None:
        self.taken = 0
        self.skipped = 0
        self.wrong = 0
        self.problems: list[RowProblem] = []

    def read(self, table: Table) -> None:
        """Take every row. Raises UnusableImport when there are too many or the file is no table."""
        try:
            for line, row in table.rows():
                if self.taken + self.skipped + self.wrong >= ROWS_MAX:
                    raise UnusableImport(f"it has more than {ROWS_MAX:,} rows")
                try:
                    if any(len(text) > TEXT_MAX for text in row.values()):
                        raise _WrongRow(f"a field has more than {TEXT_MAX} characters")
                    if self._take(row):
                        self.taken += 1
                    else:
                        self.skipped += 1
                except _WrongRow as error:
                    self.wrong += 1
                    if len(self.problems) < ERRORS_SHOWN:
                        self.problems.append(RowProblem(line, str(error)))
        except csv.Error as error:
            raise UnusableImport(f"it is no table: {error}") from error

    @abstractmethod
    def contents(self, source: Source) -> Contents:
        """What the rows say together."""

    @abstractmethod
    def _take(self, row: Mapping[str, str]) -> bool:
        """Whether the row says something. Raises _WrongRow."""


class _ExchangeReader(_Reader):
    """`512-236 is in Austin, TX`. Of several rows of one exchange (blocks of a thousand) the first counts."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = array("H", bytes(2 * EXCHANGES))
        self._places: dict[ExchangePlace, int] = {}
        self._known: dict[tuple[str, ...], int] = {}
        self._cities = _cities_by_name()
        self._counties = {fold_place(name): name for name in zip_table().counties if name is not None}

    def contents(self, source: Source) -> Contents:
        """The exchanges."""
        rows = array("H", self._rows)
        if memoryview(b"\x01\x00").cast("H")[0] != 1:
            rows.byteswap()
        return Contents(exchanges=Exchanges(source, tuple(self._places), rows.tobytes()))

    def _take(self, row: Mapping[str, str]) -> bool:
        code, exchange = _code_and_exchange(row)
        if row.get("use", "").casefold() in _UNUSED:
            return False
        place = (int(code) - CODE_MIN) * 1000 + int(exchange)
        if self._rows[place]:
            return False
        key = tuple(row.get(name, "") for name in ("state", "country", "city", "centre", "county", "zip", "lat", "lon"))
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self._number_of(self._place(row))
        self._rows[place] = number
        return True

    def _number_of(self, place: ExchangePlace) -> int:
        number = self._places.setdefault(place, len(self._places) + 1)
        if number > PLACES_MAX:
            raise UnusableImport(f"it names more than {PLACES_MAX:,} places")
        return number

    def _place(self, row: Mapping[str, str]) -> ExchangePlace:
        by_zip = _by_zip(row.get("zip", ""))
        found = region(row.get("state", ""), row.get("country", ""))
        if found is None and by_zip is not None:
            found = (by_zip.country, by_zip.state)
        if found is None:
            raise _WrongRow(f"{row.get('state', '')!r} is no state or province")
        country, state = found
        named = row.get("city") or row.get("centre") or ""
        city, counties, zone = self._city(named, state)
        if not city and row.get("city"):
            city = f"{_title(row['city'])}, {state}" if state else ""
        known = by_zip or (None if counties else _near(row, state))
        if known is not None and known.state == state:
            city, zone = city or known.city, known.zone or zone
            counties = known.counties or counties
        if row.get("county"):
            county = f"{_title(row['county'])}, {state}"
            counties = ((self._counties.get(fold_place(county), county), 1.0),)
        return ExchangePlace(country, state, city, counties, zone)

    def _city(self, name: str, state: str) -> tuple[str, Chances, str]:
        return self._cities.get(fold_place(f"{name}, {state}"), ("", (), "")) if name and state else ("", (), "")


class _AreaCodeReader(_Reader):
    """`471 is in Mississippi, over 662`. A code that the package knows in the same state stays as it is there."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, Place] = {}

    def contents(self, source: Source) -> Contents:
        """The area codes that the package does not know, or knows elsewhere."""
        return Contents(area_codes=AreaCodes(source, self._places))

    def _take(self, row: Mapping[str, str]) -> bool:
        code = row.get("code", "")
        if _CODE.fullmatch(code) is None:
            raise _WrongRow(f"{code!r} is no area code")
        if not row.get("state"):
            return False  # not assigned, or served anywhere
        found = region(row["state"], row.get("country", ""))
        if found is None:
            raise _WrongRow(f"{row['state']!r} is no state, province or country of the plan")
        country, state = found
        known = place_of_area_code(code)
        if known is not None and known.country == country and (state in known.states or not state):
            return True
        self._places[code] = _like_its_relatives(row, country, state)
        return True


def _like_its_relatives(row: Mapping[str, str], country: str, state: str) -> Place:
    """What a new code has: the spread of a code whose territory it shares, else nothing but country and state."""
    for relative in re.findall(r"[2-9][0-9]{2}", f"{row.get('overlay', '')} {row.get('parent', '')}"):
        place = place_of_area_code(relative)
        if place is not None and relative != row["code"] and place.country == country and state in place.states:
            return place
    return Place(country, state or None, None, (state,) if state else ())


class _Known(msgspec.Struct, frozen=True, gc=False):
    country: str
    state: str
    city: str
    counties: Chances
    zone: str


def _by_zip(text: str) -> _Known | None:
    digits = five_digits(text)
    place = None if digits is None else place_of_zip(digits)
    if place is None or place.state is None:
        return None
    counties = () if place.county is None else ((place.county, 1.0),)
    return _Known(place.country, place.state, place.city or "", counties, place.zone or "")


def _near(row: Mapping[str, str], state: str) -> _Known | None:
    """What the nearest ZIP code says of a rate centre with coordinates; of its city nothing."""
    try:
        lat, lon = float(row.get("lat", "")), float(row.get("lon", ""))
    except ValueError:
        return None
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        return None
    digits = nearest_zip(lat, lon, NEAR_MILES) if state in STATES - CANADA else None
    found = None if digits is None else _by_zip(digits)
    return None if found is None else msgspec.structs.replace(found, city="")


def _code_and_exchange(row: Mapping[str, str]) -> tuple[str, str]:
    both = _BOTH.fullmatch(row.get("both", ""))
    if both is not None:
        return both[1], both[2]
    code, exchange = row.get("code", ""), row.get("exchange", "")
    if _CODE.fullmatch(code) is None or _CODE.fullmatch(exchange) is None:
        raise _WrongRow(f"{row.get('both') or f'{code}-{exchange}'!r} is no area code with an exchange")
    return code, exchange


def _title(text: str) -> str:
    return text.title() if text.isupper() or text.islower() else text


@lru_cache(maxsize=1)
def _cities_by_name() -> dict[str, tuple[str, Chances, str]]:
    """Every city of the ZIP codes, folded: its name, its counties by number of ZIP codes, its zone if only one."""
    table = zip_table()
    counties: defaultdict[int, Counter[int]] = defaultdict(Counter)
    zones: defaultdict[int, set[int]] = defaultdict(set)
    for city, county, zone in zip(table.city, table.county, table.zone, strict=True):
        if city:
            counties[city][county] += 1
            zones[city].add(zone)
    found: dict[str, tuple[str, Chances, str]] = {}
    for place, counted in counties.items():
        name = table.cities[place]
        assert name is not None, "place 0 is the unknown city"
        total = sum(counted.values())
        shares = tuple(
            (known, round(count / total, 4))
            for number, count in sorted(counted.items(), key=lambda each: (-each[1], each[0]))
            if (known := table.counties[number]) is not None and count / total >= _CITY_SHARE_MIN
        )
        only = table.zones[next(iter(zones[place]))] if len(zones[place]) == 1 else None
        found[fold_place(name)] = (name, shares, only or "")
    return found
