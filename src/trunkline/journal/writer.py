"""The writing side of the journal: whatever has come in since the last commit becomes one transaction.

Runs in the writer's thread. Events get their sequence numbers, seals and hashes here, in the order in which they were
appended; state changes go into their tables beside them. Memory follows the disk: numbers, keys and the last hash
move on only after the commit, so a rolled-back transaction leaves no trace in either.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from trunkline.events.changes import Change, LegPut, PingPut
from trunkline.events.codec import Encoded
from trunkline.events.entry import Position
from trunkline.events.sealing import KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES, ContactKey, leg_name, ping_name, row_name
from trunkline.journal.chain import Row, row_hash
from trunkline.journal.sqlite import BUSY_TIMEOUT_S, Connection
from trunkline.journal.tables import find_key, write_changes

KEYS_CACHED_MAX: Final = 10_000
"""Contacts whose keys stay in memory; the others are read again when they call."""

_INSERT_EVENT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_KEY: Final = (
    "INSERT INTO contact_keys (contact, key_id, key) VALUES (?, ?, ?) "
    "ON CONFLICT (contact) DO UPDATE SET key_id = excluded.key_id, key = excluded.key"
)
_BLANK_KEY: Final = (
    "UPDATE contact_keys SET key_id = zeroblob(length(key_id)), key = zeroblob(length(key)) WHERE contact = ?"
)


class Append:
    """One call of `Journal.append` on its way: stored forms with their contacts, changes, and who waits."""

    __slots__ = ("changes", "entries", "future", "last_seq")

    def __init__(
        self,
        entries: list[tuple[Encoded, str | None]],
        changes: Sequence[Change],
        future: Future[Position],
    ) -> None:
        self.entries = entries
        self.changes = changes
        self.future = future
        self.last_seq = 0


class Writer:
    """Turns appends into transactions of one connection. Not for several threads at once."""

    __slots__ = ("_connection", "_entropy", "_keys", "_last_hash", "_stream", "last_seq")

    def __init__(
        self, connection: Connection, stream: str, last_seq: int, last_hash: bytes, entropy: Callable[[int], bytes]
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._last_hash = last_hash
        self._entropy = entropy
        self._keys: dict[str, ContactKey] = {}
        self.last_seq = last_seq

    def commit(self, appends: Sequence[Append]) -> None:
        """Write all of them, durably, or none: raises sqlite.Error after rolling back."""
        seq, last_hash = self.last_seq, self._last_hash
        rows: list[Row] = []
        new_keys: dict[str, ContactKey] = {}
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for append in appends:
                for encoded, contact in append.entries:
                    seq += 1
                    sealed = None
                    if encoded.personal is not None:
                        assert contact is not None
                        sealed = self._seal(encoded, contact, seq, new_keys)
                    unhashed = (
                        seq,
                        encoded.at_ms,
                        encoded.type,
                        encoded.version,
                        encoded.account,
                        encoded.call,
                        contact,
                        encoded.body,
                        sealed,
                    )
                    last_hash = row_hash(last_hash, unhashed)
                    rows.append((*unhashed, last_hash))
                append.last_seq = seq
            connection.executemany(_INSERT_EVENT, rows)
            write_changes(
                connection, [self._sealed(change, new_keys) for append in appends for change in append.changes]
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.last_seq, self._last_hash = seq, last_hash
        self._remember(new_keys)

    def erase(self, contact: str) -> None:
        """Write zeros over the contact's key, durably. What it sealed can not be read any more."""
        self._connection.execute(_BLANK_KEY, (contact,))
        self._keys.pop(contact, None)

    def empty_log(self) -> bool:
        """Bring the whole write-ahead log into the database and cut it to nothing; False when a reader is in the way.

        Earlier forms of changed pages, an erased key among them, lie in the log until this is done.
        """
        connection = self._connection
        connection.execute("PRAGMA busy_timeout=0")  # calls wait for this thread; a reader must not hold it up
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
        return busy == 0

    def run(self, work: Callable[[Connection], None]) -> None:
        """Do `work` in a transaction of its own."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _seal(self, encoded: Encoded, contact: str, seq: int, new_keys: dict[str, ContactKey]) -> bytes:
        assert encoded.personal is not None
        name = row_name(self._stream, seq, encoded.type, encoded.account, encoded.call)
        return self._key(contact, new_keys).seal(encoded.personal, self._entropy(NONCE_BYTES), name)

    def _sealed(self, change: Change, new_keys: dict[str, ContactKey]) -> Change:
        """The change as it may lie on disk: a leg's headers name the caller and both peers, a ping says who calls."""
        if type(change) is PingPut and change.ping.facts is not None:
            ping = change.ping
            name = ping_name(self._stream, ping.ping, ping.account)
            facts = self._key(ping.contact, new_keys).seal(change.ping.facts, self._entropy(NONCE_BYTES), name)
            return PingPut(msgspec.structs.replace(ping, facts=facts))
        if type(change) is not LegPut:
            return change
        leg = change.leg
        assert leg.identifiers is not None
        name = leg_name(self._stream, leg.leg, leg.account, leg.call)
        sealed = self._key(leg.contact, new_keys).seal(leg.identifiers, self._entropy(NONCE_BYTES), name)
        return LegPut(msgspec.structs.replace(leg, identifiers=sealed))

    def _key(self, contact: str, new_keys: dict[str, ContactKey]) -> ContactKey:
        key = self._keys.get(contact) or new_keys.get(contact)
        if key is None:
            key = new_keys[contact] = find_key(self._connection, contact) or self._make_key(contact)
        return key

    def _make_key(self, contact: str) -> ContactKey:
        key = ContactKey.from_entropy(self._entropy(KEY_ID_BYTES + KEY_BYTES))
        self._connection.execute(_PUT_KEY, (contact, key.key_id, key.key))
        return key

    def _remember(self, new_keys: dict[str, ContactKey]) -> None:
        keys = self._keys
        keys.update(new_keys)
        while len(keys) > KEYS_CACHED_MAX:
            del keys[next(iter(keys))]
