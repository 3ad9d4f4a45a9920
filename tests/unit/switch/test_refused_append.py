"""What the journal could not keep is not lost: seats are written next, a call's beginning with its end."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.table import State
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import CounterId, Demand, HoldDrop, HoldPut
from trunkline.switch.livecall import LiveCall
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.unit

NOW = Instant(1, 1)
LIVE = CounterId("acme", "buyer", "ace", "live", "", "both")


class Journal:
    """Keeps what it is given, when `works`."""

    def __init__(self) -> None:
        self.works = False
        self.entries: list[Any] = []
        self.changes: list[Any] = []

    def append(self, entries: list[Any], changes: list[Any], *, finishing: bool, patient: bool) -> asyncio.Future[int]:
        """Kept at once, or not at all."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.works:
            self.entries += entries
            self.changes += changes
            future.set_result(1)
        else:
            future.set_exception(JournalUnavailable("no room"))
        return future


def plant_with(journal: Journal) -> Any:
    """A plant of which only the stores are there."""
    plant: Any = Plant.__new__(Plant)
    plant.journal = journal
    plant.capacity = MemoryCapacity()
    plant.metrics = SimpleNamespace(journal=SimpleNamespace(observe=lambda seconds: None))
    return plant


def test_seats_that_could_not_be_written_are_written_next() -> None:
    async def run() -> None:
        journal = Journal()
        plant = plant_with(journal)
        plant.capacity.reserve("lease", "acme", "call", "att", (Demand(LIVE, 1, 1),), None, NOW)
        assert plant.write([]) is not None
        await asyncio.sleep(0)
        journal.works = True
        assert plant.write([]) is not None
        assert [type(change) for change in journal.changes] == [HoldPut]
        assert plant.write([]) is None, "there is nothing more"

    asyncio.run(run())


def test_an_offer_that_could_not_be_written_is_written_with_its_end() -> None:
    async def run() -> None:
        journal = Journal()
        call: Any = LiveCall.__new__(LiveCall)
        call.plant = plant_with(journal)
        call.machine = SimpleNamespace(state=State.RESERVING)
        call._entries, call._changes, call._first_append = ["offer.reserved"], ["leg.put"], None
        told: deque[i.Input] = deque()
        call.tell = told.append
        call.plant.capacity.reserve("lease", "acme", "call", "att", (Demand(LIVE, 1, 1),), None, NOW)
        call._await(c.Await(1), NOW)
        await asyncio.sleep(0)
        assert list(told) == [i.NotDurable(1)]
        journal.works = True
        call.plant.capacity.release("lease", NOW)
        call._entries.append("attempt.ended")
        call._changes.append("leg.drop")
        assert call._append() is not None
        assert journal.entries == ["offer.reserved", "attempt.ended"]
        assert journal.changes == [HoldDrop("lease"), "leg.put", "leg.drop"]

    asyncio.run(run())
