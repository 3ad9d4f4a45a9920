"""What a sold call costs, and how many a second are carried cleanly, against sippy's b2bua_simple.

A caller of sipp calls, a buyer of sipp answers after 180 and 100 ms, the caller hangs up a second later; nobody sends
audio. In the waterfall four buyers refuse before the fifth answers. Ours reads a configuration, decides, reserves
seats, writes every step to its journal and has a media process; the peer forwards. Each side runs alone on one core,
sipp on the other, in alternating rounds with a fresh process each.

Processor time is that of the process with its threads and children, while calls are made: start and end are not in
it. Latency is taken from sipp's own log of messages, so both programs' turns are in it, alike for both sides. A round
is clean when every call went by the scenario, nobody repeated a message and it took no longer than planned.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

import msgspec
from bench.load.ladder import RUNGS, RUNGS_LONG, climb
from bench.load.machine import describe
from bench.load.round import Round, Serve, Spread, run_round
from bench.load.script import Scenario
from bench.load.sides import PeerMissing, Sippy, ours

SUMMARY = "whole calls and waterfalls, against sippy's b2bua_simple"

OURS = "ours"
PEER = "peer"
COST_RATES = {Scenario.PLAIN: 100, Scenario.WATERFALL: 40}
"""Calls a second at which cost and latency are compared: both sides carry them without strain."""
PEER_AIM = 2.0
"""How many times better than the peer a plain call must be, in processor time and in rate."""
JOURNAL_AIM_MS = 5.0
"""How much longer than an append an INVITE may be on its way, in the 99th percentile."""
WATERFALL_RATE = 60
"""What a waterfall must carry without a failed call."""
SOAK_RATE = 150
SOAK_S = 600.0


class Plan(msgspec.Struct, frozen=True):
    """How long to measure."""

    rounds: int
    round_s: float
    rung_s: float
    rungs: tuple[int, ...]
    soak_s: float
    must_s: float


SHORT = Plan(rounds=3, round_s=6.0, rung_s=6.0, rungs=RUNGS, soak_s=0.0, must_s=10.0)
LONG = Plan(rounds=7, round_s=15.0, rung_s=15.0, rungs=RUNGS_LONG, soak_s=SOAK_S, must_s=60.0)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the answer. `ratio` says how many times better than the peer; None without one."""

    case: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    aim: str = ""
    """What must be reached, of the ratio where there is one, else of `ours`; empty for nothing."""
    reached: bool | None = None
    stolen_s: float
    """Processor time that the host took away during these rounds, both cores together."""


def run(long: bool = False, plan: Plan | None = None) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    plan = plan or (LONG if long else SHORT)
    sides: dict[str, Serve] = {OURS: ours}
    missing = ""
    try:
        sides[PEER] = Sippy().serve
    except PeerMissing as error:
        missing = str(error)
    rows = [row for scenario in Scenario for row in _compare(sides, scenario, plan)]
    rows += [_must(plan), *_soak(plan)]
    headline = [row.ratio for row in rows if row.case in _HEADLINE and row.ratio is not None]
    return {
        "bench": "calls",
        "ratio_to_peer": min(headline) if headline else None,
        "peer": Sippy.name if PEER in sides else f"nobody: {missing}",
        "rows": [msgspec.to_builtins(row) for row in rows],
        "machine": describe(),
        "rounds": plan.rounds,
        "caveats": [
            "ratio_to_peer is the worse of CPU a call at one rate and highest clean rate, both of plain calls.",
            "The peer keeps no journal, reserves nothing and has no media; ours does all of it in the measured time.",
            "One core each. sippy cannot use more; ours has threads for the disk and a process for media, which could.",
            "Rates are rungs of a ladder: read them as plus or minus one. Tails feel every neighbour of the machine.",
            "INVITE to INVITE and to 180 are seen by sipp and hold its own turns. The journal's come from /metrics:",
            "their percentiles are straight within a bucket. `without append`: the median of the rounds' differences.",
        ],
    }


_HEADLINE = ("plain: CPU a call", "plain: highest clean rate")


