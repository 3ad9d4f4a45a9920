"""Where the tables of a data folder are, for whoever only looks."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trunkline.journal.lock import WORKER_LOCK_FILE, FolderLock
from trunkline.journal.reader import JournalReader
from trunkline.worker.projections.plan import Plan
from trunkline.worker.projections.store import place_of


class Status(msgspec.Struct, frozen=True):
    """How far the tables are. `seq` is null where there are none that this version could go on with.

    `behind` is how many events the journal has beyond them, `worker` the process that keeps them, if one does.
    """

    version: int
    seq: int | None
    behind: int
    worker: int | None


def status_of(data: Path, plan: Plan) -> Status:
    """Look. Raises JournalMissing or JournalForeign."""
    worker = FolderLock.holder(data, WORKER_LOCK_FILE)
    with JournalReader(data) as reader:
        place, end = place_of(data, plan), reader.end().seq
        if place is None or place.stream != reader.stream or place.mark != reader.mark(place.seq):
            return Status(plan.version, None, end, worker)
    return Status(plan.version, place.seq, max(0, end - place.seq), worker)
