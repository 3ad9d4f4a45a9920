"""Which contacts have called which campaign before. Memory is bounded: the longest unseen are forgotten first."""

from __future__ import annotations

from collections.abc import Mapping

CONTACTS_MAX = 2_000_000
"""Contacts that are known at once, about 300 bytes each."""

Contact = tuple[str, str, str]
"""Account, campaign, and the keyed hash of the number."""


class Contacts:
    """Contacts by when they last called (UTC milliseconds), the longest unseen first."""

    def __init__(self, known: Mapping[Contact, int], most: int = CONTACTS_MAX) -> None:
        newest = sorted(known.items(), key=lambda item: item[1])[-most:]
        self._seen = dict(newest)
        self._most = most

    def __len__(self) -> int:
        return len(self._seen)

    def see(self, contact: Contact, at_ms: int) -> bool:
        """The contact calls; whether it has called before."""
        before = self._seen.pop(contact, None) is not None
        if len(self._seen) >= self._most:
            del self._seen[next(iter(self._seen))]
        self._seen[contact] = at_ms
        return before
