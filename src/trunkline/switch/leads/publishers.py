"""Who sends a lead: publishers by their API keys.

Only sums of keys are known here. A key is looked for by its own sum, so how long that takes tells nothing of others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.kernel.clock import Instant
from trunkline.switch.leads.keys import SCOPES, KeyRing

if TYPE_CHECKING:
    from trunkline.switch.world import World

KEY_CHARS_MAX: Final = 200
_SCHEME: Final = "bearer "


class Sender(msgspec.Struct, frozen=True):
    """A publisher that has proved who it is.

    `campaigns` are those its keys are for (none: all of the account), `scopes` what this key is good for.
    """

    account: str
    publisher: str
    campaigns: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = SCOPES

    def may(self, scope: str) -> bool:
        """Whether the key is good for that: one of `SCOPES`."""
        return scope in self.scopes

    def may_send(self, campaign: str) -> bool:
        """Whether the key is for that campaign."""
        return not self.campaigns or campaign in self.campaigns


class Publishers:
    """Everybody who may send leads, by the SHA-256 sums of their keys."""

    def __init__(self, made: KeyRing, clock: Callable[[], Instant]) -> None:
        """`made` are the keys that commands have made."""
        self._made = made
        self._clock = clock
        self._configured: dict[str, Sender] = {}
        self._campaigns: dict[tuple[str, str], frozenset[str]] = {}

    def use(self, world: World) -> None:
        """Take the keys of a configuration, in place of those of the one before."""
        found: dict[str, Sender] = {}
        campaigns: dict[tuple[str, str], frozenset[str]] = {}
        for account, index in world.accounts.items():
            for publisher in index.config.publishers:
                named = campaigns[account, publisher.key] = frozenset(publisher.campaigns)
                sender = Sender(account, publisher.key, named)
                found.update(dict.fromkeys(publisher.keys, sender))
        self._configured, self._campaigns = found, campaigns

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
        return self._configured.get(digest) or self._of_made(digest)

    def _of_made(self, digest: str) -> Sender | None:
        """The same for keys that commands have made, of publishers that are still configured."""
        for key in self._made.find(digest, self._clock().utc_ms):
            campaigns = self._campaigns.get((key.account, key.publisher))
            if campaigns is not None:
                return Sender(key.account, key.publisher, campaigns, key.scopes)
        return None
