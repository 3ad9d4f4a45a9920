"""One round: so many calls a second for so many seconds through one fresh process, and what was seen of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import msgspec
from bench.load.machine import LOAD_CORE, busy_s, cpu_s, parts_s, pinned, stolen_s
from bench.load.script import CALLER, NUMBER, REFUSES, RING_S, TAKES, TALK_S, Scenario, caller_number
from bench.load.sides import Running

from trunkline.testing.sipp import Figures, SipMessage, Sipp, SippFailed

Serve = Callable[[Path, Scenario, str, str], AbstractContextManager[Running]]
"""Starts one side: folder, scenario, address of the refusing buyers, address of the taking one."""

LATE_S = 2.0
"""How much longer than planned a round may take and still be clean."""
BUYERS_END_S = 0.5
RATE_OF_SOURCE = 400
"""Calls a second that come from one address. A switch takes 500 new ones of each, and twice as many at once."""


class Spread(msgspec.Struct, frozen=True):
    """Two percentiles in milliseconds."""

    p50_ms: float
    p99_ms: float


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round showed. Latencies only of rounds that were traced; the journal's only of ours."""

    rate: int
    calls: int
    failed: int
    retransmissions: int
    late_s: float
    cpu_ms_per_call: float
    stolen_s: float
    others_s: float
    """Processor seconds that neither the measured process nor the load used: other work on this machine."""
    invite_to_invite: Spread | None = None
    """The caller's INVITE leaves sipp, the last buyer's reaches sipp: both programs' turns included."""
    post_dial: Spread | None = None
    """The caller's INVITE leaves sipp, its 180 arrives there."""
    parts_ms_per_call: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Processor time a call of the process's first thread, of its other threads, and of its children."""
    journal_p99_ms: float | None = None
    post_dial_inside_p99_ms: float | None = None

    @property
    def clean(self) -> bool:
        """Every call went by the scenario, nobody had to repeat anything, and it took no longer than it should."""
        return not self.failed and not self.retransmissions and self.late_s <= LATE_S


def run_round(serve: Serve, scenario: Scenario, rate: int, seconds: float, *, trace: bool = False) -> Round:
    """Make `rate * seconds` calls through a fresh process, once more when sipp did not start under the others' load.

    Raises SippFailed when it does not start then either.
    """
    try:
        return _round(serve, scenario, rate, seconds, trace=trace)
    except SippFailed:
        return _round(serve, scenario, rate, seconds, trace=trace)


def _round(serve: Serve, scenario: Scenario, rate: int, seconds: float, *, trace: bool) -> Round:
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name:
        folder = Path(name)
        with (
            pinned(LOAD_CORE),
            Sipp(REFUSES, folder, "refusing", trace=False, seconds=round(seconds) + 60) as refusing,
            Sipp(TAKES, folder, "taking", trace=trace, seconds=round(seconds) + 60) as taking,
            serve(folder / "side", scenario, refusing.address, taking.address) as side,
        ):
            return _load(side, folder, [refusing, taking], rate, seconds, trace)


def _load(side: Running, folder: Path, buyers: list[Sipp], rate: int, seconds: float, trace: bool) -> Round:
    of = _sources(rate)
    callers = [_caller(side, folder, place, of, rate, seconds, trace) for place in range(of)]
    calls = round(rate * seconds)
    with ExitStack() as started:
        watch = started.enter_context(_Watch(side.pid))
        for caller in callers:
            started.enter_context(caller)
        told = [_told(caller) for caller in callers]
    late_s = watch.wall_s - seconds - TALK_S - RING_S
    time.sleep(BUYERS_END_S)
    sold = [each.stop() for each in buyers]
    inside = {} if side.switch is None else side.switch.metrics()
    sent = [message for caller in callers for message in caller.messages()] if trace else []
    return Round(
        rate=rate,
        calls=calls,
        failed=calls - sum(each.successful for each in told) + sum(each.failed for each in sold),
        retransmissions=sum(each.retransmissions for each in (*told, *sold)),
        late_s=round(late_s, 2),
        cpu_ms_per_call=round(watch.cpu_s * 1000 / calls, 3),
        parts_ms_per_call=watch.parts_ms(calls),
        stolen_s=round(watch.stolen_s, 2),
        others_s=round(watch.others_s, 2),
        invite_to_invite=_invite_to_invite(sent, buyers[1].messages()) if trace else None,
        post_dial=_post_dial(sent) if trace else None,
        journal_p99_ms=percentile_ms(inside, "trunkline_journal_seconds", 0.99),
        post_dial_inside_p99_ms=percentile_ms(inside, "trunkline_post_dial_seconds", 0.99),
    )


