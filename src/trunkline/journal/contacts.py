"""Who has called before, read from the journal beside the work of its switch.

There may be millions of contacts. A switch takes calls before it has read them, and asks for the single ones it meets
until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading

Contact = tuple[str, str, str]
"""Account, campaign, and the keyed hash of the number."""

PIECE: Final = 500
"""Contacts named at once to be forgotten: a transaction that holds up nobody."""
_ONE: Final = "SELECT 1 FROM contacts WHERE account = ? AND campaign = ? AND contact = ?"
_NEWEST: Final = """
SELECT account, campaign, contact, at_ms
FROM (SELECT account, campaign, contact, at_ms FROM contacts WHERE at_ms >= ? ORDER BY at_ms DESC LIMIT ?)
ORDER BY at_ms
"""
_OLDER: Final = "SELECT account, campaign, contact FROM contacts WHERE at_ms < ? LIMIT ?"


class ContactsReader:
    """The contacts of the journal in `folder`, which exists. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._connection = connect_reading(folder / JOURNAL_FILE)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def knows(self, contact: Contact) -> bool:
        """Whether the contact has called before."""
        return self._connection.execute(_ONE, contact).fetchone() is not None

    def newest(self, since_ms: int, most: int, go_on: Callable[[], bool]) -> dict[Contact, int]:
        """When contacts called last (UTC milliseconds), from `since_ms` on, the longest unseen first; `most` at most.

        Takes seconds for a million; gives up what is left when `go_on` says no.
        """
        found: dict[Contact, int] = {}
        for account, campaign, contact, at_ms in self._connection.execute(_NEWEST, (since_ms, most)):
            found[account, campaign, contact] = at_ms
            if not len(found) % PIECE and not go_on():
                break
        return found

    def older(self, before_ms: int) -> Iterator[list[Contact]]:
        """Contacts last seen before that instant, in pieces that are to be dropped before the next is asked for."""
        while piece := self._connection.execute(_OLDER, (before_ms, PIECE)).fetchall():
            yield piece
