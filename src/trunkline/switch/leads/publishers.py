"""Who sends a lead: publishers by their API keys.

Only sums of keys are known here. A key is looked for by its own sum, so how long that takes tells nothing of others.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from trunkline.switch.world import World

KEY_CHARS_MAX: Final = 200
_SCHEME: Final = "bearer "


class Sender(msgspec.Struct, frozen=True):
    """A publisher that has proved who it is. `campaigns` are those its key is for; none: all of the account."""

    account: str
    publisher: str
    campaigns: frozenset[str] = frozenset()

    def may_send(self, campaign: str) -> bool:
        """Whether the key is for that campaign."""
        return not self.campaigns or campaign in self.campaigns


class Publishers:
    """Everybody who may send leads, by the SHA-256 sums of their keys."""

    def __init__(self) -> None:
        self._configured: dict[str, Sender] = {}

    def use(self, world: World) -> None:
        """Take the keys of a configuration, in place of those of the one before."""
        found: dict[str, Sender] = {}
        for account, index in world.accounts.items():
            for publisher in index.config.publishers:
                sender = Sender(account, publisher.key, frozenset(publisher.campaigns))
                found.update(dict.fromkeys(publisher.keys, sender))
        self._configured = found

    def of(self, authorization: str | None) -> Sender | None:
        """Whose key the `Authorization` header bears; None for nobody's."""
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        key = authorization[len(_SCHEME) :].strip()
        if not key or len(key) > KEY_CHARS_MAX:
            return None
        return self.of_sum(hashlib.sha256(key.encode()).hexdigest())

    def of_sum(self, digest: str) -> Sender | None:
        """Whose key has this SHA-256 sum (hex); None for nobody's."""
        return self._configured.get(digest)
