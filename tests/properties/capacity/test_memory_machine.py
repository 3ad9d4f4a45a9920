"""Any interleaving of reservations and their ends against a model that counts naively."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trunkline.capacity.memory import RECOVERED_TTL_S, MemoryCapacity
from trunkline.kernel.clock import MS, SECOND, Instant
from trunkline.kernel.leases import (
    LEASE_TTL_S,
    CounterId,
    CounterSet,
    Demand,
    HoldDrop,
    HoldPut,
    Lease,
    OfferedSet,
    Refused,
    TurnSet,
)

pytestmark = pytest.mark.property

DAY_MS = 86_400_000
LEVELS = ("account", "group", "buyer")
MEASURES = ("live", "attempt", "convert", "spend")
LEASES = st.sampled_from([f"l{n}" for n in range(6)])
PRICE = 100
LATER = frozenset({"convert", "spend"})

Seat = tuple[CounterId, int]


class Stored(msgspec.Struct, frozen=True):
    counters: tuple[CounterSet, ...]
    leases: tuple[Lease, ...]
    offered: tuple[OfferedSet, ...]
    turns: tuple[TurnSet, ...] = ()


class Model:
    """A lease as the model sees it: held amounts by seat, when it runs out, whether its attempt is over."""

    def __init__(self, held: dict[Seat, tuple[str, int]], expires_ns: int) -> None:
        self.held = held
        self.expires_ns = expires_ns
        self.kept_until_ms = 0


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryCapacity()
        self.now = Instant(0, 10 * DAY_MS)
        self.latest_ms = self.now.utc_ms
        self.max = dict.fromkeys(LEVELS, 3)
        self.leases: dict[str, Model] = {}
        self.used: dict[Seat, int] = {}
        self.offered: dict[CounterId, int] = {}
        # What a journal would have written down.
        self.counters: dict[Seat, CounterSet] = {}
        self.holds: dict[str, Lease] = {}
        self.gaps: dict[CounterId, OfferedSet] = {}

    def total(self, seat: Seat) -> int:
        held = sum(model.held[seat][1] for model in self.leases.values() if seat in model.held)
        return self.used.get(seat, 0) + held

    def demand(self, level: str, measure: str, lowered: int = 0, gap_s: int = 0) -> Demand:
        per = "" if measure == "live" else "day"
        unit = PRICE if measure == "spend" else 1
        start = 0 if measure == "live" else self.now.utc_ms // DAY_MS * DAY_MS
        end = start + DAY_MS if start else 0
        name = CounterId("acme", level, "k", measure, per, "both")
        return Demand(name, unit, max(0, self.max[level] - lowered) * unit, start, end, gap_s * 1000)

    def waits(self, demand: Demand) -> bool:
        offered = self.offered.get(demand.counter)
        return demand.gap_ms > 0 and offered is not None and 0 <= self.now.utc_ms - offered < demand.gap_ms

    @rule(
        lease=LEASES,
        levels=st.sets(st.sampled_from(LEVELS)),
        measures=st.sets(st.sampled_from(MEASURES)),
        lowered=st.sampled_from((0, 0, 1, 2)),
        gap_s=st.sampled_from((0, 0, 0, 12, 60)),
    )
    def reserve(self, lease: str, levels: set[str], measures: set[str], lowered: int, gap_s: int) -> None:
        """`lowered` is what a matrix or pacing leaves less of than the limit has."""
        demands = [self.demand(level, m, lowered, gap_s) for level in sorted(levels) for m in sorted(measures)]
        found = self.store.reserve(lease, "acme", "c", "a", demands, None, self.now)
        if lease in self.leases:
            assert isinstance(found, Lease)
            return
        seats = [(d.counter, d.window_start_ms) for d in demands]
        blocked = [
            d for d, seat in zip(demands, seats, strict=True) if self.total(seat) + d.amount > d.max or self.waits(d)
        ]
        if blocked:
            first = blocked[0]
            assert found == Refused(first, self.total((first.counter, first.window_start_ms)))
            return
        assert isinstance(found, Lease)
        held = {s: (d.counter.measure, d.amount) for d, s in zip(demands, seats, strict=True)}
        self.leases[lease] = Model(held, self.now.mono_ns + LEASE_TTL_S * SECOND)
        for d, seat in zip(demands, seats, strict=True):
            assert self.total(seat) <= d.max, "above the limit at the moment of the offer"
            if gap_s:
                self.offered[d.counter] = self.now.utc_ms

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

    @rule(lease=LEASES, keep_s=st.sampled_from((0, 0, 1, 40, 7_200)), twice=st.booleans())
    def release(self, lease: str, keep_s: int, twice: bool) -> None:
        """With `keep_s`, what may convert later is kept so long."""
        for _ in range(1 + twice):
            self.store.release(lease, self.now, LATER if keep_s else frozenset(), keep_s * 1000)
        model = self.leases.get(lease)
        if model is None:
            return
        model.held = {seat: held for seat, held in model.held.items() if keep_s and held[0] in LATER}
        if not model.held:
            del self.leases[lease]
        elif not model.kept_until_ms:
            model.kept_until_ms = self.now.utc_ms + keep_s * 1000
            model.expires_ns = self.now.mono_ns + keep_s * SECOND

    @rule(lease=LEASES)
    def renew(self, lease: str) -> None:
        live = lease in self.leases and not self.leases[lease].kept_until_ms
        assert self.store.renew(lease, self.now) == live
        if live:
            model = self.leases[lease]
            model.expires_ns = max(model.expires_ns, self.now.mono_ns + LEASE_TTL_S * SECOND)

    @rule(seconds=st.sampled_from((1, 12, 29, 30, 9 * 3600)), wrong_s=st.sampled_from((0, 0, 0, 3_600, -3_600)))
    def time_passes(self, seconds: int, wrong_s: int) -> None:
        """The wall clock may be set wrong, and right again."""
        mono_ns = self.now.mono_ns + seconds * SECOND
        self.now = Instant(mono_ns, 10 * DAY_MS + mono_ns // MS + wrong_s * 1000)
        self.latest_ms = max(self.latest_ms, self.now.utc_ms)
        due = {lease for lease, model in self.leases.items() if model.expires_ns <= self.now.mono_ns}
        lost = {lease for lease in due if not self.leases[lease].kept_until_ms}
        assert {lease.id for lease in self.store.sweep(self.now)} == lost, "what was kept is not lost"
        for lease in due:
            del self.leases[lease]

    @rule(level=st.sampled_from(LEVELS), maximum=st.integers(0, 5))
    def limit_changes(self, level: str, maximum: int) -> None:
        before = self.store.leases()
        self.max[level] = maximum
        assert self.store.leases() == before

    @rule(level=st.sampled_from(LEVELS), measure=st.sampled_from(MEASURES[1:]), to=st.none() | st.integers(0, 400),
          by=st.integers(-300, 300))  # fmt: skip
    def set_by_hand(self, level: str, measure: str, to: int | None, by: int) -> None:
        demand = self.demand(level, measure)
        seat = (demand.counter, demand.window_start_ms)
        before = self.used.get(seat, 0)
        self.used[seat] = max(0, before + by) if to is None else to
        done = self.store.recount(*seat, demand.window_end_ms, to=to, by=by)
        assert (done.before, done.after) == (before, self.used[seat])

    @rule()
    def restart(self) -> None:
        """A crash after everything was written, and a start at once: the store goes on from what was written."""
        self.write_down()
        fresh = MemoryCapacity()
        stored = Stored(tuple(self.counters.values()), tuple(self.holds.values()), tuple(self.gaps.values()))
        fresh.restore(stored, self.now)
        self.store = fresh
        for model in self.leases.values():
            if model.kept_until_ms:
                model.expires_ns = self.now.mono_ns + max(0, model.kept_until_ms - self.now.utc_ms) * MS
            else:
                model.expires_ns = self.now.mono_ns + RECOVERED_TTL_S * SECOND

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
                case OfferedSet(counter=counter):
                    self.gaps[counter] = change

    @invariant()
    def counts_agree_and_nothing_leaks(self) -> None:
        for seat in self.seats():
            assert self.store.used(*seat) == self.total(seat) >= 0
        kept = sum(model.kept_until_ms > 0 for model in self.leases.values())
        assert (self.store.leases(), self.store.kept()) == (len(self.leases) - kept, kept)

    def seats(self) -> set[Seat]:
        recent = self.latest_ms - DAY_MS  # older windows may have been forgotten
        known = set(self.used) | {seat for model in self.leases.values() for seat in model.held}
        return {seat for seat in known if seat[1] == 0 or seat[1] + DAY_MS > recent}

    def end_if_done(self, lease: str) -> None:
        if self.leases[lease].kept_until_ms and not self.leases[lease].held:
            del self.leases[lease]


TestMemoryCapacity = Machine.TestCase
TestMemoryCapacity.settings = settings(max_examples=80, stateful_step_count=60)
