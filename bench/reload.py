"""How long callers wait while a configuration of 10,000 routes is replaced, measured by sipp on both sides.

The switch has one core with all its processes, the one that reads the configuration included; sipp has the other. Calls
come evenly. First nothing changes, then the price of every route, then that of one. What counts is from the caller's
INVITE leaving sipp to the buyer's reaching it, of calls begun between the file's replacement and a second and a half
after the new one counted.
"""

from __future__ import annotations

import statistics
from typing import Any

import msgspec
from bench.load.machine import describe
from bench.load.reloading import Change, Reloading, measure

SUMMARY = "how long callers wait while a large configuration is replaced"

ROUTES = 10_000
WAY_AIM_MS = 25.0


class Plan(msgspec.Struct, frozen=True):
    """How long to measure at each rate (calls a second), how often, and with how many routes."""

    rates: tuple[int, ...]
    seconds: float
    rounds: int
    routes: int = ROUTES


SHORT = Plan(rates=(60, 100), seconds=45.0, rounds=1)
LONG = Plan(rates=(60, 100), seconds=60.0, rounds=5)


def run(long: bool = False, plan: Plan | None = None) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    plan = plan or (LONG if long else SHORT)
    rows: list[dict[str, Any]] = []
    for rate in plan.rates:
        rows += _rows(rate, [measure(plan.routes, rate, plan.seconds) for _ in range(plan.rounds)])
    return {
        "bench": "reload",
        "ratio_to_peer": None,
        "peer": "nobody: the same switch without a change stands beside it",
        "rows": rows,
        "machine": describe(),
        "rounds": plan.rounds,
        "caveats": [
            "`peer` is the same switch in the same run before anything was changed; the aim is of `ours`.",
            "INVITE to INVITE is seen by sipp and holds its own turns. Percentiles are the medians of the rounds'.",
            "The process that reads the configuration shares the switch's core and gives way to it.",
        ],
    }


def _rows(rate: int, rounds: list[Reloading]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    quiet = [each.changes[0] for each in rounds]
    for place in range(1, len(rounds[0].changes)):
        changes = [each.changes[place] for each in rounds]
        name = f"{rate}/s, change of {changes[0].name}"
        for share in (0.5, 0.99):
            ours, before = _middle(changes, share), _middle(quiet, share)
            row: dict[str, Any] = {
                "case": name,
                "ours": ours,
                "peer": before,
                "unit": f"ms p{100 * share:g}",
                "ratio": round(before / ours, 2),
            }
            if share == 0.99:
                row |= {"aim": f"<= {WAY_AIM_MS:g}", "reached": ours <= WAY_AIM_MS}
            rows.append(row)
        longest = max(max(each.ways_ms) for each in changes)
        rows.append({"case": name, "ours": round(longest, 1), "unit": "ms longest"})
        in_force = [each.in_force_s for each in changes if each.in_force_s is not None]
        rows.append({"case": name, "ours": round(statistics.median(in_force), 1), "unit": "s until in force"})
    failed = sum(each.failed for each in rounds)
    stolen_s = sum(each.stolen_s for each in rounds)
    calls = f"{rate}/s, {sum(each.calls for each in rounds):,} calls"
    kept = {"aim": "0", "reached": not failed, "stolen_s": stolen_s}
    rows.append({"case": calls, "ours": failed, "unit": "failed", **kept})
    return rows


def _middle(changes: list[Change], share: float) -> float:
    found = []
    for change in changes:
        ordered = sorted(change.ways_ms)
        found.append(ordered[min(len(ordered) - 1, int(len(ordered) * share))])
    return round(statistics.median(found), 2)
