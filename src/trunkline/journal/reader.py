"""Reading a journal, from any process, also while its switch writes.

Each reading is one short statement, so a reader never keeps the write-ahead log from starting over. What is read is
what was durable: WAL readers see whole transactions only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from trunkline.engine.scoring.rate_book import Rates
from trunkline.events.codec import decode
from trunkline.events.entry import Event, Position, Record
from trunkline.events.sealing import ContactKey, row_name
from trunkline.journal.chain import Row, first_hash, row_hash
from trunkline.journal.errors import JournalDamaged, JournalForeign, JournalMissing
from trunkline.journal.schema import JOURNAL_FILE, check_identity
from trunkline.journal.sqlite import Connection, Error, connect_reading, one, require_sound_sqlite, unreadable

POLL_S: Final = 0.2
TAIL_MAX: Final = 1_000
"""Records that one `tail` gives at most when it is not told."""

_RECORDS: Final = """
SELECT seq, at_ms, type, version, account, call, events.contact, body, sealed, key_id, key
FROM events LEFT JOIN contact_keys ON sealed IS NOT NULL AND contact_keys.contact = events.contact
"""
_AFTER: Final = f"{_RECORDS} WHERE seq > ? ORDER BY seq LIMIT ?"
_OF_CALL: Final = f"{_RECORDS} WHERE call = ? ORDER BY seq"
_ROWS: Final = """
SELECT seq, at_ms, type, version, account, call, contact, body, sealed, hash
FROM events WHERE seq > ? ORDER BY seq LIMIT ?
"""

_StoredRow = tuple[
    int, int, str, int, str | None, str | None, str | None, bytes, bytes | None, bytes | None, bytes | None
]

Told = tuple[int, str | None, Event]
"""Sequence number, contact and event, as `public` gives them."""


class Verified(msgspec.Struct, frozen=True):
    """A journal whose chain holds: how many events it has, and the last one's hash to be noted elsewhere."""

    events: int
    last_hash: str


