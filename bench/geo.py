"""Where numbers and ZIP codes are: look-ups timed one by one against libphonenumber's, the circle around a ZIP code,
what reading the tables costs, and a table of 200,000 exchanges read and looked up.
"""

from __future__ import annotations

import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence

import msgspec
import phonenumbers
from bench.load.machine import describe
from phonenumbers import geocoder, timezone

from trunkline.engine.geo.imports import read_import
from trunkline.engine.geo.numbers import area_code
from trunkline.engine.geo.overlay import Overlay
from trunkline.engine.geo.places import nearest_zip, place_of_area_code, place_of_zip, zips_within
from trunkline.engine.geo.tables import area_code_table, zip_table

SUMMARY = "where numbers and ZIP codes are, against libphonenumber"

NANP_AIM_US = 5.0
ZIP_AIM_US = 1.0
RADIUS_AIM_MS = 20.0
MILES = 50

Row = dict[str, object]


class Plan(msgspec.Struct, frozen=True):
    """How much to measure: rounds, look-ups of a round, circles, rows of the imported table."""

    rounds: int
    looks: int
    circles: int
    exchanges: int


SHORT = Plan(rounds=5, looks=10_000, circles=40, exchanges=200_000)
LONG = Plan(rounds=9, looks=40_000, circles=200, exchanges=200_000)


def run(long: bool = False, plan: Plan | None = None) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    plan = plan or (LONG if long else SHORT)
    draw = random.Random(7)
    rows = _reading()
    nanp, ratio = _numbers(plan, draw)
    rows += nanp
    rows += _zip_codes(plan, draw)
    rows += _circles(plan, draw)
    rows += _imported(plan, draw)
    return {
        "bench": "geo",
        "ratio_to_peer": ratio,
        "peer": "libphonenumber: parse, region, time zones, description",
        "rows": rows,
        "machine": describe(),
        "rounds": plan.rounds,
        "caveats": [
            "each look-up is timed alone; what reading the clock costs is measured and taken off",
            "libphonenumber says less: no county, for most numbers no city, and for some codes another time zone",
            "ZIP codes are asked for in random order; the first round, which builds their places, is measured too",
        ],
    }


def _row(case: str, ours: float, unit: str, aim: float | None = None, peer: float | None = None) -> Row:
    return {
        "case": case,
        "ours": round(ours, 3),
        "peer": None if peer is None else round(peer, 3),
        "unit": unit,
        "ratio": None if peer is None else round(peer / ours, 1),
        "aim": "" if aim is None else f"<= {aim:g}",
        "reached": None if aim is None else ours <= aim,
    }


