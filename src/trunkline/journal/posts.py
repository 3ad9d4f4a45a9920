"""Answers of posts that came with an `Idempotency-Key`, read from the journal beside the work of its switch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trunkline.events.changes import PostKept
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading

_ONE: Final = "SELECT * FROM posts WHERE account = ? AND publisher = ? AND key = ?"


class PostsReader:
    """The kept posts of the journal in `folder`, which exists. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._connection = connect_reading(folder / JOURNAL_FILE)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def find(self, account: str, publisher: str, key: str) -> PostKept | None:
        """The post that came with that key; None when none did, or it is forgotten."""
        row = self._connection.execute(_ONE, (account, publisher, key)).fetchone()
        return None if row is None else PostKept(*row)
