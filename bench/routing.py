"""Which routes are for a caller, and the whole decision down to held seats, against a linear scan of the same rules.

Markets of 100 to 100,000 routes (`bench/load/market.py`), the same callers for both sides by turns, each decision
timed alone, answers compared in every case. Eligibility is of the whole plan. The decision is the first offer: who is
eligible, in what order, whether six levels of limits have room, seats held in memory. Then what compiling costs.
Besides, random small accounts with every rule are decided by the naive reference of the tests too.
"""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from bench.load.cases import compare_cases
from bench.load.linear import Fitted, Linear
from bench.load.machine import describe
from bench.load.market import account_of, callers, market
from bench.load.racing import Timings, collecting_as_the_switch, race_decision, race_eligibility
from msgspec import structs

from trunkline.config.schema import AccountConfig, Platform
from trunkline.engine.routing.router import Router, compile_router, compiling
from trunkline.kernel.money import Money

SUMMARY = "decisions over many routes, against a linear scan of the same rules"

SIZES = (100, 1_000, 10_000, 100_000)
ELIGIBILITY_AIM = 20.0
DECISION_AIM = 5.0
P50_AIM_US = 25.0
P99_AIM_US = 150.0
COMPILE_AIM_MS = 1_000.0
CHANGE_AIM_MS = 50.0
HOLD_AIM_MS = 2.0
_COMPILED = 3


class Plan(msgspec.Struct, frozen=True):
    """How much to measure: rounds, callers of a round by the number of routes, cases of the reference."""

    rounds: int
    callers: int
    cases: int


