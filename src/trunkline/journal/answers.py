"""The answers of commands that were done, looked up by their keys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trunkline.events.changes import CommandKept
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading

_FIND: Final = "SELECT key, digest, at_ms, answer FROM commands WHERE key = ?"


def find_answer(folder: Path, key: str) -> CommandKept | None:
    """What was done under `key` in the journal of `folder`, which exists; None for nothing. Blocks."""
    connection = connect_reading(folder / JOURNAL_FILE)
    try:
        row = connection.execute(_FIND, (key,)).fetchone()
    finally:
        connection.close()
    return None if row is None else CommandKept(*row)
