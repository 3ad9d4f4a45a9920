"""How many events a second the worker makes into tables, on one core: live, and from the beginning of the journal.

The journal is made in bulk: calls with waterfalls, reroutes, recordings and money, and leads with their deliveries, in
the mix and order of a switch. Live is what the worker does while it follows: a look at the journal, decoding, folding,
one durable-enough transaction, with all indexes there; each takes the events that 5,000 a second leave between two
looks. Rebuild is `worker --rebuild`: everything read again into a new file, indexes made, the file flushed and put in
place. Both tables are compared in the end. The process may run on one core alone.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
from bench.load.lived import write_lives
from bench.load.machine import SERVER_CORE, describe, pinned, stolen_s

from trunkline.journal.sqlite import connect_reading
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.projector import Projector, quiet
from trunkline.worker.tail import POLL_S

SUMMARY = "events a second that the worker makes into tables, live and anew"

LIVES, LIVES_LONG = 8_000, 80_000
ROUNDS = 3
LIVE_AIM = 5_000
REBUILD_AIM = 15_000
LIVE_BATCH = int(LIVE_AIM * POLL_S)
"""Events of one transaction at that rate."""


class _Round(msgspec.Struct, frozen=True):
    """Events a second, and seconds that the host took away."""

    live: float
    rebuild: float
    stolen_s: float


def run(long: bool = False, lives: int | None = None, rounds: int = ROUNDS) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    count = lives or (LIVES_LONG if long else LIVES)
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name, pinned(SERVER_CORE):
        data = Path(name)
        events = write_lives(data, count, seed=1)
        found = [_round(data, events) for _ in range(rounds)]
        size = sum(file.stat().st_size for file in data.glob("views-*"))
    rows = [
        _row(f"live, {LIVE_BATCH} events a transaction", [each.live for each in found], LIVE_AIM),
        _row("rebuild, indexes and flush included", [each.rebuild for each in found], REBUILD_AIM),
    ]
    return {
        "bench": "projections",
        "ratio_to_peer": None,
        "peer": None,
        "rows": rows,
        "machine": describe(),
        "rounds": rounds,
        "caveats": [
            f"{events:,} events of {count:,} calls and leads, {size // 2**20:,} MB of tables.",
            "The journal lies in the page cache: it was written a moment ago.",
            f"The host took {sum(each.stolen_s for each in found):.1f} s away meanwhile.",
            "A live worker shares its process with whatever else it does; here it does nothing else.",
        ],
    }


def _row(case: str, per_second: list[float], aim: int) -> dict[str, object]:
    ours = round(statistics.median(per_second))
    return {
        "case": case,
        "ours": ours,
        "peer": None,
        "unit": "events/s",
        "ratio": None,
        "aim": f">= {aim:,}",
        "reached": ours >= aim,
        "slowest": round(min(per_second)),
    }


def _round(data: Path, events: int) -> _Round:
    stolen = stolen_s()
    gc.collect()
    live_s, followed = _live(data)
    gc.collect()
    began = time.perf_counter()
    Projector.open(data, VIEWS, anew=True, progress=quiet).close()
    rebuild_s = time.perf_counter() - began
    assert _rows(data) == followed, "followed and made anew differ"
    return _Round(events / live_s, events / rebuild_s, stolen_s() - stolen)


def _live(data: Path) -> tuple[float, dict[str, int]]:
    """Seconds for following the whole journal with all indexes there, and what was made."""
    projector = Projector.empty(data, VIEWS)
    began = time.perf_counter()
    while projector.step(LIVE_BATCH):
        pass
    took_s = time.perf_counter() - began
    projector.close()
    return took_s, _rows(data)


def _rows(data: Path) -> dict[str, int]:
    """A digest of each table, row by row."""
    connection = connect_reading(data / VIEWS.file)
    found: dict[str, int] = {}
    try:
        for table in VIEWS.tables:
            digest = 0
            for row in connection.execute(f"SELECT * FROM {table.name} ORDER BY {table.key}"):  # noqa: S608
                digest = hash((digest, row))
            found[table.name] = digest
    finally:
        connection.close()
    return found
