"""Leases in memory: the store of one switch, a few microseconds a reservation.

Each counter window is one cell with two numbers, used and held. A reservation adds to held in all its cells or in
none; its limit's own event moves seats from held to used; the end of the lease takes the rest out of held. A lease
keeps its cells, so only `reserve` pays for finding them.

What survives a crash is in the journal: used seats as numbers, held seats as leases. Held numbers are never stored;
`restore` adds them up from the leases again, so the two can not disagree.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Protocol

from trunkline.kernel.clock import MS, SECOND, Instant
from trunkline.kernel.leases import (
    LEASE_TTL_S,
    CapacityChange,
    CounterId,
    CounterSet,
    Demand,
    HoldDrop,
    HoldPut,
    Lease,
    OfferedSet,
    Recounted,
    Refused,
    Seats,
    TurnId,
    TurnSet,
    gap_left_ms,
)
from trunkline.kernel.windows import FOREVER_MS

RECOVERED_TTL_S = 60
"""How long a lease found after a crash is held for its orphan leg to be answered."""
WINDOW_KEPT_MS = 24 * 3_600_000
"""How long after its end a window's numbers are kept: a clock that is set back must find them."""

_NEVER_USED = frozenset({"live", "in_flight"})


class StoredCapacity(Protocol):
    """What a journal gives back after a restart."""

    @property
    def counters(self) -> Sequence[CounterSet]:
        """Used seats by counter and window."""
        ...

    @property
    def leases(self) -> Sequence[Lease]:
        """Leases that had not ended."""
        ...

    @property
    def offered(self) -> Sequence[OfferedSet]:
        """When offers were last made that held seats of counters that ask for a gap."""
        ...

    @property
    def turns(self) -> Sequence[TurnSet]:
        """Round-robin places."""
        ...


class _Cell:
    """One counter in one window."""

    __slots__ = ("counter", "end_ms", "held", "start_ms", "used")

    def __init__(self, counter: CounterId, start_ms: int, end_ms: int, used: int = 0) -> None:
        self.counter = counter
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.used = used
        self.held = 0


class _Held:
    """A lease with its cells, in the order of its demands."""

    __slots__ = ("cells", "expires_ns", "lease")

    def __init__(self, lease: Lease, cells: list[_Cell], expires_ns: int) -> None:
        self.lease = lease
        self.cells = cells
        self.expires_ns = expires_ns


