"""The outbox as others read it: what waits to be sent and what is dead, from any process, also while a switch writes.

It is a state table of the journal, written in the same transactions as the events that tell of it. So nothing that
counts as accepted can be missing from it, and whoever sends needs no memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from trunkline.events.changes import StoredDelivery
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import Connection, Error, connect_reading, unreadable

_COLUMNS: Final = "attempt, account, call, target, kind, state, queued_ms, due_ms, tries, reason, detail"
_SELECT: Final = f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608
_NEXT_TARGET: Final = (
    "SELECT account, target FROM outbox WHERE state = 'waiting' AND (account, target) > (?, ?) "
    "ORDER BY account, target LIMIT 1"
)
_DUE: Final = (
    f"{_SELECT} WHERE state = 'waiting' AND account = ? AND target = ? AND due_ms <= ? ORDER BY due_ms, attempt LIMIT ?"
)
_DEAD: Final = f"{_SELECT} WHERE state = 'dead' AND (? IS NULL OR account = ?) AND (? IS NULL OR target = ?) "
_DEAD_PAGE: Final = _DEAD + "AND attempt > ? ORDER BY attempt LIMIT ?"
AT_ONCE: Final = 200
"""Attempts that are asked for in one statement."""


class OutboxReader:
    """The outbox of the journal in `folder`. Not for several threads at once; close it at the end.

    Raises JournalMissing and JournalForeign when there is none that can be read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL_FILE
        self._connection: Connection = connect_reading(self._path)

    def targets(self) -> list[tuple[str, str]]:
        """Accounts and targets for which something waits; costs a look for each of them, however much it is."""
        found: list[tuple[str, str]] = []
        while rows := self._ask(_NEXT_TARGET, *(found[-1] if found else ("", ""))):
            found.append((rows[0][0], rows[0][1]))
        return found

    def due(self, account: str, target: str, now_ms: int, limit: int) -> list[StoredDelivery]:
        """What may be tried now for one target, the longest due first."""
        return self._rows(_DUE, account, target, now_ms, limit)

    def dead(
        self, account: str | None = None, target: str | None = None, after: str = "", limit: int = 1_000
    ) -> list[StoredDelivery]:
        """Dead letters, of one account or target if named, in the order of their attempts."""
        return self._rows(_DEAD_PAGE, account, account, target, target, after, limit)

    def of(self, attempts: Sequence[str]) -> dict[str, StoredDelivery]:
        """Those of these attempts that are in the outbox."""
        found: dict[str, StoredDelivery] = {}
        for start in range(0, len(attempts), AT_ONCE):
            some = attempts[start : start + AT_ONCE]
            marks = ", ".join("?" for _ in some)
            found |= {row.attempt: row for row in self._rows(f"{_SELECT} WHERE attempt IN ({marks})", *some)}
        return found

    def counts(self) -> dict[str, int]:
        """How many wait and how many are dead."""
        rows = self._ask("SELECT state, count(*) FROM outbox GROUP BY state")
        return {"waiting": 0, "dead": 0} | {str(state): int(count) for state, count in rows}

    def oldest_due_ms(self) -> int | None:
        """Since when, or until when, the first of what waits is due; None when nothing waits."""
        due: int | None = self._ask("SELECT min(due_ms) FROM outbox WHERE state = 'waiting'")[0][0]
        return due

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _rows(self, sql: str, *parameters: object) -> list[StoredDelivery]:
        return [StoredDelivery(**dict(zip(_NAMES, row, strict=True))) for row in self._ask(sql, *parameters)]

    def _ask(self, sql: str, *parameters: object) -> list[Any]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except Error as error:
            raise unreadable(self._path, error) from error


_NAMES: Final = tuple(_COLUMNS.split(", "))


@contextmanager
def outbox(folder: Path) -> Iterator[OutboxReader]:
    """The outbox for one look."""
    reader = OutboxReader(folder)
    try:
        yield reader
    finally:
        reader.close()
