"""Ids that sort by the time they were made and say what they name: `call_01JD8Z…`."""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""
ENTROPY_BYTES = 10
_TIME_CHARS, _ENTROPY_CHARS = 10, 16


class Ids:
    """Makes ids from the time and from entropy that is passed in, so tests can make them repeat.

    `entropy(n)` gives `n` random bytes. Kinds in use: call, att (attempt), lease, rec, leg.
    """

    __slots__ = ("_entropy",)

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def make(self, kind: str, utc_ms: int) -> str:
        """A new id of `kind`; ids of later milliseconds sort after it."""
        assert utc_ms >= 0
        entropy = int.from_bytes(self._entropy(ENTROPY_BYTES))
        return f"{kind}_{_base32(utc_ms, _TIME_CHARS)}{_base32(entropy, _ENTROPY_CHARS)}"


def _base32(value: int, length: int) -> str:
    chars = []
    for _ in range(length):
        chars.append(ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(chars))
