"""Reading, after the start, which contacts have called before. No call waits for it, however many there are."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from threading import Event

from trunkline.journal.contacts import Contact, ContactsReader
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.sqlite import Error
from trunkline.journal.store import CONTACTS_KEPT_MS, Journal
from trunkline.switch.contacts import CONTACTS_MAX, Contacts

log = logging.getLogger("trunkline.switch")


class Learning:
    """Makes `contacts`, answers for them from the disk, and fills them by `run`."""

    def __init__(self, folder: Path, journal: Journal, now_ms: int) -> None:
        """`now_ms` is UTC. Raises JournalMissing when the journal cannot be read."""
        self._folder = folder
        self._journal = journal
        self._since_ms = now_ms - CONTACTS_KEPT_MS
        self._single = ContactsReader(folder)
        self._stop = Event()
        self.contacts = Contacts(self._knows)

    async def run(self) -> None:
        """Read all contacts of before the start, then have those forgotten that have not called for long."""
        try:
            self.contacts.learn(await asyncio.to_thread(self._read))
            self._single.close()
            await self._forget()
        except Error:
            log.exception("contacts of before the start are asked for one by one: they could not all be read")
        except JournalUnavailable as error:
            log.warning("contacts that have not called for long are kept until the next start: %s", error.message)

    def stop(self) -> None:
        """Give up what is not read yet."""
        self._stop.set()

    def _knows(self, contact: Contact) -> bool:
        try:
            return self._single.knows(contact)
        except Error:
            log.exception("nobody knows whether a caller has called before")
            return False

    def _read(self) -> dict[Contact, int]:
        reader = ContactsReader(self._folder)
        try:
            return reader.newest(self._since_ms, CONTACTS_MAX, lambda: not self._stop.is_set())
        finally:
            reader.close()

    async def _forget(self) -> None:
        reader = ContactsReader(self._folder)
        try:
            pieces = reader.older(self._since_ms)
            while not self._stop.is_set() and (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                await self._journal.forget_contacts(piece)
        finally:
            reader.close()