def _compare(sides: Mapping[str, Serve], scenario: Scenario, plan: Plan) -> list[Row]:
    """Cost and latency in alternating rounds, then the ladder."""
    rate = COST_RATES[scenario]
    one_append_aim_ms = JOURNAL_AIM_MS if scenario is Scenario.PLAIN else None
    found: dict[str, list[Round]] = {name: [] for name in sides}
    for number in range(plan.rounds):
        for name in sorted(sides, reverse=bool(number % 2)):
            found[name].append(run_round(sides[name], scenario, rate, plan.round_s, trace=True))
    rungs = [rung for rung in plan.rungs if rung >= rate]
    highest, climbed = climb(list(sides), rungs, lambda name, rung: run_round(sides[name], scenario, rung, plan.rung_s))
    mine, theirs = found[OURS], found.get(PEER, [])
    top, their_top = highest.get(OURS), highest.get(PEER)
    stolen_s = round(sum(each.stolen_s for rounds in found.values() for each in rounds), 2)

    def less(case: str, unit: str, of: Callable[[Round], float | None], most: float | None = None) -> Row:
        """A row in which less is better; the ratio is the median of the rounds' own. `most` is what ours may be."""
        a, b = _values(mine, of), _values(theirs, of)
        ratios = [their / my for my, their in zip(a, b, strict=False) if my]
        name, middle = f"{scenario.value}: {case}", _middle(a) or 0.0
        row = Row(case=name, ours=middle, peer=_middle(b), unit=unit, ratio=_middle(ratios), stolen_s=stolen_s)
        if most is not None:
            return msgspec.structs.replace(row, ratio=None, aim=f"<= {most:g}", reached=middle <= most)
        return _against_peer(row)

    def top_row(case: str, unit: str, of: Callable[[Round], float], *, more: bool) -> Row:
        """A row of the highest clean rung of each side."""
        a, b = (of(each) if each else 0.0 for each in (top, their_top))
        return _against_peer(
            Row(
                case=f"{scenario.value}: {case}",
                ours=a,
                peer=b if PEER in sides else None,
                unit=unit,
                ratio=round(a / b if more else b / a, 2) if a and b else None,
                stolen_s=round(sum(each.stolen_s for each in climbed), 2),
            )
        )

    return [
        less("CPU a call", f"ms at {rate}/s", lambda each: each.cpu_ms_per_call),
        top_row("highest clean rate", "calls/s", lambda each: each.rate, more=True),
        top_row("CPU a call at that rate", "ms", lambda each: each.cpu_ms_per_call, more=False),
        less("CPU, first thread", f"ms at {rate}/s", lambda each: each.parts_ms_per_call[0]),
        less("CPU, other threads", f"ms at {rate}/s", lambda each: each.parts_ms_per_call[1]),
        less("CPU, children", f"ms at {rate}/s", lambda each: each.parts_ms_per_call[2]),
        less("INVITE to INVITE", "ms p50", lambda each: _p50(each.invite_to_invite)),
        less("INVITE to INVITE", "ms p99", lambda each: _p99(each.invite_to_invite)),
        less("INVITE to 180", "ms p50", lambda each: _p50(each.post_dial)),
        less("INVITE to 180", "ms p99", lambda each: _p99(each.post_dial)),
        less("journal append", "ms p99", lambda each: each.journal_p99_ms),
        # In a waterfall the last INVITE waits for an append of every buyer before it as well: there it has no aim.
        less("INVITE to INVITE without append", "ms p99", _beyond_append, one_append_aim_ms),
        less("first INVITE, inside", "ms p99", lambda each: each.post_dial_inside_p99_ms),
    ]


def _against_peer(row: Row) -> Row:
    """The row, with the aim that its ratio has, if any."""
    if row.case not in _HEADLINE or row.ratio is None:
        return row
    return msgspec.structs.replace(row, aim=f">= {PEER_AIM:g}x", reached=row.ratio >= PEER_AIM)


def _beyond_append(made: Round) -> float | None:
    """What is left of the 99th percentile of an INVITE's way when that of the append it waits for is taken off."""
    way_ms = _p99(made.invite_to_invite)
    return None if way_ms is None or made.journal_p99_ms is None else round(way_ms - made.journal_p99_ms, 2)


def _must(plan: Plan) -> Row:
    """The waterfall at the rate that must be carried."""
    made = run_round(ours, Scenario.WATERFALL, WATERFALL_RATE, plan.must_s)
    return _kept(f"waterfall: {made.calls} calls at {WATERFALL_RATE}/s", made)


def _soak(plan: Plan) -> list[Row]:
    if not plan.soak_s:
        return []
    made = run_round(ours, Scenario.PLAIN, SOAK_RATE, plan.soak_s)
    return [_kept(f"plain: {made.calls} calls at {SOAK_RATE}/s", made)]


def _kept(case: str, made: Round) -> Row:
    unit = f"failed ({made.retransmissions} repeats)"
    return Row(
        case=case,
        ours=made.failed,
        peer=None,
        unit=unit,
        ratio=None,
        aim="0",
        reached=not made.failed,
        stolen_s=made.stolen_s,
    )


def _values(rounds: Sequence[Round], of: Callable[[Round], float | None]) -> list[float]:
    return [value for value in map(of, rounds) if value is not None]


def _middle(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 2) if values else None


def _p50(spread: Spread | None) -> float | None:
    return None if spread is None else spread.p50_ms


def _p99(spread: Spread | None) -> float | None:
    return None if spread is None else spread.p99_ms
