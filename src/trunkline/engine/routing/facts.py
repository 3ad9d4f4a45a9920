"""Facts: what decisions need to know that is not configuration. So far, which targets are out of service.

A decision names the version of the facts it was taken with. The version is made from what they say, so that whoever
states the same facts, as `explain --down` does, gets the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec


class Facts(msgspec.Struct, frozen=True):
    """One account's facts. `down` are the keys of targets that are out of service; `version` says which facts."""

    down: frozenset[str] = frozenset()
    version: str = "none"


NO_FACTS: Final = Facts()
"""Nothing is out of service."""


def facts_of(down: Iterable[str]) -> Facts:
    """The facts that these targets are out of service."""
    keys = frozenset(down)
    if not keys:
        return NO_FACTS
    named = hashlib.sha256("\n".join(("down", *sorted(keys))).encode())
    return Facts(keys, named.hexdigest()[:16])
