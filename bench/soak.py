"""Calls for a long time at one rate: memory stays flat, seats are what calls hold, nothing is left, every call is kept.

sipp calls, sipp answers, the switch sells each call and writes it down, as in `bench calls`. All the while `/metrics`
is read: the leases that hold seats must equal the buyers' legs, at every look. Afterwards nothing may be held, and
every call that sipp made must be in the journal once, with one outcome, after what began it.

The long form is ten minutes at 150 calls a second. `--hours 8` is for a night on a machine of its own: it writes about
7 KB a call into the journal, 30 GB in all, into the folder for temporary files.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
from bench.load.machine import LOAD_CORE, describe, pinned
from bench.load.script import CALLER, NUMBER, TAKES, Scenario, caller_number
from bench.load.sides import Running, ours

from trunkline.events.calls import CallEnded, CallReceived
from trunkline.journal.reader import JournalReader
from trunkline.testing.sipp import Figures, Sipp, SippFailed
from trunkline.testing.switch import SwitchFailed, SwitchProcess
from trunkline.testing.voices import rss_mb

SUMMARY = "calls for a long time: memory flat, leases equal to legs, every call kept once (--hours N)"

RATE: Final = 50
SHORT_S: Final = 30.0
RATE_LONG: Final = 150
LONG_S: Final = 600.0
CALLERS: Final = 10_000
"""Different callers, again and again: who has called before is remembered, and new ones for ever would be growth."""
WARM_UP_S: Final = 300.0
"""Until all callers are known, as many transactions absorb repetitions (32 s) as ever will, and what is kept to save
time is full: seen at 150 calls a second. At most half of a run: then memory is still growing, and only shown.
"""
LOOKS: Final = 120
LOOK_S_MIN: Final = 0.5
GROWTH_MB_MAX: Final = 8.0
"""What the straight line through the memory after the warm-up may rise from its beginning to its end."""
END_S_MAX: Final = 45.0
"""A BYE whose answer was lost is given up after 32 s."""


class Look(msgspec.Struct, frozen=True):
    """What was seen at one moment."""

    at_s: float
    switch_mb: float
    media_mb: float
    calls: float
    legs: float
    leases: float
    sip_legs: float
    transactions: float


class Soak(msgspec.Struct, frozen=True):
    """All of it."""

    seconds: float
    rate: int
    looks: tuple[Look, ...]
    caller: Figures
    buyer: Figures
    journaled: int
    journal_mb: float
    left: dict[str, float]
    violations: tuple[str, ...]


def run(
    long: bool = False, hours: float | None = None, seconds: float | None = None, rate: int | None = None
) -> dict[str, object]:
    """Soak and return the document of `bench --json`. It needs sipp."""
    seconds = hours * 3600 if hours else seconds or (LONG_S if long else SHORT_S)
    rate = rate or (RATE_LONG if long or hours else RATE)
    with tempfile.TemporaryDirectory(prefix="trunkline-soak-") as folder:
        found = soak(Path(folder), seconds, rate)
    flat = after_warm_up(found.looks)
    rows: list[dict[str, object]] = [
        {"case": f"calls at {rate}/s", "ours": found.caller.successful, "peer": found.caller.calls, "unit": "whole"},
        {"case": "messages that were repeated", "ours": found.caller.retransmissions, "unit": "messages"},
        {"case": "calls in the journal, once, with an outcome", "ours": found.journaled, "unit": "calls"},
        {"case": "looks with leases equal to legs", "ours": sum(each.leases == each.legs for each in found.looks)},
        {"case": "of looks", "ours": len(found.looks)},
        {"case": "most legs at once", "ours": max((each.legs for each in found.looks), default=0), "unit": "legs"},
        {"case": "the switch after the warm-up", "ours": round(flat[0].switch_mb, 1), "unit": "MB"},
        {"case": "the switch at the end", "ours": round(flat[-1].switch_mb, 1), "unit": "MB"},
        {"case": "its line rises by", "ours": round(rise([(e.at_s, e.switch_mb) for e in flat]), 2), "unit": "MB"},
        {"case": "media processes at the end", "ours": round(flat[-1].media_mb, 1), "unit": "MB"},
        {"case": "their line rises by", "ours": round(rise([(e.at_s, e.media_mb) for e in flat]), 2), "unit": "MB"},
        {"case": "journal", "ours": round(found.journal_mb), "unit": "MB"},
        {"case": "violations", "ours": len(found.violations), "peer": 0, "unit": "sentences"},
    ]
    return {
        "bench": "soak",
        "ratio_to_peer": None,
        "peer": "nobody",
        "rows": rows,
        "looks": [msgspec.to_builtins(each) for each in found.looks],
        "violations": list(found.violations),
        "machine": describe(),
        "rounds": 1,
        "caveats": [
            f"{seconds:g} s. Repeated messages are no violation: a busy machine is late now and then. A lost call is.",
            *(f"violation: {sentence}" for sentence in found.violations[:20]),
        ],
    }


def soak(folder: Path, seconds: float, rate: int) -> Soak:
    """Make the calls, look on, and judge."""
    with ExitStack() as stack:
        stack.enter_context(pinned(LOAD_CORE))
        patience_s = round(seconds * 1.2) + 120
        taking = stack.enter_context(Sipp(TAKES, folder, "taking", trace=False, seconds=patience_s))
        side = stack.enter_context(ours(folder / "side", Scenario.PLAIN, taking.address, taking.address))
        assert side.switch is not None
        caller = Sipp(
            CALLER,
            folder,
            "caller",
            to=side.sip,
            number=NUMBER,
            calls=round(rate * seconds),
            rate=rate,
            at_once=20_000,
            callers=[caller_number(index) for index in range(CALLERS)],
            trace=False,
            seconds=patience_s,
        )
        looks = _watch(stack.enter_context(caller), side, seconds)
        return _judge(folder, side.switch, caller, taking, looks, seconds, rate)


def _watch(caller: Sipp, side: Running, seconds: float) -> tuple[Look, ...]:
    """Look again and again until the caller has made its calls."""
    assert side.switch is not None
    looks: list[Look] = []
    begin_s, pause_s = time.monotonic(), max(LOOK_S_MIN, seconds / LOOKS)
    while caller.running:
        seen = side.switch.metrics()
        looks.append(
            Look(
                at_s=time.monotonic() - begin_s,
                switch_mb=rss_mb(side.pid),
                media_mb=sum(map(rss_mb, side.switch.media_pids())),
                calls=seen["trunkline_live_calls"],
                legs=seen["trunkline_live_legs"],
                leases=seen["trunkline_live_leases"],
                sip_legs=seen["trunkline_sip_legs"],
                transactions=seen["trunkline_sip_transactions"],
            )
        )
        time.sleep(pause_s)
    return tuple(looks)


def _judge(
    folder: Path,
    switch: SwitchProcess,
    caller: Sipp,
    taking: Sipp,
    looks: tuple[Look, ...],
    seconds: float,
    rate: int,
) -> Soak:
    bad: list[str] = []
    try:
        called = caller.wait()
    except SippFailed as error:
        bad.append(str(error)[:500])
        called = caller.figures()
    left: dict[str, float] = {}
    try:
        switch.until(lambda: not _held(switch), "no call, leg or lease left", END_S_MAX)
    except SwitchFailed as error:
        left = _held(switch) if switch.running else {}
        bad.append(f"{str(error)[:500]} {left}")
    sold = taking.stop()
    if called.failed or called.successful != round(rate * seconds):
        bad.append(f"{called.successful} of {round(rate * seconds)} calls went by the scenario, {called.failed} failed")
    if sold.failed:
        bad.append(f"{sold.failed} calls failed at the buyer")
    unequal = [each for each in looks if each.leases != each.legs]
    if unequal:
        bad.append(f"leases are not legs at {len(unequal)} of {len(looks)} looks, first {unequal[0]}")
    if not looks:
        bad.append("the calls were over before anybody looked")
    flat = after_warm_up(looks)
    for name, values in (("the switch", [e.switch_mb for e in flat]), ("media", [e.media_mb for e in flat])):
        rises_mb = rise(list(zip([each.at_s for each in flat], values, strict=True)))
        if rises_mb > GROWTH_MB_MAX and seconds >= 2 * WARM_UP_S:
            bad.append(f"memory of {name} rises by {rises_mb:.1f} MB after the warm-up")
    seen = switch.metrics() if switch.running else {}
    errors = ("trunkline_call_errors_total", "trunkline_leases_expired_total")
    bad += [f"{name} is {seen[name]:g}" for name in errors if seen.get(name)]
    if "Traceback" in switch.log():
        bad.append(f"a traceback in the log: {switch.log()[-1_000:]}")
    code = switch.stop()
    if code:
        bad.append(f"the switch ended with {code}")
    journaled = _journaled(switch.data, round(rate * seconds), bad)
    size_mb = sum(file.stat().st_size for file in switch.data.glob("journal*")) / 2**20
    return Soak(seconds, rate, looks, called, sold, journaled, size_mb, left, tuple(bad))


def _held(switch: SwitchProcess) -> dict[str, float]:
    """The gauges of calls, legs and leases that are not zero."""
    names = ("trunkline_live_calls", "trunkline_live_legs", "trunkline_live_leases", "trunkline_sip_legs")
    seen = switch.metrics()
    return {name: seen[name] for name in names if seen[name]}


def _journaled(data: Path, calls: int, bad: list[str]) -> int:
    """How many calls were received and then ended, each once. A call is forgotten at its end, so memory is bounded."""
    live: set[str] = set()
    faults: Counter[str] = Counter()
    ended = 0
    with JournalReader(data) as reader:
        position = None
        while page := reader.tail(position):
            position = page[-1].position
            for event in (record.event for record in page):
                if isinstance(event, CallReceived):
                    faults["received twice"] += event.call in live
                    live.add(event.call)
                elif isinstance(event, CallEnded):
                    faults["ended without having begun, or twice"] += event.call not in live
                    faults[f"ended as {event.outcome}"] += event.outcome != "sold"
                    live.discard(event.call)
                    ended += 1
    faults["without an end"] = len(live)
    faults["more or fewer than were made"] = abs(ended - calls)
    bad += [f"journal: {count} calls {what}" for what, count in faults.items() if count]
    return ended


def after_warm_up(looks: Sequence[Look]) -> Sequence[Look]:
    """The looks that must be flat; never none."""
    if not looks:
        return [Look(*[0.0] * len(Look.__struct_fields__))]
    end_s = looks[-1].at_s
    return [each for each in looks if each.at_s >= min(WARM_UP_S, end_s / 2)] or looks[-1:]


def rise(points: Sequence[tuple[float, float]]) -> float:
    """How much the line of least squares rises from the first point to the last."""
    if len(points) < 3:
        return 0.0
    slope, _ = statistics.linear_regression(*zip(*points, strict=True))
    return slope * (points[-1][0] - points[0][0])
