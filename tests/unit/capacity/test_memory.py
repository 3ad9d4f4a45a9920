"""The store in memory: the contract, and what only it has: restoring and forgetting."""

from __future__ import annotations

import msgspec
import pytest
from tests.contracts.capacity import DAY_MS, NOW, CapacityContract, counter, demand, reserve

from trunkline.capacity.memory import RECOVERED_TTL_S, WINDOW_KEPT_MS, MemoryCapacity
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import Capacity, CounterSet, Lease, OfferedSet, TurnId, TurnSet
from trunkline.kernel.windows import FOREVER_MS

pytestmark = pytest.mark.unit

CONNECTS = counter(measure="connect", per="day")


class TestMemoryCapacity(CapacityContract):
    def make(self) -> Capacity:
        return MemoryCapacity()


class Stored(msgspec.Struct, frozen=True):
    counters: tuple[CounterSet, ...] = ()
    leases: tuple[Lease, ...] = ()
    turns: tuple[TurnSet, ...] = ()
    offered: tuple[OfferedSet, ...] = ()


def at(utc_ms: int) -> Instant:
    return Instant(NOW.mono_ns, utc_ms)


def test_restored_counters_leases_and_turns_count_on() -> None:
    lease = Lease("l1", "acme", "c", "a", (demand(), demand("connect", maximum=9, day=1)), 7)
    turns = (TurnSet(TurnId("acme", "p", "t", "a"), 4), TurnSet(TurnId("acme", "p", "t", "b"), 9))
    store = MemoryCapacity()
    store.restore(Stored((CounterSet(CONNECTS, DAY_MS, 2 * DAY_MS, 3),), (lease,), turns), at(DAY_MS))
    assert store.used(CONNECTS, DAY_MS) == 4
    assert store.used(counter(), 0) == 1
    reserve(store, "l2", demand(), turn=turns[0].turn)
    assert store.turn(turns[0].turn) == 10
    store.settle("l1", "connect", NOW)
    store.release("l1", NOW)
    assert (store.used(CONNECTS, DAY_MS), store.used(counter(), 0)) == (4, 1)


def test_restored_leases_wait_a_minute_for_their_orphan_legs() -> None:
    lease = Lease("l1", "acme", "c", "a", (demand(),), 7)
    store = MemoryCapacity()
    store.restore(Stored(leases=(lease,)), NOW)
    assert store.sweep(NOW.later(RECOVERED_TTL_S * SECOND - 1)) == []
    assert store.sweep(NOW.later(RECOVERED_TTL_S * SECOND)) == [lease]


def test_a_window_long_past_is_forgotten_unless_a_seat_is_still_held() -> None:
    store = MemoryCapacity()
    reserve(store, "l1", demand("connect", maximum=9, day=1))
    store.settle("l1", "connect", NOW)
    reserve(store, "l2", demand("connect", maximum=9, day=1))
    end = 2 * DAY_MS + WINDOW_KEPT_MS
    store.sweep(at(end))
    assert store.used(CONNECTS, DAY_MS) == 2
    store.release("l2", NOW)
    store.sweep(at(end + WINDOW_KEPT_MS - 1))
    assert store.used(CONNECTS, DAY_MS) == 1
    store.sweep(at(end + WINDOW_KEPT_MS))
    assert store.used(CONNECTS, DAY_MS) == 0


def test_lifetime_and_live_counters_are_never_forgotten() -> None:
    lifetime = counter(measure="connect", per="lifetime")
    store = MemoryCapacity()
    store.restore(Stored((CounterSet(lifetime, 0, FOREVER_MS, 3), CounterSet(counter(measure="funds"), 0, 0, 5))), NOW)
    store.sweep(at(FOREVER_MS - 1))
    assert store.used(lifetime, 0) == 3
    assert store.used(counter(measure="funds"), 0) == 5


def test_live_seats_can_not_be_used_up_and_nothing_beyond_the_held_amount_can() -> None:
    store = MemoryCapacity()
    reserve(store, "l1", demand(), demand("spend", 100, 1000, day=1))
    with pytest.raises(AssertionError, match="never used"):
        store.settle("l1", "live", NOW)
    with pytest.raises(AssertionError, match="101"):
        store.settle("l1", "spend", NOW, 101)
    assert store.used(counter(measure="spend", per="day"), DAY_MS) == 100
