"""What is due, cut into loads: one lead, or all that is collected for one time of one target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from trunkline.config.deliveries import Deliver
from trunkline.engine.leads.queueing import goes_together
from trunkline.engine.leads.sheets import QueuedLead
from trunkline.events.changes import StoredDelivery
from trunkline.events.deliveries import DeliveryQueued
from trunkline.journal.reader import JournalReader

ROWS_MAX = 5_000
"""Leads in one table; more of them are several."""


class Load(msgspec.Struct, frozen=True):
    """Rows of the outbox, of one target, that go out as one."""

    rows: tuple[StoredDelivery, ...]

    @property
    def attempts(self) -> tuple[str, ...]:
        """The attempts, in their order."""
        return tuple(row.attempt for row in self.rows)


def loads_of(rows: Sequence[StoredDelivery], deliver: Deliver | None) -> list[Load]:
    """The rows of one target, the longest due first, as loads; `deliver` says whether several go together."""
    if deliver is None or not goes_together(deliver):
        return [Load((row,)) for row in rows]
    loads = []
    for _, same in groupby(rows, key=lambda row: row.due_ms):
        together = sorted(same, key=lambda row: row.attempt)
        loads += [Load(tuple(together[at : at + ROWS_MAX])) for at in range(0, len(together), ROWS_MAX)]
    return loads


def leads_of(data: Path, load: Load) -> list[QueuedLead]:
    """What the journal in `data` knows of the leads of a load; those of an erased contact are missing. Blocks."""
    found = []
    with JournalReader(data) as reader:
        for row in load.rows:
            for record in reader.records_of(row.call):
                event = record.event
                if isinstance(event, DeliveryQueued) and event.attempt == row.attempt and not record.erased:
                    found.append(QueuedLead(row.attempt, row.call, event.campaign, event.at_ms, event.values))
    return found
