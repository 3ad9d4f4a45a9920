"""What bridged and recorded calls cost on one core, and how long the people in them wait.

Three questions. How much later does a packet arrive that was bridged and recorded, with callers beside it who hear
prompts, against the same packets with nothing between the parties (the floor)? Is every frame in the recordings? How
long from a buyer's answer to audio both ways, and from a caller who goes to the buyer who is told?

The media process alone has one core; the load, which sends every packet of every party 20 ms after the last, has the
other. A packet bears the time at which it left and is stamped by the kernel when it arrives.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from bench.load.bridged import Passed, floor, ours
from bench.load.machine import describe
from bench.load.moments import Moments, measure

SUMMARY = "bridged, recorded audio on one core, and how long people wait, against the bare loopback"

PROMPTED = 50
"""Callers who hear a prompt beside the bridged calls."""
ADDED_P99_MS_MAX = 8.0
TWO_WAY_P99_MS_MAX = 40.0
GONE_P99_MS_MAX = 10.0
MUST_CALLS = 200


class Plan(msgspec.Struct, frozen=True):
    """How much to measure: bridged calls at once, rounds of each, their length, and calls of which moments are read."""

    calls: tuple[int, ...]
    rounds: int
    round_s: float
    moments: int


SHORT = Plan(calls=(200, 350), rounds=3, round_s=8.0, moments=150)
LONG = Plan(calls=(100, 200, 250, 300, 350, 400), rounds=5, round_s=20.0, moments=500)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the answer. `ratio` is how many times better than the floor, so below 1; `aim` what must be reached."""

    case: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None = None
    aim: str = ""
    reached: bool | None = None
    rounds: Sequence[float] = ()
    stolen_s: float = 0.0


def run(long: bool = False, plan: Plan | None = None) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    plan = plan or (LONG if long else SHORT)
    rows = [row for calls in plan.calls for row in _bridged(calls, plan)]
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        rows += _waits(measure(Path(folder), plan.moments))
    headline = next((row.ratio for row in rows if row.case.startswith(f"{MUST_CALLS} calls: latency p99")), None)
    return {
        "bench": "media",
        "ratio_to_peer": headline,
        "peer": "the loopback with the same packets",
        "rows": [msgspec.to_builtins(row) for row in rows],
        "machine": describe(),
        "rounds": plan.rounds,
        "caveats": [
            "ratio_to_peer is floor to ours, p99 of 200 calls: below 1, as nothing is faster than nothing between.",
            "Added latency is ours less the floor of the same round. The figure of a row is the median of its rounds.",
            "The media process asks for realtime priority and has it when it may (root): without, tails are longer.",
            "What the host took away (stolen_s) is in the tails; load_late_ms says how late the load itself was once.",
            "The waits hold the turns of the scripted peers and up to 20 ms until a telephone's next packet.",
        ],
    }


def _bridged(calls: int, plan: Plan) -> list[Row]:
    floors: list[Passed] = []
    passed: list[Passed] = []
    for _ in range(plan.rounds):
        floors.append(asyncio.run(floor(2 * calls, plan.round_s / 2)))
        with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
            passed.append(asyncio.run(ours(calls, PROMPTED, plan.round_s, Path(folder))))
    must = calls == MUST_CALLS
    stolen_s = round(sum(each.stolen_s for each in passed), 2)
    added = [mine.p99_ms - bare.p99_ms for mine, bare in zip(passed, floors, strict=True)]
    lost = sum(each.lost for each in passed)
    gaps = sum(each.gaps for each in passed)
    missing = sum(each.sent - each.frames for each in passed)

    def latency(name: str, mine: Sequence[float], bare: Sequence[float]) -> Row:
        ratios = [b / a for a, b in zip(mine, bare, strict=True) if a]
        return Row(
            case=f"{calls} calls: latency {name}",
            ours=round(statistics.median(mine), 3),
            peer=round(statistics.median(bare), 3),
            unit="ms",
            ratio=round(statistics.median(ratios), 3) if ratios else None,
            rounds=mine,
            stolen_s=stolen_s,
        )

    return [
        latency("p50", [each.p50_ms for each in passed], [each.p50_ms for each in floors]),
        latency("p99", [each.p99_ms for each in passed], [each.p99_ms for each in floors]),
        Row(
            case=f"{calls} calls: added p99",
            ours=round(statistics.median(added), 3),
            peer=None,
            unit="ms",
            aim=f"<= {ADDED_P99_MS_MAX:g}" if must else "",
            reached=statistics.median(added) <= ADDED_P99_MS_MAX if must else None,
            rounds=[round(each, 3) for each in added],
            stolen_s=stolen_s,
        ),
        Row(
            case=f"{calls} calls: gaps in recordings",
            ours=gaps + max(0, missing),
            peer=None,
            unit=f"of {sum(each.frames for each in passed):,} frames",
            aim="0" if must else "",
            reached=gaps + max(0, missing) == 0 if must else None,
        ),
        Row(case=f"{calls} calls: lost", ours=lost, peer=0, unit=f"of {sum(each.sent for each in passed):,} packets"),
        Row(
            case=f"{calls} calls: processor",
            ours=statistics.median(each.core for each in passed),
            peer=None,
            unit=f"of a core, {statistics.median(each.cpu_us_per_packet for each in passed):g} us a packet",
        ),
    ]


def _waits(found: Moments) -> list[Row]:
    return [
        _wait("buyer's 200 to audio both ways", found.two_way_ms, TWO_WAY_P99_MS_MAX),
        _wait("caller hangs up to the buyer's BYE", found.bye_ms, GONE_P99_MS_MAX),
        _wait("caller cancels to the buyer's CANCEL", found.cancel_ms, GONE_P99_MS_MAX),
    ]


def _wait(case: str, times_ms: Sequence[float], most_ms: float) -> Row:
    ordered = sorted(times_ms)
    p50, p99 = (ordered[len(ordered) * share // 100] for share in (50, 99))
    return Row(
        case=case,
        ours=round(p99, 2),
        peer=None,
        unit=f"ms p99 (p50 {p50:.2f}, n {len(ordered)})",
        aim=f"<= {most_ms:g}",
        reached=p99 <= most_ms,
    )
