"""A list of contacts packed into one piece of memory: sorted keys, found by halving.

Keys are exact, so nobody is taken for somebody else: a number is its digits as a 64-bit integer (15 digits fit), a
prefix its digits with a 1 before them (so that +1 and +01 differ, and lengths never mix), a hash its bytes. Behind the
keys stand, if any entry expires, as many days. A million numbers take 8 MB, MD5 sums 16 MB, SHA-256 sums 32 MB, days
4 MB more; a look-up takes about a microsecond.

A packed list is: magic, length of the header, header (MessagePack), zeros up to a multiple of eight, keys, days; all
integers little-endian.
"""

from __future__ import annotations

import hashlib
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal

import msgspec

ListType = Literal["numbers", "prefixes", "sha256", "md5"]
KEY_BYTES: Final[dict[ListType, int]] = {"numbers": 8, "prefixes": 8, "sha256": 32, "md5": 16}
NEVER: Final = 0
"""The day of an entry that does not expire."""
MAGIC: Final = b"TRNKLST1"
_HASHES: Final[dict[ListType, Callable[[bytes], Any]]] = {
    "sha256": hashlib.sha256,
    "md5": partial(hashlib.md5, usedforsecurity=False),  # a form in which lists are handed on, not a protection
}


class ListDamaged(ValueError):
    """The bytes are no packed list."""


class Header(msgspec.Struct, frozen=True):
    """What a packed list says of itself.

    `digest` names its content: equal lists have equal ones. `anonymous` is the day until which withheld numbers are on
    it, None when they are not. `lengths` has bit n set when there are prefixes of n digits. `expires` says that days
    stand behind the keys.
    """

    type: ListType
    entries: int
    digest: str
    anonymous: int | None = None
    lengths: int = 0
    expires: bool = False


class ContactList:
    """A packed list. `holds` is the one question it answers."""

    __slots__ = ("_content", "_days", "_hashed", "_keys", "_lengths", "header", "size")

    def __init__(self, data: bytes) -> None:
        """Raises ListDamaged."""
        assert sys.byteorder == "little", "keys are read as the processor has them"
        header, start = _read_header(data)
        self.header = header
        self.size = len(data)
        """Bytes in memory."""
        width = KEY_BYTES[header.type]
        end = start + header.entries * width
        view = memoryview(data)
        self._content = view[start:]
        if len(data) != end + (4 * header.entries if header.expires else 0):
            raise ListDamaged("the list is cut off, or something hangs on to it")
        self._days: Sequence[int] | None = view[end:].cast("I") if header.expires else None
        self._hashed = header.type if header.type in _HASHES else None
        self._keys: Sequence[int] | _Hashes = (
            view[start:end].cast("Q") if self._hashed is None else _Hashes(data, start, end, width)
        )
        self._lengths = [length for length in range(1, 16) if header.lengths >> length & 1]

    def is_whole(self) -> bool:
        """Whether the content is what its digest says. Takes milliseconds for a million entries."""
        return content_digest(self.header, self._content) == self.header.digest

    @property
    def digest(self) -> str:
        """Names the content."""
        return self.header.digest

    def holds(self, number: str | None, day: int) -> bool:
        """Whether `number` (E.164, None when withheld) is on the list on that day (a proleptic Gregorian ordinal)."""
        if number is None:
            until = self.header.anonymous
            return until is not None and (until == NEVER or day <= until)
        if self._hashed is not None:
            make = _HASHES[self._hashed]
            return any(self._has(make(text.encode()).digest(), day) for text in (number, number[1:]))
        digits = number[1:]
        if self.header.type == "numbers":
            return self._has(int(digits), day)
        return any(self._has(int("1" + digits[:length]), day) for length in self._lengths if length <= len(digits))

    def _has(self, key: int | bytes, day: int) -> bool:
        place = bisect_left(self._keys, key)
        if place == len(self._keys) or self._keys[place] != key:
            return False
        return self._days is None or (until := self._days[place]) == NEVER or day <= until


def content_digest(header: Header, content: bytes | memoryview) -> str:
    """The SHA-256 of what a list says: its type, its keys and days, and until when withheld numbers are on it."""
    said = hashlib.sha256(f"{header.type} {header.entries} {header.anonymous}\n".encode())
    said.update(content)
    return said.hexdigest()


class _Hashes:
    """The hashes of a packed list as a sequence of bytes."""

    __slots__ = ("_data", "_start", "_width", "count")

    def __init__(self, data: bytes, start: int, end: int, width: int) -> None:
        self._data = data
        self._start = start
        self._width = width
        self.count = (end - start) // width

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> bytes:
        at = self._start + place * self._width
        return self._data[at : at + self._width]


def _read_header(data: bytes) -> tuple[Header, int]:
    """The header, and where the keys begin."""
    if data[:8] != MAGIC or len(data) < 12:
        raise ListDamaged("this is no packed list")
    length = int.from_bytes(data[8:12], "little")
    try:
        header = msgspec.msgpack.decode(data[12 : 12 + length], type=Header)
    except msgspec.DecodeError as error:
        raise ListDamaged(f"the header of the list cannot be read: {error}") from error
    return header, padded(12 + length)


def padded(length: int) -> int:
    """The next multiple of eight."""
    return length + -length % 8