class MemoryCapacity:
    """`kernel.leases.Capacity` in dictionaries. Not for several threads: the switch's loop is its only caller.

    A lease lives from `reserve` to `release`, also when all its seats have been used in between. After a release
    that keeps some seats it is kept until those are settled or released too, or their time is over.
    """

    __slots__ = (
        "_cells",
        "_changed_cells",
        "_changed_leases",
        "_changed_offered",
        "_changed_turns",
        "_expiries",
        "_gaps",
        "_kept",
        "_last_turn",
        "_leases",
        "_offered",
        "_turns",
        "_window_ends",
    )

    def __init__(self) -> None:
        self._cells: dict[tuple[CounterId, int], _Cell] = {}
        self._leases: dict[str, _Held] = {}
        self._kept = 0
        self._offered: dict[CounterId, int] = {}
        self._gaps: list[CounterId] = []  # counters of the reservation at hand that ask for one
        self._turns: dict[TurnId, int] = {}
        self._last_turn: dict[tuple[str, str, str], int] = {}
        # Heaps may name what is gone or was put off; whoever pops looks before acting.
        self._expiries: list[tuple[int, str]] = []
        self._window_ends: list[tuple[int, int, CounterId]] = []
        self._changed_cells: dict[tuple[CounterId, int], _Cell] = {}
        self._changed_leases: dict[str, Lease | None] = {}
        self._changed_turns: set[TurnId] = set()
        self._changed_offered: set[CounterId] = set()

    def restore(self, state: StoredCapacity, now: Instant) -> None:
        """Take over what the journal knew. For a fresh store, before anything is reserved.

        Leases are held for `RECOVERED_TTL_S` from `now`; whoever ends the orphan legs releases them sooner. What is
        kept for a later conversion is kept as long as was said.
        """
        assert not self._cells, "restore is for a fresh store"
        for counter in state.counters:
            if not counter.window_end_ms or counter.window_end_ms + WINDOW_KEPT_MS > now.utc_ms:
                self._open_cell(counter.counter, counter.window_start_ms, counter.window_end_ms).used = counter.used
        for lease in state.leases:
            cells = []
            for demand in lease.demands:
                cell = self._cell(demand)
                cell.held += demand.amount
                cells.append(cell)
            if lease.kept_until_ms:
                self._kept += 1
                expires_ns = now.mono_ns + max(0, lease.kept_until_ms - now.utc_ms) * MS
            else:
                expires_ns = now.mono_ns + RECOVERED_TTL_S * SECOND
            self._leases[lease.id] = _Held(lease, cells, expires_ns)
            heapq.heappush(self._expiries, (expires_ns, lease.id))
        for offered in state.offered:
            self._offered[offered.counter] = offered.at_ms
        for turn in state.turns:
            self._turns[turn.turn] = turn.sequence
            tier = (turn.turn.account, turn.turn.plan, turn.turn.tier)
            self._last_turn[tier] = max(self._last_turn.get(tier, 0), turn.sequence)

    def used(self, counter: CounterId, window_start_ms: int) -> int:
        """Seats used and held in that window; the window of a limit without one starts at 0."""
        cell = self._cells.get((counter, window_start_ms))
        return 0 if cell is None else cell.used + cell.held

    def seats(self, counter: CounterId, window_start_ms: int) -> Seats:
        """What is taken of a counter, used and held apart."""
        cell = self._cells.get((counter, window_start_ms))
        return Seats(0, 0) if cell is None else Seats(cell.used, cell.held)

    def recount(
        self, counter: CounterId, window_start_ms: int, window_end_ms: int, *, to: int | None = None, by: int = 0
    ) -> Recounted:
        """Set the used seats of a window to `to`, or change them by `by`, by hand; never below 0. Held ones stay."""
        assert counter.measure not in _NEVER_USED, f"{counter.measure} seats are given back, never used"
        cell = self._cells.get((counter, window_start_ms)) or self._open_cell(counter, window_start_ms, window_end_ms)
        before = cell.used
        cell.used = max(0, before + by if to is None else to)
        self._changed_cells[counter, window_start_ms] = cell
        return Recounted(before, cell.used)

    def offered(self, counter: CounterId) -> int | None:
        """When (UTC milliseconds) an offer last held a seat of a counter that asks for a gap; None when none did."""
        return self._offered.get(counter)

    def turn(self, turn: TurnId) -> int:
        """The sequence number of the route's last offer in its tier, 0 when it never was offered."""
        return self._turns.get(turn, 0)

    def reserve(
        self,
        lease_id: str,
        account: str,
        call: str,
        attempt: str,
        demands: Sequence[Demand],
        turn: TurnId | None,
        now: Instant,
    ) -> Lease | Refused:
        """Hold every demand, or none and say which refused first (in the order given).

        `turn` is the round-robin place to move to the end in the same step. Repeating the id of a lease that has not
        ended gives the same lease and holds nothing twice.
        """
        known = self._leases.get(lease_id)
        if known is not None:
            return known.lease
        cells: list[_Cell] = []
        find = self._cells.get
        for demand in demands:
            cell = find((demand.counter, demand.window_start_ms)) or self._cell(demand)
            if cell.used + cell.held + demand.amount > demand.max or (demand.gap_ms and self._too_soon(demand, now)):
                for taken, held in zip(demands, cells, strict=False):
                    held.held -= taken.amount
                self._gaps.clear()
                return Refused(demand, cell.used + cell.held)
            cell.held += demand.amount
            cells.append(cell)
        if self._gaps:
            self._note_offered(now)
        if turn is not None:
            self._move_to_end(turn)
        lease = Lease(lease_id, account, call, attempt, tuple(demands), now.utc_ms)
        expires_ns = now.mono_ns + LEASE_TTL_S * SECOND
        self._leases[lease_id] = _Held(lease, cells, expires_ns)
        heapq.heappush(self._expiries, (expires_ns, lease_id))
        self._changed_leases[lease_id] = lease
        return lease

    def settle(self, lease_id: str, measure: str, now: Instant, amount: int | None = None) -> None:
        """Turn the lease's held seats of `measure` into used ones.

        `amount` (minor units, for spend and funds) is what was really used, at most what is held; the rest is given
        back. Without it all of it is used. Settling again, or after the end of the lease, changes nothing.
        """
        assert measure not in _NEVER_USED, f"{measure} seats are given back, never used"
        held = self._leases.get(lease_id)
        if held is None:
            return
        concerned = False
        for demand in held.lease.demands:
            if demand.counter.measure == measure:
                concerned = True
                assert amount is None or 0 <= amount <= demand.amount, (
                    f"{amount} {measure} can not be used where {demand.amount} are held"
                )
        if not concerned:
            return
        kept: list[tuple[Demand, _Cell]] = []
        for demand, cell in zip(held.lease.demands, held.cells, strict=True):
            if demand.counter.measure != measure:
                kept.append((demand, cell))
                continue
            cell.held -= demand.amount
            cell.used += demand.amount if amount is None else amount
            self._changed_cells[demand.counter, cell.start_ms] = cell
        if not kept and held.lease.kept_until_ms:
            self._drop(held)
        elif len(kept) != len(held.cells):
            self._keep(held, kept)

    def renew(self, lease_id: str, now: Instant) -> bool:
        """Put off the lease's expiry; False when there is no such lease any more, or its attempt is over."""
        held = self._leases.get(lease_id)
        if held is None or held.lease.kept_until_ms:
            return False
        held.expires_ns = max(held.expires_ns, now.mono_ns + LEASE_TTL_S * SECOND)
        return True

    def release(self, lease_id: str, now: Instant, keep: frozenset[str] = frozenset(), keep_ms: int = 0) -> None:
        """The attempt is over: give back what the lease still holds, the measures in `keep` only after `keep_ms`.

        What was kept already is not kept for longer.
        """
        held = self._leases.get(lease_id)
        if held is None:
            return
        kept: list[tuple[Demand, _Cell]] = []
        for demand, cell in zip(held.lease.demands, held.cells, strict=True):
            if demand.counter.measure in keep:
                kept.append((demand, cell))
            else:
                cell.held -= demand.amount
        if not kept:
            self._drop(held)
        elif held.lease.kept_until_ms:
            self._keep(held, kept)
        else:
            self._kept += 1
            self._keep(held, kept, now.utc_ms + keep_ms)
            expires_ns = now.mono_ns + keep_ms * MS
            if expires_ns < held.expires_ns:
                heapq.heappush(self._expiries, (expires_ns, lease_id))
            held.expires_ns = expires_ns

    def sweep(self, now: Instant) -> list[Lease]:
        """Release every lease whose time has run out; name those of attempts that go on. Forget windows long past."""
        expired: list[Lease] = []
        heap = self._expiries
        while heap and heap[0][0] <= now.mono_ns:
            _, lease_id = heapq.heappop(heap)
            held = self._leases.get(lease_id)
            if held is None:
                continue
            if held.expires_ns > now.mono_ns:
                heapq.heappush(heap, (held.expires_ns, lease_id))
                continue
            if not held.lease.kept_until_ms:
                expired.append(held.lease)
            self.release(lease_id, now)
        self._forget_windows(now.utc_ms)
        return expired

    def leases(self) -> int:
        """How many attempts go on, those that hold no seat (any more) included."""
        return len(self._leases) - self._kept

    def kept(self) -> int:
        """How many attempts are over and keep seats for a conversion that may still come."""
        return self._kept

    def take_changes(self) -> list[CapacityChange]:
        """What has changed since this was last asked, for the journal: the last state of each thing, once."""
        if not (self._changed_cells or self._changed_leases or self._changed_turns or self._changed_offered):
            return []
        changes: list[CapacityChange] = [
            CounterSet(cell.counter, cell.start_ms, cell.end_ms, cell.used) for cell in self._changed_cells.values()
        ]
        for lease_id, lease in self._changed_leases.items():
            changes.append(HoldDrop(lease_id) if lease is None else HoldPut(lease))
        changes.extend(TurnSet(turn, self._turns[turn]) for turn in self._changed_turns)
        changes.extend(OfferedSet(counter, self._offered[counter]) for counter in self._changed_offered)
        self._changed_cells.clear()
        self._changed_leases.clear()
        self._changed_turns.clear()
        self._changed_offered.clear()
        return changes

    def put_back(self, changes: Sequence[CapacityChange]) -> None:
        """These could not be written: `take_changes` names what they are about again, as it stands then."""
        for change in changes:
            match change:
                case CounterSet(counter=counter, window_start_ms=start_ms):
                    if (cell := self._cells.get((counter, start_ms))) is not None:
                        self._changed_cells[counter, start_ms] = cell
                case HoldPut(lease=Lease(id=lease_id)) | HoldDrop(lease=lease_id):
                    held = self._leases.get(lease_id)
                    self._changed_leases[lease_id] = None if held is None else held.lease
                case TurnSet(turn=turn):
                    self._changed_turns.add(turn)
                case OfferedSet(counter=counter):
                    self._changed_offered.add(counter)

    def _cell(self, demand: Demand) -> _Cell:
        cell = self._cells.get((demand.counter, demand.window_start_ms))
        if cell is None:
            cell = self._open_cell(demand.counter, demand.window_start_ms, demand.window_end_ms)
        return cell

    def _open_cell(self, counter: CounterId, start_ms: int, end_ms: int) -> _Cell:
        cell = self._cells[counter, start_ms] = _Cell(counter, start_ms, end_ms)
        if 0 < end_ms < FOREVER_MS:
            heapq.heappush(self._window_ends, (end_ms + WINDOW_KEPT_MS, start_ms, counter))
        return cell

    def _keep(self, held: _Held, kept: list[tuple[Demand, _Cell]], until_ms: int | None = None) -> None:
        """The lease holds only `kept` from now on."""
        lease = held.lease
        held.cells = [cell for _, cell in kept]
        demands = tuple(demand for demand, _ in kept)
        until_ms = lease.kept_until_ms if until_ms is None else until_ms
        held.lease = Lease(lease.id, lease.account, lease.call, lease.attempt, demands, lease.reserved_ms, until_ms)
        self._changed_leases[lease.id] = held.lease

    def _drop(self, held: _Held) -> None:
        lease = held.lease
        if lease.kept_until_ms:
            self._kept -= 1
        del self._leases[lease.id]
        self._changed_leases[lease.id] = None

    def _too_soon(self, demand: Demand, now: Instant) -> bool:
        self._gaps.append(demand.counter)
        return gap_left_ms(demand.gap_ms, self._offered.get(demand.counter), now.utc_ms) > 0

    def _note_offered(self, now: Instant) -> None:
        for counter in self._gaps:
            self._offered[counter] = now.utc_ms
            self._changed_offered.add(counter)
        self._gaps.clear()

    def _move_to_end(self, turn: TurnId) -> None:
        tier = (turn.account, turn.plan, turn.tier)
        sequence = self._last_turn.get(tier, 0) + 1
        self._last_turn[tier] = sequence
        self._turns[turn] = sequence
        self._changed_turns.add(turn)

    def _forget_windows(self, utc_ms: int) -> None:
        ends = self._window_ends
        while ends and ends[0][0] <= utc_ms:
            _, start_ms, counter = heapq.heappop(ends)
            cell = self._cells[counter, start_ms]
            if cell.held:  # a seat kept for a late decision; look again when another period has passed
                heapq.heappush(ends, (utc_ms + WINDOW_KEPT_MS, start_ms, counter))
            else:
                del self._cells[counter, start_ms]
