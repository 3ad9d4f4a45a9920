"""Any interleaving of reservations and their ends against a model that counts naively."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trunkline.capacity.memory import MemoryCapacity
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import (
    LEASE_TTL_S,
    CounterId,
    CounterSet,
    Demand,
    HoldDrop,
    HoldPut,
    Lease,
    Refused,
    TurnSet,
)

pytestmark = pytest.mark.property

DAY_MS = 86_400_000
LEVELS = ("account", "group", "buyer")
MEASURES = ("live", "attempt", "convert", "spend")
LEASES = st.sampled_from([f"l{n}" for n in range(6)])
PRICE = 100

Seat = tuple[CounterId, int]


class Stored(msgspec.Struct, frozen=True):
    counters: tuple[CounterSet, ...]
    leases: tuple[Lease, ...]
    turns: tuple[TurnSet, ...]


class Model:
    """A lease as the model sees it: held amounts by seat, when it expires, whether it is ending."""

    def __init__(self, held: dict[Seat, tuple[str, int]], expires_ns: int) -> None:
        self.held = held
        self.expires_ns = expires_ns
        self.ending = False


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryCapacity()
        self.now = Instant(0, 10 * DAY_MS)
        self.max = dict.fromkeys(LEVELS, 3)
        self.leases: dict[str, Model] = {}
        self.used: dict[Seat, int] = {}
        # What a journal would have written down.
        self.counters: dict[Seat, CounterSet] = {}
        self.holds: dict[str, Lease] = {}

    def total(self, seat: Seat) -> int:
        held = sum(amount for lease in self.leases.values() for s, (_, amount) in lease.held.items() if s == seat)
        return self.used.get(seat, 0) + held

    def demand(self, level: str, measure: str) -> Demand:
        unit = PRICE if measure == "spend" else 1
        per = "" if measure == "live" else "day"
        start = 0 if measure == "live" else self.now.utc_ms // DAY_MS * DAY_MS
        end = start + DAY_MS if start else 0
        name = CounterId("acme", level, "k", measure, per, "both")
        return Demand(name, unit, self.max[level] * unit, start, end)

    @rule(lease=LEASES, levels=st.sets(st.sampled_from(LEVELS)), measures=st.sets(st.sampled_from(MEASURES)))
    def reserve(self, lease: str, levels: set[str], measures: set[str]) -> None:
        demands = [self.demand(level, m) for level in sorted(levels) for m in sorted(measures)]
        found = self.store.reserve(lease, "acme", "c", "a", demands, None, self.now)
        if lease in self.leases:
            assert isinstance(found, Lease)
            return
        seats = [(d.counter, d.window_start_ms) for d in demands]
        blocked = [d for d, seat in zip(demands, seats, strict=True) if self.total(seat) + d.amount > d.max]
        if blocked:
            first = blocked[0]
            assert found == Refused(first, self.total((first.counter, first.window_start_ms)))
            return
        assert isinstance(found, Lease)
        held = {s: (d.counter.measure, d.amount) for d, s in zip(demands, seats, strict=True)}
        self.leases[lease] = Model(held, self.now.mono_ns + LEASE_TTL_S * SECOND)
        for d, seat in zip(demands, seats, strict=True):
            assert self.total(seat) <= d.max, "above the limit at the moment of the offer"

    @rule(lease=LEASES, measure=st.sampled_from(("attempt", "convert", "spend")), share=st.integers(0, PRICE))
    def settle(self, lease: str, measure: str, share: int) -> None:
        amount = share if measure == "spend" else None
        self.store.settle(lease, measure, self.now, amount)
        model = self.leases.get(lease)
        if model is None:
            return
        for seat, (of, held) in list(model.held.items()):
            if of == measure:
                self.used[seat] = self.used.get(seat, 0) + (held if amount is None else amount)
                del model.held[seat]
        self.end_if_done(lease)

    @rule(lease=LEASES, keep=st.sampled_from((frozenset(), frozenset({"convert", "spend"}))), twice=st.booleans())
    def release(self, lease: str, keep: frozenset[str], twice: bool) -> None:
        for _ in range(1 + twice):
            self.store.release(lease, self.now, keep)
        model = self.leases.get(lease)
        if model is not None:
            model.ending = True
            model.held = {seat: held for seat, held in model.held.items() if held[0] in keep}
            self.end_if_done(lease)

    @rule(lease=LEASES)
    def renew(self, lease: str) -> None:
        assert self.store.renew(lease, self.now) == (lease in self.leases)
        if lease in self.leases:
            self.leases[lease].expires_ns = self.now.mono_ns + LEASE_TTL_S * SECOND

    @rule(seconds=st.sampled_from((1, 12, 29, 30, 9 * 3600)))
    def time_passes(self, seconds: int) -> None:
        self.now = self.now.later(seconds * SECOND)
        due = {lease for lease, model in self.leases.items() if model.expires_ns <= self.now.mono_ns}
        assert {lease.id for lease in self.store.sweep(self.now)} == due
        for lease in due:
            del self.leases[lease]

    @rule(level=st.sampled_from(LEVELS), maximum=st.integers(0, 5))
    def limit_changes(self, level: str, maximum: int) -> None:
        before = self.store.leases()
        self.max[level] = maximum
        assert self.store.leases() == before

    @precondition(lambda self: self.leases)
    @rule()
    def restart(self) -> None:
        self.write_down()
        fresh = MemoryCapacity()
        fresh.restore(Stored(tuple(self.counters.values()), tuple(self.holds.values()), ()), self.now)
        for seat in self.seats():
            assert fresh.used(*seat) == self.store.used(*seat)
        assert fresh.leases() == self.store.leases()

    @rule()
    def write_down(self) -> None:
        for change in self.store.take_changes():
            match change:
                case CounterSet(counter=counter, window_start_ms=start):
                    self.counters[counter, start] = change
                case HoldPut(lease=lease):
                    self.holds[lease.id] = lease
                case HoldDrop(lease=lease_id):
                    self.holds.pop(lease_id, None)

    @invariant()
    def counts_agree_and_nothing_leaks(self) -> None:
        for seat in self.seats():
            assert self.store.used(*seat) == self.total(seat) >= 0
        assert self.store.leases() == len(self.leases)

    def seats(self) -> set[Seat]:
        recent = self.now.utc_ms - DAY_MS  # older windows may have been forgotten
        known = set(self.used) | {seat for model in self.leases.values() for seat in model.held}
        return {seat for seat in known if seat[1] == 0 or seat[1] + DAY_MS > recent}

    def end_if_done(self, lease: str) -> None:
        if self.leases[lease].ending and not self.leases[lease].held:
            del self.leases[lease]


TestMemoryCapacity = Machine.TestCase
TestMemoryCapacity.settings = settings(max_examples=60, stateful_step_count=60)
