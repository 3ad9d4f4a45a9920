"""Who has called before, read from the journal beside the work of its switch.

There may be millions of contacts. A switch takes calls before it has read them, and asks for the single ones it meets
until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from trunkline.events.contacts import Seen
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading

Contact = tuple[str, str, str]
"""Account, campaign, and the keyed hash of the number."""

Happening = tuple[str, str, str, str, str]
"""Account, keyed hash, event, campaign, and buyer (empty when there is none)."""

PIECE: Final = 500
"""Contacts named at once to be forgotten: a transaction that holds up nobody."""
_ONE: Final = "SELECT 1 FROM contacts WHERE account = ? AND campaign = ? AND contact = ?"
_NEWEST: Final = """
SELECT account, campaign, contact, at_ms
FROM (SELECT account, campaign, contact, at_ms FROM contacts WHERE at_ms >= ? ORDER BY at_ms DESC LIMIT ?)
ORDER BY at_ms
"""
_HAPPENED: Final = """
SELECT event, at_ms, campaign, buyer, call FROM contact_events WHERE account = ? AND contact = ? ORDER BY at_ms
"""
_ALL: Final = """
SELECT contact, event, at_ms, campaign, buyer, call FROM contact_events WHERE at_ms >= ? ORDER BY account, contact
"""
_CUTOFF: Final = """
SELECT max(at_ms) AS newest FROM contact_events GROUP BY account, contact ORDER BY newest DESC LIMIT 1 OFFSET ?
"""
_HAPPENED_BEFORE: Final = "SELECT account, contact, event, campaign, buyer FROM contact_events WHERE at_ms < ? LIMIT ?"
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

    def happened(self, account: str, contact: str) -> tuple[Seen, ...]:
        """What happened with one contact, newest last."""
        return tuple(_seen(*row) for row in self._connection.execute(_HAPPENED, (account, contact)))

    def histories(
        self, since_ms: int, most: int, pack: Callable[[list[Seen]], bytes], go_on: Callable[[], bool]
    ) -> dict[bytes, bytes]:
        """What happened with contacts from `since_ms` on, packed, by their hash; the longest unseen come first.

        Those seen last, `most` at most. Gives up what is left when `go_on` says no.
        """
        oldest = self._connection.execute(_CUTOFF, (most,)).fetchone()
        cutoff_ms = since_ms if oldest is None else max(since_ms, oldest[0] + 1)
        found: list[tuple[int, bytes, bytes]] = []
        rows = self._connection.execute(_ALL, (since_ms,))
        for contact, group in groupby(rows, key=itemgetter(0)):
            history = [_seen(*row[1:]) for row in group]
            newest_ms = max(seen.at_ms for seen in history)
            if newest_ms >= cutoff_ms:
                found.append((newest_ms, bytes.fromhex(contact), pack(history)))
            if not len(found) % PIECE and not go_on():
                break
        found.sort()
        return {contact: packed for _, contact, packed in found}

    def happened_before(self, before_ms: int) -> Iterator[list[Happening]]:
        """What happened before that instant, in pieces that are to be dropped before the next is asked for."""
        while piece := self._connection.execute(_HAPPENED_BEFORE, (before_ms, PIECE)).fetchall():
            yield piece

    def older(self, before_ms: int) -> Iterator[list[Contact]]:
        """Contacts last seen before that instant, in pieces that are to be dropped before the next is asked for."""
        while piece := self._connection.execute(_OLDER, (before_ms, PIECE)).fetchall():
            yield piece


def _seen(event: str, at_ms: int, campaign: str, buyer: str, call: str) -> Seen:
    return Seen(event, at_ms, campaign, buyer or None, call or None)  # type: ignore[arg-type]