def _sources(rate: int) -> int:
    """From how many addresses so many calls a second come."""
    return 1 + rate // RATE_OF_SOURCE


def _caller(side: Running, folder: Path, place: int, of: int, rate: int, seconds: float, trace: bool) -> Sipp:
    """One of `of` callers that share the load, each at an address of its own."""
    calls = [caller_number(index) for index in range(place, round(rate * seconds), of)]
    return Sipp(
        CALLER,
        folder,
        f"caller{place}",
        to=side.sip,
        number=NUMBER,
        calls=len(calls),
        rate=rate / of,
        at_once=20_000,
        callers=calls,
        host=f"127.0.0.{1 + place}",
        trace=trace,
        seconds=round(seconds * 2) + 20,
    )


def _told(caller: Sipp) -> Figures:
    try:
        return caller.wait()
    except SippFailed:
        return caller.figures()


class _Watch:
    """What the clock, the measured process and the machine did between entering and leaving."""

    wall_s = cpu_s = stolen_s = others_s = 0.0

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def _read(self) -> tuple[float, float, float, float]:
        return time.monotonic(), cpu_s(self._pid), stolen_s(), busy_s()

    def parts_ms(self, calls: int) -> tuple[float, float, float]:
        """Milliseconds a call of each part of the process."""
        first, others, children = (1000 * (b - a) / calls for a, b in zip(*self._parts, strict=True))
        return round(first, 3), round(others, 3), round(children, 3)

    def __enter__(self) -> _Watch:
        self._before = self._read()
        self._parts = (parts_s(self._pid),) * 2
        return self

    def __exit__(self, *_: object) -> None:
        self._parts = (self._parts[0], parts_s(self._pid))
        after = self._read()
        self.wall_s, self.cpu_s, self.stolen_s, busy = (b - a for a, b in zip(self._before, after, strict=True))
        self.others_s = busy - self.cpu_s


def _invite_to_invite(caller: list[SipMessage], buyer: list[SipMessage]) -> Spread | None:
    out = first_messages(buyer, "INVITE", sent=False)
    return spread_of(
        out[number] - at for number, at in first_messages(caller, "INVITE", sent=True).items() if number in out
    )


def _post_dial(caller: list[SipMessage]) -> Spread | None:
    rung = first_messages(caller, "180 INVITE", sent=False)
    return spread_of(
        rung[number] - at for number, at in first_messages(caller, "INVITE", sent=True).items() if number in rung
    )


def first_messages(messages: list[SipMessage], name: str, *, sent: bool) -> dict[str, float]:
    """When the first message of that name passed, by the caller's number."""
    found: dict[str, float] = {}
    for message in messages:
        if message.sent is sent and message.name == name:
            user = message.header("From").partition("sip:")[2].partition("@")[0]
            found.setdefault(user, message.at_s)
    return found


def spread_of(seconds: Iterator[float]) -> Spread | None:
    """The percentiles of some durations; None of none."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99)]
    return Spread(round(at[0], 2), round(at[1], 2))


def percentile_ms(metrics: dict[str, float], name: str, share: float) -> float | None:
    """A percentile of a Prometheus histogram, straight within its bucket."""
    prefix = f'{name}_bucket{{le="'
    bounds = sorted((float(key[len(prefix) : -2]), count) for key, count in metrics.items() if key.startswith(prefix))
    if not bounds or not bounds[-1][1]:
        return None
    wanted = bounds[-1][1] * share
    low_s, below = 0.0, 0.0
    for high_s, count in bounds:
        if count >= wanted:
            inside = (wanted - below) / (count - below) if high_s != float("inf") else 0.0
            return round(1000 * (low_s + inside * ((high_s if inside else low_s) - low_s)), 2)
        low_s, below = high_s, count
    raise AssertionError("the last bucket holds everything")
