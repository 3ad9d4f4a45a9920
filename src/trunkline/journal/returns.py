"""Returns of sales, read from the journal's tables beside the work of its switch. Every function blocks.

What a buyer has bought in a month is counted over the events of that month, which takes up to seconds for millions of
them; the next count goes on where the last one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from trunkline.events.returns import StoredReturn
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import Connection, connect_reading, one

_decode: Final = msgspec.msgpack.Decoder(StoredReturn).decode
_OF_BUYER: Final = "SELECT data FROM returns WHERE account = ? AND buyer = ? AND cycle_ms = ?"
_OPEN: Final = "SELECT data FROM returns WHERE state = 'requested' ORDER BY id"
_LIST: Final = """
SELECT data FROM returns
WHERE account = :account AND (:buyer IS NULL OR buyer = :buyer) AND (:call IS NULL OR call = :call)
AND (:state IS NULL OR state = :state)
ORDER BY id DESC LIMIT :limit
"""
_SOLD: Final = """
SELECT count(*) FROM events
WHERE seq > ? AND seq <= ? AND type = 'converted' AND account = ? AND at_ms >= ? AND at_ms < ?
AND json_extract(CAST(body AS TEXT), '$.buyer') = ?
"""
_STATES: Final = "SELECT id, state FROM returns WHERE id IN (SELECT value FROM json_each(?))"
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM events"


def read_open_returns(connection: Connection) -> tuple[StoredReturn, ...]:
    """Returns that nobody has decided upon."""
    return tuple(_decode(data) for (data,) in connection.execute(_OPEN))


class ReturnsReader:
    """The returns in the journal of `folder`, which exists. For one thread at a time; close it at the end."""

    def __init__(self, folder: Path) -> None:
        self._connection = connect_reading(folder / JOURNAL_FILE)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def of_buyer(self, account: str, buyer: str, cycle_ms: int) -> Sequence[StoredReturn]:
        """All returns of a buyer's sales in the month that begins at `cycle_ms`."""
        return [_decode(data) for (data,) in self._connection.execute(_OF_BUYER, (account, buyer, cycle_ms))]

    def listed(
        self, account: str, buyer: str | None, call: str | None, state: str | None, limit: int
    ) -> Sequence[StoredReturn]:
        """The newest returns of an account, all of them or those of a buyer, a call or a state."""
        asked = {"account": account, "buyer": buyer, "call": call, "state": state, "limit": limit}
        return [_decode(data) for (data,) in self._connection.execute(_LIST, asked)]

    def states(self, names: Sequence[str]) -> dict[str, str]:
        """The states of returns by id, of those that are there."""
        return dict(self._connection.execute(_STATES, (msgspec.json.encode(names).decode(),)).fetchall())

    def sales(self, account: str, buyer: str, start_ms: int, end_ms: int, after_seq: int) -> tuple[int, int]:
        """How many sales a buyer made in [start_ms, end_ms) after an event, and the last event that was looked at."""
        newest: int = one(self._connection, _NEWEST)
        count: int = one(self._connection, _SOLD, after_seq, newest, account, start_ms, end_ms, buyer)
        return count, newest
