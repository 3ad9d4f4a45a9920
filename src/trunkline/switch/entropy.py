"""Randomness of the system, fetched in larger pieces: a call needs a dozen small ones for ids, tags and branches."""

from __future__ import annotations

import os

BLOCK_BYTES = 4096


class Entropy:
    """`entropy(n)` gives `n` bytes of `os.urandom`, none twice. Each user has its own: it is for one thread."""

    __slots__ = ("_block", "_used")

    def __init__(self) -> None:
        self._block = b""
        self._used = 0

    def __call__(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._used + count
        if end > len(self._block):
            if count > BLOCK_BYTES:
                return os.urandom(count)
            self._block = os.urandom(BLOCK_BYTES)
            self._used, end = 0, count
        piece = self._block[self._used : end]
        self._used = end
        return piece
