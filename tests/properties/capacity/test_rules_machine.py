"""Real limits of every kind with real calendars over the store: whatever happens in whatever order, none is exceeded.

What a limit allows at an instant is worked out again here from its words, minute by minute where it is paced.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.properties.capacity.test_memory_machine import Stored

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.schema import Kind, Limit, Measure
from trunkline.engine.routing.limited import Limited
from trunkline.engine.routing.limits import Calendar, ask, limit_rules
from trunkline.kernel.clock import MS, SECOND, Instant
from trunkline.kernel.leases import (
    CounterId,
    CounterSet,
    Demand,
    HoldDrop,
    HoldPut,
    Lease,
    OfferedSet,
)
from trunkline.kernel.windows import Per, window_at

pytestmark = pytest.mark.property

ZONE = "America/New_York"
STARTS_MS = tuple(
    round(datetime.fromisoformat(text).timestamp() * 1000)
    for text in (
        "2026-11-23T09:00-05:00",
        "2026-11-01T00:30-04:00",  # the hour from one to two comes twice
        "2026-03-08T01:30-05:00",  # the hour from two to three does not come
        "2028-02-28T23:30-05:00",
        "1970-01-01T00:00+00:00",
        "2100-02-28T23:59-05:00",
    )
)
LATER = frozenset({"convert", "spend"})
PRICE = 70
EVERY = tuple(TimeRange(start=start, until=until) for start, until in ((0, 150), (540, 1_020), (1_380, 60)))
HOURS = Hours(mon=EVERY, tue=EVERY[1:], wed=EVERY, thu=EVERY, fri=EVERY, sun=EVERY)
ROW = tuple((hour * 7) % 4 for hour in range(24))
LIMITS = (
    Limit(measure=Measure.LIVE, max=3, matrix={"mon": ROW, "sun": ROW[::-1], "thu": (0,) * 24}),
    Limit(measure=Measure.ATTEMPT, per=Per.DAY, max=24, pacing="even"),
    Limit(measure=Measure.CONNECT, per=Per.HOUR, max=5, pacing="even", zone="Australia/Lord_Howe"),
    Limit(measure=Measure.CONVERT, per=Per.WEEK, max=6, week_start="sun"),
    Limit(measure=Measure.SPEND, per=Per.DAY, max=900, pacing="even"),
    Limit(measure=Measure.SPEND, per=Per.LIFETIME, max=2_000),
    Limit(measure=Measure.ATTEMPT, per=Per.MONTH, max=40, min_gap_seconds=20),
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SETTLED = ("attempt", "connect", "convert", "spend")


def local(utc_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(ZoneInfo(zone))


def is_open(utc_ms: int) -> bool:
    """By the words of the hours: ranges belong to the day they start on, and one past midnight runs on."""
    now = local(utc_ms, ZONE)
    minute = now.hour * 60 + now.minute
    own, before = (getattr(HOURS, DAYS[(now.weekday() - back) % 7]) for back in (0, 1))
    return any(r.start <= minute and (minute < r.until or r.until < r.start) for r in own) or any(
        minute < r.until < r.start for r in before
    )


def even(limit: Limit, start: int, end: int, utc_ms: int) -> int:
    """What an evenly spread limit allows by now."""
    opened = [at for at in range(start, end, 60_000) if is_open(at)]
    if not opened:
        return 1
    passed = sum(min(60_000, utc_ms - at) for at in opened if at < utc_ms)
    return max(1, math.ceil(Fraction(limit.max * passed, 60_000 * len(opened))))


def allows(limit: Limit, utc_ms: int) -> int:
    """What a limit lets be used and held at that instant."""
    zone = limit.zone or ZONE
    most = limit.max
    if limit.matrix:
        now = local(utc_ms, zone)
        most = min(most, limit.matrix.get(DAYS[now.weekday()], (most,) * 24)[now.hour])
    if limit.pacing is not None:
        assert limit.per is not None
        window = window_at(limit.per, utc_ms, zone)
        share = even(limit, window.start_ms, window.end_ms, utc_ms)
        most = min(most, max(share, PRICE if limit.measure is Measure.SPEND else 1))
    return most


class RulesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        limited = Limited("buyer", "ann", LIMITS, ZONE, ((HOURS, ZONE),))
        self.rules = limit_rules("acme", limited, Kind.CALL, Calendar())
        self.limits = {(limit.measure.value, limit.per.value if limit.per else ""): limit for limit in LIMITS}
        self.store = MemoryCapacity()
        self.now = Instant(0, STARTS_MS[0])
        self.made = 0
        self.open: dict[str, Lease] = {}
        self.kept: set[str] = set()
        self.last_ms: int | None = None
        self.counters: dict[tuple[CounterId, int], CounterSet] = {}
        self.holds: dict[str, Lease] = {}
        self.gaps: dict[CounterId, OfferedSet] = {}
        self.seen: set[tuple[CounterId, int]] = set()

    def limit_of(self, demand: Demand) -> Limit:
        return self.limits[demand.counter.measure, demand.counter.per]

    @rule(at=st.sampled_from(STARTS_MS))
    def clock_is_set(self, at: int) -> None:
        self.now = Instant(self.now.mono_ns, at)

    @rule(seconds=st.sampled_from((1, 19, 20, 400, 1_800, 7_200, 30_000)))
    def time_passes(self, seconds: int) -> None:
        for lease in self.open:
            assert self.store.renew(lease, self.now)
        self.now = self.now.later(seconds * SECOND)
        for lease in self.open:
            self.store.renew(lease, self.now)
        assert self.store.sweep(self.now) == []

    @rule()
    def offer(self) -> None:
        demands: list[Demand] = []
        full = ask(self.rules, PRICE, self.store, self.now.utc_ms, demands)
        self.made += 1
        name = f"l{self.made}"
        wants = tuple(rule.demand(PRICE, self.now.utc_ms) for rule in self.rules)
        found = self.store.reserve(name, "acme", name, name, wants, None, self.now)
        assert isinstance(found, Lease) == (full is None), "what is listed as free can be had, and nothing else"
        self.seen |= {(want.counter, want.window_start_ms) for want in wants}
        if not isinstance(found, Lease):
            assert full is not None
            assert found.demand == full.demand
            self.refused_rightly(found.demand, found.used)
            return
        assert demands == list(wants)
        self.open[name] = found
        for want in wants:
            assert self.store.used(want.counter, want.window_start_ms) <= allows(self.limit_of(want), self.now.utc_ms)
        assert self.last_ms is None or not 0 <= self.now.utc_ms - self.last_ms < 20_000
        self.last_ms = self.now.utc_ms

    def refused_rightly(self, demand: Demand, used: int) -> None:
        limit = self.limit_of(demand)
        too_soon = limit.min_gap_seconds is not None and self.last_ms is not None
        too_soon = too_soon and 0 <= self.now.utc_ms - (self.last_ms or 0) < 20_000
        assert used + demand.amount > allows(limit, self.now.utc_ms) or too_soon
        rule_of = next(each for each in self.rules if each.counter == demand.counter)
        wait = rule_of.wait(demand, used, self.store, self.now.utc_ms)
        if wait is not None and not limit.matrix:
            assert wait.until_ms > self.now.utc_ms
            for at, passes in ((wait.until_ms - 1, False), (wait.until_ms, True)):
                asked = rule_of.demand(PRICE, at)
                free = used + asked.amount <= asked.max
                assert (free and (too_soon is False or at >= (self.last_ms or 0) + 20_000)) == passes

    @rule(draw=st.integers(0, 99), measure=st.sampled_from(SETTLED))
    def settle(self, draw: int, measure: str) -> None:
        if names := sorted(self.open):
            amount = draw % PRICE if measure == "spend" else None
            self.store.settle(names[draw % len(names)], measure, self.now, amount)

    @rule(draw=st.integers(0, 99), keep_s=st.sampled_from((0, 30, 86_400)))
    def end(self, draw: int, keep_s: int) -> None:
        if names := sorted(self.open):
            name = names[draw % len(names)]
            del self.open[name]
            self.store.release(name, self.now, LATER if keep_s else frozenset(), 1_000 * keep_s)

    @rule(draw=st.integers(0, 99), by=st.integers(-3, 3))
    def set_by_hand(self, draw: int, by: int) -> None:
        rule_of = [each for each in self.rules if each.counter.measure != "live"][draw % 6]
        window = rule_of.window(self.now.utc_ms)
        self.store.recount(rule_of.counter, window.start_ms, window.end_ms, by=by * (PRICE if rule_of.priced else 1))

    @rule()
    def restart(self) -> None:
        for change in self.store.take_changes():
            match change:
                case CounterSet(counter=counter, window_start_ms=start):
                    self.counters[counter, start] = change
                case HoldPut(lease=lease):
                    self.holds[lease.id] = lease
                case HoldDrop(lease=lease_id):
                    self.holds.pop(lease_id, None)
                case OfferedSet(counter=counter):
                    self.gaps[counter] = change
        self.store = MemoryCapacity()
        stored = Stored(tuple(self.counters.values()), tuple(self.holds.values()), tuple(self.gaps.values()))
        self.store.restore(stored, self.now)

    @invariant()
    def nothing_is_negative(self) -> None:
        for counter, start in self.seen:
            seats = self.store.seats(counter, start)
            assert seats.used >= 0
            assert seats.held >= 0
        assert self.store.leases() == len(self.open)

    def teardown(self) -> None:
        for name in self.open:
            self.store.release(name, self.now)
        self.store.sweep(Instant(self.now.mono_ns + 100_000 * SECOND * MS, self.now.utc_ms))
        assert (self.store.leases(), self.store.kept()) == (0, 0)
        assert all(self.store.seats(*seat).held == 0 for seat in self.seen), "every seat has come back"


TestRules = RulesMachine.TestCase
TestRules.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
