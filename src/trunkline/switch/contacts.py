"""Which contacts have called which campaign before. Memory is bounded: the longest unseen are forgotten first."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.journal.contacts import Contact

CONTACTS_MAX = 2_000_000
"""Contacts that are known at once, about 300 bytes each."""


class Contacts:
    """Contacts by when they last called (UTC milliseconds), the longest unseen first.

    `earlier` is asked about contacts that are not known, until those of before the start have been read.
    """

    def __init__(self, earlier: Callable[[Contact], bool] | None = None, most: int = CONTACTS_MAX) -> None:
        self._seen: dict[Contact, int] = {}
        self._earlier = earlier
        self._most = most

    def __len__(self) -> int:
        return len(self._seen)

    def learn(self, earlier: dict[Contact, int]) -> None:
        """Take over the contacts of before the start, the longest unseen first; nobody is asked any more."""
        for contact in self._seen:
            earlier.pop(contact, None)
        earlier.update(self._seen)
        self._seen, self._earlier = earlier, None
        while len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]

    def see(self, contact: Contact, at_ms: int) -> bool:
        """The contact calls; whether it has called before."""
        before = self._seen.pop(contact, None) is not None
        if not before and self._earlier is not None:
            before = self._earlier(contact)
        if len(self._seen) >= self._most:
            del self._seen[next(iter(self._seen))]
        self._seen[contact] = at_ms
        return before
