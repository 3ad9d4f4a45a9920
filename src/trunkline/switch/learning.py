"""Reading, after the start, who called before and what happened then. No call waits for it, however many there are."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from threading import Event

from trunkline.events.contacts import Seen
from trunkline.journal.contacts import Contact, ContactsReader
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.sqlite import Error
from trunkline.journal.store import CONTACTS_KEPT_MS, Journal
from trunkline.switch.contacts import CONTACTS_MAX, Contacts
from trunkline.switch.history import HISTORIES_MAX, Histories, packed

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
        self.histories = Histories(self._happened)

    async def run(self) -> None:
        """Read all contacts of before the start, then have those forgotten that have not called for long."""
        try:
            self.contacts.learn(await asyncio.to_thread(self._read))
            self.histories.learn(await asyncio.to_thread(self._read_histories))
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

    def _happened(self, account: str, contact: str) -> tuple[Seen, ...]:
        try:
            return self._single.happened(account, contact)
        except Error:
            log.exception("nobody knows what happened with a caller before")
            return ()

    def _read_histories(self) -> dict[bytes, bytes]:
        reader = ContactsReader(self._folder)
        try:
            return reader.histories(self._since_ms, HISTORIES_MAX, packed, lambda: not self._stop.is_set())
        finally:
            reader.close()

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
            happened = reader.happened_before(self._since_ms)
            while not self._stop.is_set() and (rows := await asyncio.to_thread(next, happened, None)) is not None:
                await self._journal.forget_contact_events(rows)
        finally:
            reader.close()
