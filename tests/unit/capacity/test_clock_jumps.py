"""Seats under a wall clock that is set back and forth: none leaks, none is counted twice, none expires early."""

from __future__ import annotations

import random

import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.routing.limits import Calendar
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import LEASE_RENEW_S, LEASE_TTL_S, CounterId, Demand, Lease, Refused
from trunkline.kernel.windows import HOUR_MS, Per, window_at

pytestmark = pytest.mark.unit

ZONE = "America/New_York"
NOON_MS = 1_795_363_200_000
"""2026-11-22 16:00 UTC: eleven in the morning in New York."""
DAY_MS = 24 * HOUR_MS
MAX = 3


def demands(now: Instant, per: Per, measure: str = "connect") -> tuple[Demand, ...]:
    window = Calendar().window(per, ZONE, 0, now.utc_ms)
    live = CounterId("acme", "buyer", "b", "live", "", "call")
    counted = CounterId("acme", "buyer", "b", measure, per.value, "call")
    return (Demand(live, 1, 100, 0, 0), Demand(counted, 1, MAX, window.start_ms, window.end_ms))


def sell(store: MemoryCapacity, name: str, now: Instant, per: Per = Per.DAY) -> bool:
    """One call that connects and ends; whether there was a seat."""
    lease = store.reserve(name, "acme", name, name, demands(now, per), None, now)
    if isinstance(lease, Refused):
        return False
    store.settle(name, "connect", now)
    store.release(name, now)
    return True


def test_a_day_that_comes_twice_has_its_seats_once() -> None:
    store, now = MemoryCapacity(), Instant(0, NOON_MS)
    assert [sell(store, f"a{n}", now) for n in range(4)] == [True, True, True, False]
    for jump_ms in (DAY_MS, -DAY_MS):
        there = Instant(SECOND, NOON_MS + jump_ms)
        store.sweep(there)
        assert [sell(store, f"b{jump_ms}{n}", there) for n in range(4)] == [True, True, True, False]
        store.sweep(there)
    back = Instant(2 * SECOND, NOON_MS)
    store.sweep(back)
    assert not sell(store, "c", back)


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
def test_an_hour_that_comes_twice_has_its_seats_once(jump_ms: int) -> None:
    store, now = MemoryCapacity(), Instant(0, NOON_MS)
    assert all(sell(store, f"a{n}", now, Per.HOUR) for n in range(3))
    away = Instant(SECOND, NOON_MS + jump_ms)
    store.sweep(away)
    assert sell(store, "b", away, Per.HOUR)
    store.sweep(now)
    assert not sell(store, "c", Instant(2 * SECOND, NOON_MS), Per.HOUR)


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, 365 * DAY_MS])
def test_leases_live_by_the_monotonic_clock(jump_ms: int) -> None:
    store = MemoryCapacity()
    store.reserve("l", "acme", "c", "a", demands(Instant(0, NOON_MS), Per.DAY), None, Instant(0, NOON_MS))
    step_ns = LEASE_RENEW_S * SECOND
    for step in range(1, 10):
        jumped = Instant(step * step_ns, NOON_MS + step * jump_ms)
        assert store.sweep(jumped) == []
        assert store.renew("l", jumped)
    last_ns = 9 * step_ns + LEASE_TTL_S * SECOND
    assert store.sweep(Instant(last_ns - 1, NOON_MS + jump_ms)) == []
    assert [lease.id for lease in store.sweep(Instant(last_ns, NOON_MS - jump_ms))] == ["l"]


def test_no_walk_of_the_clock_leaks_or_oversells() -> None:
    draw = random.Random(1)
    store, utc_ms = MemoryCapacity(), NOON_MS
    live: dict[str, Lease] = {}
    connected: dict[int, int] = {}
    for step in range(4_000):
        utc_ms = NOON_MS + draw.choice((0, 0, HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS)) + step
        now = Instant(step * SECOND // 100, utc_ms)
        name = f"l{step}"
        found = store.reserve(name, "acme", name, name, demands(now, Per.HOUR), None, now)
        start_ms = window_at(Per.HOUR, utc_ms, ZONE).start_ms
        held = sum(lease.demands[1].window_start_ms == start_ms for lease in live.values())
        assert isinstance(found, Refused) == (connected.get(start_ms, 0) + held >= MAX)
        if isinstance(found, Lease):
            live[name] = found
        if live and draw.random() < 0.5:
            ended = draw.choice(sorted(live))
            lease = live.pop(ended)
            if draw.random() < 0.1:
                window_ms = lease.demands[1].window_start_ms
                connected[window_ms] = connected.get(window_ms, 0) + 1
                store.settle(ended, "connect", now)
            store.release(ended, now)
        assert store.sweep(now) == []
        assert store.leases() == len(live)
    for name in live:
        store.release(name, now)
    assert store.leases() == 0
    assert store.used(demands(now, Per.HOUR)[0].counter, 0) == 0
    assert set(connected.values()) == {MAX}
