"""From the journal into the file: one batch after another, live or from the beginning."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from trunkline.journal.reader import JournalReader
from trunkline.worker.projections.plan import Plan
from trunkline.worker.projections.rows import Views
from trunkline.worker.projections.store import Place, Store, place_of

log = logging.getLogger("trunkline.worker")

BATCH_MAX: Final = 2_000
"""Events of one transaction while it follows the journal: some 50 ms of work."""
REBUILD_BATCH: Final = 20_000
"""Events of one transaction while it reads the journal from the beginning."""

Progress = Callable[[int, int], None]
"""Told how many of how many events of the journal are read."""


class RebuildStopped(Exception):
    """Nobody wants the tables any more that were being made; those before are as they were."""


def quiet(done: int, total: int) -> None:
    """For whoever wants no progress."""


def always() -> bool:
    """For whoever never stops."""
    return True


class Projector:
    """Keeps the tables of one plan. Not for several threads at once.

    Raises, from `open`, what a JournalReader raises; from there on also ViewsUnusable and EventNotUnderstood.
    """

    def __init__(self, plan: Plan, store: Store, reader: JournalReader, place: Place) -> None:
        self._plan = plan
        self._types = plan.types
        self._store = store
        self._reader = reader
        self._place = place
        self._views = Views(plan.tables, store.find)

    @classmethod
    def open(
        cls,
        data: Path,
        plan: Plan,
        *,
        anew: bool = False,
        progress: Progress = quiet,
        go_on: Callable[[], bool] = always,
    ) -> Projector:
        """Go on with the tables that are there, or make them anew where they are none of this journal and plan.

        That takes its time: raises RebuildStopped when `go_on` says no.
        """
        reader = JournalReader(data)
        try:
            place = None if anew else _fitting(data, plan, reader)
            if place is not None:
                return cls(plan, Store.open(data, plan), reader, place)
            return cls._rebuilt(data, plan, reader, progress, go_on)
        except BaseException:
            reader.close()
            raise

    @classmethod
    def empty(cls, data: Path, plan: Plan) -> Projector:
        """New tables in which nothing stands yet, to be followed from the beginning of the journal."""
        reader = JournalReader(data)
        try:
            return cls._rebuilt(data, plan, reader, quiet, always, until_seq=0)
        except BaseException:
            reader.close()
            raise

    @classmethod
    def _rebuilt(
        cls,
        data: Path,
        plan: Plan,
        reader: JournalReader,
        progress: Progress,
        go_on: Callable[[], bool],
        until_seq: int | None = None,
    ) -> Projector:
        store = Store.begin(data, plan)
        try:
            making = cls(plan, store, reader, Place(reader.stream, 0, b""))
            end = reader.end().seq if until_seq is None else until_seq
            while making.seq < end:
                if not go_on():
                    raise RebuildStopped
                making.step(REBUILD_BATCH)
                progress(min(making.seq, end), end)
            making._store.write(making._views, making._place)  # an empty journal has a place as well
            place = making._place
            store = store.publish(data)
        except BaseException:
            store.close()
            raise
        return cls(plan, store, reader, place)

    @property
    def seq(self) -> int:
        """Up to which event the tables are made."""
        return self._place.seq

    def behind(self) -> int:
        """How many events of the journal the tables do not have yet."""
        return self._reader.end().seq - self.seq

    def step(self, limit: int = BATCH_MAX) -> int:
        """Take the next events, `limit` at most, in one transaction; how far the position has moved, 0 at the end."""
        reader, before = self._reader, self.seq
        end = reader.end().seq  # asked first: what is not among the next events up to here, is of no interest
        told = reader.public(self._types, before, limit)
        seq = told[-1][0] if told else before
        if len(told) < limit:
            seq = max(seq, end)
        if seq == before:
            return 0
        place = Place(reader.stream, seq, reader.mark(seq))
        try:
            self._plan.fold(self._views, told)
            self._store.write(self._views, place)
        except BaseException:  # the rows in memory have what the file has not, and would get it again
            self._views = Views(self._plan.tables, self._store.find)
            raise
        self._place = place
        return seq - before

    def close(self) -> None:
        """Let the files go."""
        self._store.close()
        self._reader.close()


def _fitting(data: Path, plan: Plan, reader: JournalReader) -> Place | None:
    """How far the tables were made of this very journal, None when they were not."""
    place = place_of(data, plan)
    if place is None:
        log.info("%s: there are no tables of version %d yet", plan.file, plan.version)
        return None
    if place.stream != reader.stream or place.mark != reader.mark(place.seq):
        log.warning("%s was made from another journal, or from one that is older now; it is made anew", plan.file)
        return None
    return place
