"""Seats of legs that a crash left behind: held until the peer has answered, a minute at most."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from trunkline.capacity.memory import RECOVERED_TTL_S, MemoryCapacity
from trunkline.events.changes import LegDrop, StoredLeg
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import CounterId, Demand, HoldDrop, Lease
from trunkline.sip.endpoint import LegIdentifiers
from trunkline.switch.orphans import Orphans
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.unit

LIVE = CounterId("acme", "buyer", "ace", "live", "", "both")
LEASE = Lease("lease", "acme", "call", "att", (Demand(LIVE, 1, 1),), 0)
IDENTIFIERS = LegIdentifiers(
    outgoing=True,
    call_id="id",
    local_tag="us",
    remote_tag="them",
    branch="z9hG4bK1",
    cseq=1,
    request_uri="sip:desk@127.0.0.1",
    destination=("127.0.0.1", 5060),
    from_header="<sip:us@127.0.0.1>;tag=us",
    to_header="<sip:desk@127.0.0.1>;tag=them",
    remote_target="sip:desk@127.0.0.1",
)
LEG = StoredLeg("att", "acme", "call", "att", True, msgspec.json.encode(IDENTIFIERS))
NUMBER = 7


class Recovery:
    """Orphans with a real store of seats, and everything around them played."""

    def __init__(self) -> None:
        self.now = Instant(1_000 * SECOND, 1_795_359_600_000)
        self.kept: list[object] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.capacity = MemoryCapacity()
        endpoint = SimpleNamespace(orphan_bye=lambda identifiers, now: NUMBER)
        plant: Any = Plant.__new__(Plant)
        plant.clock = lambda: self.now
        plant.capacity = self.capacity
        plant.sip = SimpleNamespace(endpoint=endpoint, now=lambda: 0.0, flush=lambda: None)
        plant.loop = SimpleNamespace(call_later=lambda wait_s, work: self.timers.append((wait_s, work)))
        plant.journal = SimpleNamespace(append=self._append)
        self.orphans = Orphans(plant)
        self.capacity.restore(SimpleNamespace(counters=(), leases=(LEASE,), turns=()), self.now)
        self.orphans.hang_up([LEG], [LEASE])

    def _append(self, _entries: object, changes: list[object], *, finishing: bool) -> Any:
        assert finishing
        self.kept += changes
        return SimpleNamespace(add_done_callback=lambda observe: None)

    def pass_a_minute(self) -> None:
        """Run the timer that was set, at its time."""
        ((wait_s, work),) = self.timers
        self.now = self.now.later(round(wait_s * SECOND))
        work()


def test_an_answer_frees_the_seat_at_once() -> None:
    recovery = Recovery()
    assert recovery.capacity.used(LIVE, 0) == 1
    recovery.orphans.ended(NUMBER, 481)
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.kept == [HoldDrop("lease"), LegDrop("att")]


def test_a_peer_that_does_not_answer_keeps_its_seat_for_a_minute_and_that_is_no_bug() -> None:
    recovery = Recovery()
    recovery.orphans.ended(NUMBER, None)
    assert recovery.capacity.used(LIVE, 0) == 1
    assert recovery.kept == [], "another crash must find leg and lease again"
    recovery.pass_a_minute()
    assert recovery.timers[0][0] <= RECOVERED_TTL_S
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.capacity.sweep(recovery.now) == []
    assert recovery.kept == [HoldDrop("lease"), LegDrop("att")]