def _timed(look: Callable[[str], object], keys: Sequence[str]) -> tuple[float, float]:
    """Microseconds of one look-up, the median and the 99th percentile, less what the clock takes."""
    clock = time.perf_counter_ns
    empty = sorted(-(clock() - clock()) for _ in range(1_000))[500]
    taken = []
    for key in keys:
        begun = clock()
        look(key)
        taken.append(clock() - begun)
    taken.sort()
    return (taken[len(taken) // 2] - empty) / 1_000, (taken[len(taken) * 99 // 100] - empty) / 1_000


def _median(rounds: int, look: Callable[[str], object], keys: Sequence[str]) -> tuple[float, float]:
    found = [_timed(look, keys) for _ in range(rounds)]
    return statistics.median(p50 for p50, _ in found), statistics.median(p99 for _, p99 in found)


def _reading() -> list[Row]:
    rows = []
    for name, read in (("area codes", area_code_table), ("ZIP codes", zip_table)):
        read.cache_clear()
        begun = time.perf_counter()
        read()
        taken_ms = (time.perf_counter() - begun) * 1_000
        read.cache_clear()
        tracemalloc.start()
        read()
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows += [_row(f"{name}: reading the table", taken_ms, "ms"), _row(f"{name}: memory", kept / 2**20, "MiB")]
    return rows


def _numbers(plan: Plan, draw: random.Random) -> tuple[list[Row], float]:
    codes = sorted(area_code_table().codes)
    numbers = [
        f"+1{draw.choice(codes)}{draw.randrange(200, 1000)}{draw.randrange(10_000):04}" for _ in range(plan.looks)
    ]

    def ours(number: str) -> object:
        found = area_code(number)
        return None if found is None else place_of_area_code(found[0])

    def peer(number: str) -> object:
        parsed = phonenumbers.parse(number)
        return (
            phonenumbers.region_code_for_number(parsed),
            timezone.time_zones_for_number(parsed),
            geocoder.description_for_number(parsed, "en"),
        )

    p50, p99 = _median(plan.rounds, ours, numbers)
    theirs_p50, theirs_p99 = _median(plan.rounds, peer, numbers[: plan.looks // 10])
    rows = [
        _row("number of the plan to place", p50, "us p50", peer=theirs_p50),
        _row("number of the plan to place", p99, "us p99", NANP_AIM_US, theirs_p99),
    ]
    return rows, round(theirs_p50 / p50, 1)


def _zip_codes(plan: Plan, draw: random.Random) -> list[Row]:
    codes = [f"{code:05}" for code in zip_table().code]
    p50, p99 = _median(plan.rounds, place_of_zip, draw.sample(codes, min(plan.looks, len(codes))))
    return [_row("ZIP code to place", p50, "us p50", ZIP_AIM_US), _row("ZIP code to place", p99, "us p99")]


def _circles(plan: Plan, draw: random.Random) -> list[Row]:
    begun = time.perf_counter()
    nearest_zip(40.0, -100.0, 1.0)
    first_ms = (time.perf_counter() - begun) * 1_000
    taken = []
    for code in draw.sample([f"{code:05}" for code in zip_table().code], plan.circles):
        begun = time.perf_counter()
        zips_within(code, MILES)
        taken.append((time.perf_counter() - begun) * 1_000)
    return [
        _row("ZIP codes from south to north, once", first_ms, "ms"),
        _row(f"ZIP codes within {MILES} miles", statistics.median(taken), "ms p50"),
        _row(f"ZIP codes within {MILES} miles", max(taken), "ms at most", RADIUS_AIM_MS),
    ]


def _imported(plan: Plan, draw: random.Random) -> list[Row]:
    """A made-up table as large as the plan's: every exchange in a random city of its state."""
    cities: dict[str, list[str]] = {}
    for name in zip_table().cities[1:]:
        city, _, state = str(name).rpartition(", ")
        cities.setdefault(state, []).append(city.upper())
    codes = [code for code, row in area_code_table().codes.items() if len(row.states) == 1 and row.states[0] in cities]
    every = [(code, exchange) for code in codes for exchange in range(200, 1000)]
    lines = ["State\tNPA-NXX\tRateCenter\tUse"]
    for code, exchange in draw.sample(every, min(plan.exchanges, len(every))):
        state = area_code_table().codes[code].states[0]
        lines.append(f"{state}\t{code}-{exchange}\t{draw.choice(cities[state])}\tAS")
    begun = time.perf_counter()
    imported = read_import("\n".join(lines).encode(), "codes.txt")
    read_s = time.perf_counter() - begun
    overlay = Overlay(imported.contents)

    def look(number: str) -> object:
        found = area_code(number)
        return None if found is None else (overlay.area_code(found[0]), overlay.exchange(*found))

    numbers = [f"+1{draw.choice(codes)}{draw.randrange(200, 1000)}0100" for _ in range(plan.looks)]
    p50, p99 = _median(plan.rounds, look, numbers)
    return [
        _row(f"{imported.source.rows:,} exchanges: reading the table", read_s, "s"),
        _row(f"{imported.source.rows:,} exchanges: number to place", p50, "us p50"),
        _row(f"{imported.source.rows:,} exchanges: number to place", p99, "us p99", NANP_AIM_US),
    ]
