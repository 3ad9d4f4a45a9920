"""Ids that sort by the time they were made and say what they name: `call_01JD8Z…`."""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""
ENTROPY_BYTES = 16
"""One for each character: 256 is a multiple of 32, so all characters are equally likely."""
_TIME_CHARS = 10
_CHARACTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))


class Ids:
    """Makes ids from the time and from entropy that is passed in, so tests can make them repeat.

    `entropy(n)` gives `n` random bytes. Kinds in use: call, att (attempt), lease, rec, leg.
    """

    __slots__ = ("_entropy", "_second", "_time", "_utc_ms")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._utc_ms = -1
        self._time = ""  # of the millisecond above: the ids of one call are made in two or three
        self._second = ""  # all of it but the two characters that change within a second

    def make(self, kind: str, utc_ms: int) -> str:
        """A new id of `kind`; ids of later milliseconds sort after it."""
        assert utc_ms >= 0
        if utc_ms != self._utc_ms:
            second = utc_ms >> 10
            if second != self._utc_ms >> 10:
                self._second = _base32(second, _TIME_CHARS - 2)
            self._utc_ms = utc_ms
            self._time = self._second + ALPHABET[utc_ms >> 5 & 31] + ALPHABET[utc_ms & 31]
        return f"{kind}_{self._time}{self._entropy(ENTROPY_BYTES).translate(_CHARACTERS).decode()}"


def _base32(value: int, length: int) -> str:
    chars = []
    for _ in range(length):
        chars.append(ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(chars))
