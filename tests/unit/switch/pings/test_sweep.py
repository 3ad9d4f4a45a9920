"""Bids that are over: seats of calls that were promised and have not come are free again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.events.changes import PingDrop, StoredPing
from trunkline.events.pings import PingLapsed
from trunkline.kernel.clock import MS, Instant
from trunkline.kernel.leases import CounterId, Demand
from trunkline.switch.metrics import Metrics
from trunkline.switch.pings.desk import PingDesk

pytestmark = pytest.mark.unit

LIVE = CounterId("acme", "target", "desk", "live", "", "call")
CONFIRMED = StoredPing(
    ping="ping_1",
    account="acme",
    publisher="adwave",
    source=None,
    campaign="injury",
    kind="call",
    made_ms=0,
    expires_ms=30_000,
    bid=4000,
    floor=5000,
    currency="USD",
    route="main.t.desk",
    target="desk",
    seed=1,
    contact="contact",
    repeat="question",
    number="+18335550100",
    caller="contact",
    lease="lease_1",
    attempt="att_1",
)


class Swept:
    """A desk with a plant of which only seats and journal are there."""

    def __init__(self) -> None:
        self.capacity = MemoryCapacity()
        self.freed = 0
        self.entries: list[Any] = []
        self.changes: list[Any] = []
        for lease in ("lease_1", "lease_2"):
            self.capacity.reserve(lease, "acme", "ping_1", "att_1", (Demand(LIVE, 1, 9),), None, at(0))
        plant: Any = SimpleNamespace(
            contact_secret=bytes(32),
            capacity=self.capacity,
            metrics=Metrics(),
            queues=SimpleNamespace(freed=self._free),
            clock=lambda: at(0),
            write=self._write,
        )
        self.desk = PingDesk(plant)

    def _free(self) -> None:
        self.freed += 1

    def _write(self, entries: list[Any], changes: list[Any], *, patient: bool) -> None:
        assert patient, "nobody waits for it"
        self.entries += [each.event for each in entries]
        self.changes += changes


def at(ms: int) -> Instant:
    return Instant(ms * MS, ms)


def test_the_seat_of_a_call_that_has_not_come_is_free_again() -> None:
    swept = Swept()
    swept.desk.book.put(CONFIRMED)
    swept.desk.sweep(at(32_000))
    assert (swept.entries, swept.changes, swept.freed) == ([], [], 0)
    swept.desk.sweep(at(32_001))
    assert swept.entries == [PingLapsed(account="acme", call="ping_1", at_ms=32_001)]
    assert swept.changes == [PingDrop("ping_1")]
    assert (swept.capacity.leases(), swept.freed) == (1, 1)


def test_the_seat_of_one_that_has_come_is_its_own_matter() -> None:
    swept = Swept()
    swept.desk.book.put(msgspec.structs.replace(CONFIRMED, by="call_1"))
    swept.desk.sweep(at(32_001))
    assert swept.changes == [PingDrop("ping_1")]
    assert (swept.entries, swept.capacity.leases(), swept.freed) == ([], 2, 0)


def test_seats_that_a_crash_has_left_without_a_call_to_come_are_given_back() -> None:
    swept = Swept()
    leases = [
        swept.capacity.reserve(name, "acme", "ping_1", "att_1", (), None, at(0)) for name in ("lease_1", "lease_2")
    ]
    swept.desk.restore([CONFIRMED], leases)  # type: ignore[arg-type]
    assert swept.capacity.leases() == 1
    assert [each.lease for each in swept.desk.book.waiting()] == ["lease_1"]