class JournalReader:
    """A journal opened for reading. Also a context manager. Not for several threads at once.

    Raises, from the constructor, JournalMissing when there is none in `folder` or it can not be read, JournalForeign
    when the file is something else or of a newer version, SqliteTooOld.
    """

    def __init__(self, folder: Path) -> None:
        require_sound_sqlite()
        self._path = folder / JOURNAL_FILE
        if not self._path.exists():
            raise JournalMissing(
                f"there is no journal in {folder}", hint="--data names the folder that a switch was started with"
            )
        self._connection: Connection = connect_reading(self._path)
        try:
            if check_identity(self._connection, self._path) == 0:
                raise JournalMissing(f"the journal in {folder} is empty", hint="no switch has finished starting there")
            stream = one(self._connection, "SELECT value FROM meta WHERE name = 'stream'")
            if stream is None:
                raise JournalForeign(f"{self._path} does not say whose journal it is")
        except BaseException:
            self._connection.close()
            raise
        self.stream: str = stream

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def end(self) -> Position:
        """Where the journal ends now; sequence number 0 when nothing has happened."""
        return Position(self.stream, self._ask("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def before(self, at_ms: int) -> Position:
        """A position that everything from `at_ms` (UTC milliseconds) on comes after; 0 when all of it does.

        Looks at a few dozen rows. A clock that was set back may have put some older events behind it.
        """
        low, high = 0, self.end().seq  # everything up to `low` is older
        while low < high:
            middle = (low + high + 1) // 2
            (row,) = self._ask("SELECT at_ms FROM events WHERE seq >= ? ORDER BY seq LIMIT 1", middle)
            if row[0] < at_ms:
                low = middle
            else:
                high = middle - 1
        return Position(self.stream, low)

    def tail(self, after: Position | None = None, limit: int = TAIL_MAX) -> list[Record]:
        """The next `limit` events after a position (None: from the beginning), oldest first; empty at the end.

        Raises JournalForeign for a position of another stream, JournalDamaged or EventNotUnderstood for a bad row.
        """
        if after is not None and after.stream != self.stream:
            raise JournalForeign(f"{self._path} is the journal of {self.stream!r}, not of {after.stream!r}")
        return self._records(_AFTER, 0 if after is None else after.seq, limit)

    def plain(self, types: Sequence[str], after_seq: int, limit: int = TAIL_MAX) -> list[tuple[int, Event]]:
        """The next `limit` events of these types after a sequence number, without their personal fields.

        Quicker than `tail` for whoever counts what is not about persons: nothing is unsealed, nothing else is read.
        """
        return [(seq, event) for seq, _, event in self.public(types, after_seq, limit)]

    def public(self, types: Sequence[str], after_seq: int, limit: int = TAIL_MAX) -> list[Told]:
        """As `plain`, with the keyed hash of each event's contact between the two."""
        marks = ", ".join("?" for _ in types)
        columns = "seq, contact, type, version, body"
        sql = f"SELECT {columns} FROM events WHERE seq > ? AND type IN ({marks}) ORDER BY seq LIMIT ?"  # noqa: S608
        rows = self._ask(sql, after_seq, *types, limit)
        return [(seq, contact, decode(type_, version, body, None)) for seq, contact, type_, version, body in rows]

    def mark(self, seq: int) -> bytes:
        """The hash of one row, empty when there is none: two journals of one stream agree in it up to where they part.

        Whoever keeps a position keeps this with it, and knows when the journal under it has been replaced.
        """
        rows = self._ask("SELECT hash FROM events WHERE seq = ?", seq)
        return bytes(rows[0][0]) if rows else b""

    def follow(
        self, after: Position | None = None, *, until: Callable[[], bool] = lambda: False, poll_s: float = POLL_S
    ) -> Iterator[Record]:
        """Every event after a position and then each new one, until `until()` is true; looks every `poll_s` seconds."""
        while True:
            ending = until()  # asked before reading, so that what was there when it became true is still given
            records = self.tail(after)
            yield from records
            if records:
                after = records[-1].position
            elif ending:
                return
            else:
                time.sleep(poll_s)

    def records_of(self, call: str) -> list[Record]:
        """All events of one call in their order; empty when there is no such call."""
        return self._records(_OF_CALL, call)

    def rate_book(self, account: str, version: str) -> Rates | None:
        """A rate book that was published, None when it is not kept (any more)."""
        rows = self._ask("SELECT book FROM rates WHERE account = ? AND version = ?", account, version)
        return msgspec.json.decode(rows[0][0], type=Rates) if rows else None

    def penalties(self) -> dict[str, dict[str, int]]:
        """The return penalties in force, by account and target; none in a journal of before there were any."""
        if not self._ask("SELECT 1 FROM sqlite_master WHERE name = 'penalties'"):
            return {}
        rows = self._ask("SELECT account, penalties FROM penalties")
        return {account: msgspec.json.decode(penalties, type=dict[str, int]) for account, penalties in rows}

    def verify(self) -> Verified:
        """Compute the hash chain anew and compare. Raises JournalDamaged naming the first row that does not fit."""
        seq, last_hash = 0, first_hash(self.stream)
        while rows := self._ask(_ROWS, seq, TAIL_MAX):
            row: Row
            for row in rows:
                if row[0] != seq + 1:
                    raise self._damaged(seq + 1, "it is missing")
                seq = row[0]
                last_hash = row_hash(last_hash, row[:9])
                if last_hash != row[9]:
                    raise self._damaged(seq, "it, or the row before it, was changed after it was written")
        return Verified(seq, last_hash.hex())

    def _damaged(self, seq: int, why: str) -> JournalDamaged:
        return JournalDamaged(
            f"row {seq} of {self._path} is not what was written: {why}",
            hint="keep this file, restore the journal from a backup and compare the two from that row on",
        )

    def _records(self, sql: str, *parameters: object) -> list[Record]:
        return [self._record(row) for row in self._ask(sql, *parameters)]

    def _record(self, row: _StoredRow) -> Record:
        seq, _, type_, version, account, call, contact, body, sealed, key_id, key = row
        personal = None
        if sealed is not None and key_id is not None and key is not None:
            personal = ContactKey(key_id, key).unseal(sealed, row_name(self.stream, seq, type_, account, call))
        event = decode(type_, version, body, personal)
        return Record(Position(self.stream, seq), event, contact, erased=sealed is not None and personal is None)

    def _ask(self, sql: str, *parameters: object) -> list[Any]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except Error as error:
            raise unreadable(self._path, error) from error
