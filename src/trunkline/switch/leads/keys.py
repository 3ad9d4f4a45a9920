"""The API keys of publishers that commands have made. Nothing here can tell a key: only its SHA-256 is known.

Keys are random and long, so a plain hash is enough: there is nothing to guess. A key that was rotated away stays good
until its `until_ms`, so that a publisher can change over while leads come in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from trunkline.events.changes import Change, KeyDrop, KeyPut

KEYS_MAX: Final = 20
"""Of one publisher, in force at once."""
SCOPES: Final = ("leads", "pings", "returns")
"""What a key may be good for: sending leads, asking for bids, giving leads back."""
ID_LENGTH: Final = 12
"""As much of the hash names a key for people."""
SHA256: Final = re.compile(r"[0-9a-f]{64}")


def key_id(sha256: str) -> str:
    """The name of a key that may be shown to anybody."""
    return sha256[:ID_LENGTH]


class KeyRing:
    """All keys that commands have made, by their SHA-256."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, KeyPut]] = {}
        """By SHA-256 and account."""

    def restore(self, kept: Iterable[KeyPut]) -> None:
        """Take over what the journal kept."""
        for key in kept:
            self.put(key)

    def put(self, key: KeyPut) -> None:
        """The key is in force, or its end has changed."""
        self._keys.setdefault(key.sha256, {})[key.account] = key

    def drop(self, account: str, sha256: str) -> None:
        """The key is not in force any more."""
        of_accounts = self._keys.get(sha256, {})
        of_accounts.pop(account, None)
        if not of_accounts:
            self._keys.pop(sha256, None)

    def apply(self, changes: Iterable[Change]) -> None:
        """Do what the changes of the state table say."""
        for change in changes:
            if isinstance(change, KeyPut):
                self.put(change)
            elif isinstance(change, KeyDrop):
                self.drop(change.account, change.sha256)

    def find(self, sha256: str, now_ms: int) -> Iterator[KeyPut]:
        """The keys with this hash that are good at `now_ms` (UTC)."""
        return (key for key in self._keys.get(sha256, {}).values() if _is_good(key, now_ms))

    def of(self, account: str, publisher: str | None, now_ms: int) -> list[KeyPut]:
        """The keys of a publisher (None: of all) that are good at `now_ms`, the oldest first."""
        found = (key for each in self._keys.values() for key in each.values() if key.account == account)
        good = [key for key in found if publisher in {None, key.publisher} and _is_good(key, now_ms)]
        return sorted(good, key=lambda key: (key.publisher, key.made_ms, key.sha256))

    def over(self, account: str, now_ms: int) -> list[KeyPut]:
        """The keys whose time is over, to be dropped."""
        found = (key for each in self._keys.values() for key in each.values() if key.account == account)
        return [key for key in found if not _is_good(key, now_ms)]


def _is_good(key: KeyPut, now_ms: int) -> bool:
    return not key.until_ms or now_ms < key.until_ms