SHORT = Plan(rounds=5, callers=2_000, cases=5_000)
LONG = Plan(rounds=11, callers=10_000, cases=1_000_000)
_CALLERS_MIN = 100


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the answer. `ratio` says how many times better than the peer; None without one."""

    case: str
    ours: float
    peer: float | None = None
    unit: str
    ratio: float | None = None
    aim: str = ""
    reached: bool | None = None


def run(long: bool = False, plan: Plan | None = None, sizes: Sequence[int] = SIZES) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    plan = plan or (LONG if long else SHORT)
    rows: list[Row] = []
    decided: dict[int, float] = {}
    for size in sizes:
        rows += _compare(size, plan, decided)
    if len(decided) > 1:
        rows.append(_growth(decided))
    rows += _compiling(10_000 if 10_000 in sizes else max(sizes))
    cases = compare_cases(plan.cases)
    rows.append(Row(case="equal to the naive reference", ours=cases, unit="random cases", aim="all", reached=True))
    headline = [row.ratio for row in rows if row.case == "1,000 routes: whole decision" and row.ratio is not None]
    return {
        "bench": "routing",
        "ratio_to_peer": headline[0] if headline else None,
        "peer": "linear scan",
        "rows": [msgspec.to_builtins(row) for row in rows],
        "machine": describe(),
        "rounds": plan.rounds,
        "caveats": [
            "ratio_to_peer is the whole decision over 1,000 routes. A ratio is the median of those of the rounds.",
            "The scan takes any criteria, stops at the first band with room, gives no terms and keeps no cursor.",
            "The fitted scan is written for this market and no other; it stands beside, and no aim is meant for it.",
            "Ours also makes the terms of the offer. Garbage collection is as in a running switch, for both sides.",
            "A step is measured in processor time of its thread: a neighbour that pushes it aside is not its fault.",
            "Emptied caches and interrupts still count to it. The row with the least of the rounds leaves them out.",
            "Callers who get no offer are compared, not timed: ours lists reasons then, the scan does not.",
        ],
    }


def _compare(size: int, plan: Plan, decided: dict[int, float]) -> list[Row]:
    config = account_of(market(size))
    router = compile_router(config, Platform(), "bench")
    linear, fitted = Linear(config, router), Fitted(config, router)
    count = max(_CALLERS_MIN, min(plan.callers, plan.callers * 2_000 // size))
    crowd = list(callers(count))
    with collecting_as_the_switch():
        eligibility = _rounds(plan.rounds, lambda first: race_eligibility(router, linear, crowd, ours_first=first))
        decision = _rounds(plan.rounds, lambda first: race_decision(router, linear, crowd, ours_first=first))
        close = _rounds(plan.rounds, lambda first: race_eligibility(router, fitted, crowd, ours_first=first))
        closer = _rounds(plan.rounds, lambda first: race_decision(router, fitted, crowd, ours_first=first))
    name = f"{size:,} routes"
    thousand, ten_thousand = size == 1_000, size == 10_000
    decided[size] = _middle([_us(each.ours, 0.5) for each in decision])
    return [
        _row(f"{name}: eligibility", eligibility, 0.5, ELIGIBILITY_AIM if thousand else None),
        _row(f"{name}: eligibility", eligibility, 0.99),
        _row(f"{name}: whole decision", decision, 0.5, DECISION_AIM if thousand else None),
        *([_most(f"{name}: whole decision alone", decision, 0.5, P50_AIM_US)] if thousand else []),
        _row(f"{name}: whole decision", decision, 0.99),
        *([_most(f"{name}: whole decision alone", decision, 0.99, P99_AIM_US)] if ten_thousand else []),
        _row(f"{name}: eligibility, against the fitted scan", close, 0.5),
        _row(f"{name}: whole decision, against the fitted scan", closer, 0.5),
    ]


def _rounds(count: int, race: Callable[[bool], Timings]) -> list[Timings]:
    race(True)  # what is kept to save time is there in a running switch
    return [race(bool(number % 2)) for number in range(count)]


def _row(case: str, rounds: list[Timings], share: float, aim: float | None = None) -> Row:
    ours, peer = ([_us(side, share) for side in sides] for sides in _sides(rounds))
    ratio = round(statistics.median(b / a for a, b in zip(ours, peer, strict=True)), 1)
    unit = "us p50" if share == 0.5 else "us p99"
    row = Row(case=case, ours=_middle(ours), peer=_middle(peer), unit=unit, ratio=ratio)
    return row if aim is None else msgspec.structs.replace(row, aim=f">= {aim:g}x", reached=ratio >= aim)


def _most(case: str, rounds: list[Timings], share: float, most_us: float) -> Row:
    """The same figure of ours with what it may be at most."""
    return _at_most(case, _middle([_us(each.ours, share) for each in rounds]), f"us p{100 * share:g}", most_us)


def _sides(rounds: list[Timings]) -> tuple[list[list[int]], list[list[int]]]:
    return [each.ours for each in rounds], [each.peer for each in rounds]


def _us(nanoseconds: list[int], share: float) -> float:
    ordered = sorted(nanoseconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1_000


def _middle(values: Sequence[float]) -> float:
    return round(statistics.median(values), 2)


def _growth(decided: dict[int, float]) -> Row:
    """How much dearer the decision is in the largest market than in the smallest, for so many times the routes."""
    small, large = min(decided), max(decided)
    times = round(decided[large] / decided[small], 1)
    return Row(
        case=f"decision, {large // small:,} times the routes",
        ours=times,
        unit="times the cost",
        aim=f"< {large // small:,}",
        reached=times < large / small,
    )


def _compiling(size: int) -> list[Row]:
    """Compiling a market, and compiling it again after one route has changed."""
    config = account_of(market(size))
    changed = _with_one_changed(config)
    whole: list[Steps] = []
    change: list[Steps] = []
    for _ in range(_COMPILED):
        whole.append(_compile(config, None))
        change.append(_compile(changed, whole[-1].router))
    name = f"{size:,} routes"
    held_ms = max(max(each.steps_ms) for each in (*whole, *change))
    least = [min(same) for rounds in (whole, change) for same in zip(*(each.steps_ms for each in rounds), strict=True)]
    return [
        _at_most(f"{name}: compile", _middle([each.all_ms for each in whole]), "ms", COMPILE_AIM_MS),
        _at_most(f"{name}: one route changed", _middle([each.all_ms for each in change]), "ms", CHANGE_AIM_MS),
        _at_most(f"{name}: longest step of both", round(held_ms, 2), "ms of the processor", HOLD_AIM_MS),
        Row(case=f"{name}: longest step, each at its least", ours=round(max(least), 2), unit="ms of the processor"),
        Row(case=f"{name}: memory of the router", ours=_memory(config, size), unit="bytes a route"),
    ]


class Steps(msgspec.Struct, frozen=True):
    """One compilation: its wall time, the processor time of its steps, and what came of it."""

    all_ms: float
    steps_ms: list[float]
    router: Router


def _compile(config: AccountConfig, earlier: Router | None) -> Steps:
    """Compile as the switch does: without the collector. A step's pause is the caller's, so steps run on end here."""
    gc.collect()
    gc.disable()
    try:
        found: list[float] = []
        begin, last = time.perf_counter(), time.thread_time()
        steps = compiling(config, Platform(), "bench", earlier=earlier)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                found.append(1000 * (time.thread_time() - last))
                return Steps(1000 * (time.perf_counter() - begin), found, done.value)
            now = time.thread_time()
            found.append(1000 * (now - last))
            last = now
    finally:
        gc.enable()


def _with_one_changed(config: AccountConfig) -> AccountConfig:
    """The market with another price on a route in the middle of its large tier."""
    (plan,) = config.plans
    tier = plan.tiers[1]
    place = len(tier.routes) // 2
    route = structs.replace(tier.routes[place], price=Money(77_700, "USD"))
    tier = structs.replace(tier, routes=(*tier.routes[:place], route, *tier.routes[place + 1 :]))
    return structs.replace(config, plans=(structs.replace(plan, tiers=(plan.tiers[0], tier, *plan.tiers[2:])),))


def _at_most(case: str, ours: float, unit: str, most: float) -> Row:
    return Row(case=case, ours=ours, unit=unit, aim=f"<= {most:g}", reached=ours <= most)


def _memory(config: AccountConfig, size: int) -> float:
    gc.collect()
    tracemalloc.start()
    router: Any = compile_router(config, Platform(), "bench")
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del router
    return round(used / size)
