"""The store in memory with the journal's tables behind it: the contract, with a restart wherever one may come."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contracts.capacity import CapacityContract

from trunkline.capacity.memory import MemoryCapacity
from trunkline.journal.recovery import read_state
from trunkline.journal.schema import JOURNAL_FILE, migrate
from trunkline.journal.sqlite import connect_writing
from trunkline.journal.tables import write_changes
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import Capacity

pytestmark = pytest.mark.integration


class TestMemoryThroughTheJournal(CapacityContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.files = 0

    def make(self) -> Capacity:
        self.files += 1
        self.path = self.folder / f"{self.files}-{JOURNAL_FILE}"
        self.path.touch()
        connection = connect_writing(self.path)
        migrate(connection, self.path)
        connection.close()
        return MemoryCapacity()

    def again(self, store: Capacity, now: Instant) -> Capacity:
        connection = connect_writing(self.path)
        connection.execute("BEGIN IMMEDIATE")
        write_changes(connection, store.take_changes())
        connection.execute("COMMIT")
        connection.close()
        connection = connect_writing(self.path)
        fresh = MemoryCapacity()
        fresh.restore(read_state(connection, "sw1", b""), now)
        connection.close()
        return fresh
