"""The hash chain: each row's hash covers the row as it is stored and the hash of the row before it.

So a row that was changed, removed, added or moved is found by reading the journal once. The hashes cover sealed bytes,
not what they hide, so erasing a contact breaks nothing. Whoever can write the file can also compute a new chain: to
prove that nobody did, note the last hash somewhere else from time to time (`trunkline doctor` prints it).
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

Row = tuple[int, int, str, int, str | None, str | None, str | None, bytes, bytes | None, bytes]
"""seq, at_ms, type, version, account, call, contact, body, sealed, hash: the columns of `events` in their order."""

Unhashed = tuple[int, int, str, int, str | None, str | None, str | None, bytes, bytes | None]

_pack: Final = msgspec.msgpack.Encoder().encode


def first_hash(stream: str) -> bytes:
    """What stands before the first row of a stream."""
    return hashlib.sha256(b"trunkline journal\0" + stream.encode()).digest()


def row_hash(previous: bytes, row: Unhashed) -> bytes:
    """SHA-256 of the previous row's hash and of this row in MessagePack, which has one form for one row."""
    return hashlib.sha256(previous + _pack(row)).digest()
