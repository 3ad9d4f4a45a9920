"""Rows of the views in memory: those that were touched last, and which of them the file does not have yet.

What happens to a call happens within minutes, so nearly every event finds its row here; the others are asked for one by
one. Handlers change rows in place, and the last state of each row is written once for a batch of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic

import msgspec

from trunkline.worker.projections.table import R, Table

ROWS_KEPT_MAX: Final = 20_000
"""Rows of one table that stay in memory between batches: some 30 MB of calls with their attempts."""

Find = Callable[[Table[Any], str], "tuple[Any, ...] | None"]
"""The values of a row that was written before, by its key."""


def nothing_written(table: Table[Any], key: str) -> tuple[Any, ...] | None:
    """For views that have no file."""
    return None


class Rows(Generic[R]):
    """The rows of one table."""

    __slots__ = ("_changed", "_find", "_held", "_new", "_table")

    def __init__(self, table: Table[R], find: Find) -> None:
        self._table = table
        self._find = find
        self._held: dict[str, R] = {}
        self._new: dict[str, R] = {}
        self._changed: dict[str, R] = {}

    def add(self, key: str, row: R) -> None:
        """A row that is new, or stands in place of what was there under its key."""
        self._changed.pop(key, None)
        self._held[key] = self._new[key] = row

    def get(self, key: str) -> R | None:
        """The row, to be read only; None when there is none."""
        row = self._held.get(key)
        if row is None and key.startswith(self._table.prefix):
            values = self._find(self._table, key)
            if values is not None:
                row = self._held[key] = self._table.make(values)
        return row

    def edit(self, key: str) -> R | None:
        """The row, to be changed in place; None when there is none."""
        row = self._held.get(key)
        if row is None:
            row = self.get(key)
            if row is None:
                return None
        if key not in self._new:
            self._changed[key] = row
        return row

    def written(self) -> None:
        """The file has all of it now."""
        self._new.clear()
        self._changed.clear()
        held = self._held
        surplus = len(held) - ROWS_KEPT_MAX
        if surplus > 0:
            for key in [key for _, key in zip(range(surplus), held, strict=False)]:
                del held[key]

    @property
    def new(self) -> Iterable[tuple[Any, ...]]:
        """The values of rows that the file does not have, in the order in which they came."""
        return map(msgspec.structs.astuple, self._new.values())

    @property
    def changed(self) -> Iterable[tuple[Any, ...]]:
        """The values of rows that differ from those in the file."""
        return map(msgspec.structs.astuple, self._changed.values())


class Views:
    """The rows of all tables."""

    __slots__ = ("_rows",)

    def __init__(self, tables: Iterable[Table[Any]], find: Find = nothing_written) -> None:
        self._rows: dict[Table[Any], Rows[Any]] = {table: Rows(table, find) for table in tables}

    def of(self, table: Table[R]) -> Rows[R]:
        """The rows of one table."""
        return self._rows[table]

    def each(self) -> Iterable[tuple[Table[Any], Rows[Any]]]:
        """All tables with their rows."""
        return self._rows.items()

    def written(self) -> None:
        """The file has all of it now."""
        for rows in self._rows.values():
            rows.written()


Handler = Callable[[Views, Any, str | None], None]
"""What an event does to rows; given the event, and the keyed hash of its contact."""
