"""A journal of calls and leads that never were, written in bulk: the rows of a switch, without a switch.

Each event stands there as the switch would have written it, personal fields as bytes of the right length. Only the hash
chain does not hold, which whoever follows a journal does not check.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from random import Random

from trunkline.events.codec import encode
from trunkline.journal.schema import JOURNAL_FILE, migrate
from trunkline.journal.sqlite import library
from trunkline.testing.lives import BEGIN_MS, SPACING_MS, Lived, lives

SEAL_BYTES = 36
"""What sealing adds: key id, nonce and tag."""
CALLS_OF_TEN = 6
"""Of ten lives so many are calls, the others leads."""
PIECE = 10_000
"""Lives that are made at once; those of two pieces do not overlap in time much."""


def write_lives(data: Path, count: int, seed: int) -> int:
    """A new journal with so many calls and leads; how many events that are."""
    random = Random(seed)
    path = data / JOURNAL_FILE
    path.touch()
    connection = library.connect(path, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, path)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO meta VALUES ('stream', 'switch-1')")
        written = 0
        for begin in range(0, count, PIECE):
            size = min(PIECE, count - begin)
            calls = size * CALLS_OF_TEN // 10
            lived = lives(random, calls, size - calls, BEGIN_MS + begin * SPACING_MS)
            connection.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(lived, written + 1)
            )
            written += len(lived)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    return written


def _rows(lived: Iterable[Lived], first: int) -> Iterable[tuple[object, ...]]:
    for seq, (event, contact) in enumerate(lived, first):
        e = encode(event)
        sealed = None if e.personal is None else os.urandom(SEAL_BYTES + len(e.personal))
        yield seq, e.at_ms, e.type, e.version, e.account, e.call, contact, e.body, sealed, os.urandom(32)
