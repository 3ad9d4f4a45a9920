"""Damage by a seed: what a bad line, a bad program and a bad person do to sound bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

SIZE_MAX: Final = 65_535
SPICE: Final = (
    b"\r\n", b"\n", b"\r", b"\0", b"\r\n ", b",", b'"', b"<", b">", b";", b":", b"/", b"\\", b"=", b"%00", b"%0d%0a",
    b"[", b"]", b"tag=", b"z9hG4bK", b"SIP/2.0", b"sip:", b"sips:", b"tel:", b"m=audio ", b"c=IN IP6 ", b"a=crypto:",
    b"RIFF", b"data", b"fmt ", b"\xff\xfe", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"\x80\xc8",
)  # fmt: skip
NUMBERS: Final = (
    b"", b"0", b"-1", b"1", b"65535", b"65536", b"2147483647", b"2147483648", b"4294967296", b"99999999999",
    b"9" * 400, b"1.5", b"1e9", b"0x10", b"+1", b" 1", b"\xd9\xa1",
)  # fmt: skip
WORDS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Mutator:
    """Draws damaged bytes; the same for the same seed and corpus."""

    def __init__(self, seed: int, corpus: Sequence[bytes]) -> None:
        self._random = random.Random(seed)
        self._corpus = tuple(corpus)
        self._kinds: tuple[Callable[[bytearray], bytes | bytearray], ...] = (
            self._cut, self._spiced, self._flipped, self._repeated, self._shuffled, self._without, self._doubled,
            self._spliced, self._numbered, self._word, self._swollen,
        )  # fmt: skip

    def draw(self, count: int) -> Iterator[bytes]:
        """So many inputs."""
        for _ in range(count):
            yield self.one()

    def one(self) -> bytes:
        """One input: a piece of the corpus, damaged up to six times; now and then untouched, so that state moves on."""
        draw = self._random
        data: bytes | bytearray = draw.choice(self._corpus)
        for _ in range(draw.choice((0, 1, 1, 1, 2, 3, 6))):
            data = draw.choice(self._kinds)(bytearray(data))
        return bytes(data[:SIZE_MAX])

    def _cut(self, data: bytearray) -> bytearray:
        at = self._at(data)
        del data[at : at + self._random.choice((1, 2, 20, len(data)))]
        return data

    def _spiced(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at:at] = self._random.choice(SPICE)
        return data

    def _flipped(self, data: bytearray) -> bytearray:
        for _ in range(self._random.choice((1, 1, 4, 16))):
            if data:
                data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
        return data

    def _repeated(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at:at] = data[at : at + self._random.randint(1, 80)] * self._random.choice((1, 1, 3, 40))
        return data

    def _shuffled(self, data: bytearray) -> bytes:
        lines = bytes(data).split(b"\r\n")
        one, other = self._random.randrange(len(lines)), self._random.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        return b"\r\n".join(lines)

    def _without(self, data: bytearray) -> bytes:
        lines = bytes(data).split(b"\r\n")
        del lines[self._random.randrange(len(lines))]
        return b"\r\n".join(lines)

    def _doubled(self, data: bytearray) -> bytes:
        lines = bytes(data).split(b"\r\n")
        copies = [self._random.choice(lines)] * self._random.choice((1, 1, 2, 130))
        at = self._random.randrange(len(lines) + 1)
        return b"\r\n".join([*lines[:at], *copies, *lines[at:]])

    def _spliced(self, data: bytearray) -> bytes:
        """The head of one message with lines of another."""
        lines = bytes(data).split(b"\r\n")
        others = self._random.choice(self._corpus).split(b"\r\n")
        at, of = self._random.randrange(len(lines) + 1), self._random.randrange(len(others))
        return b"\r\n".join([*lines[:at], *others[of : of + self._random.randint(1, 4)], *lines[at:]])

    def _numbered(self, data: bytearray) -> bytearray:
        """Another number where one stands."""
        at = self._at(data)
        start = next((n for n in range(at, len(data)) if 0x30 <= data[n] <= 0x39), None)
        if start is not None:
            end = start
            while end < len(data) and 0x30 <= data[end] <= 0x39:
                end += 1
            data[start:end] = self._random.choice(NUMBERS)
        return data

    def _word(self, data: bytearray) -> bytearray:
        """A binary number at the edge of its range, in either byte order."""
        size = self._random.choice((1, 2, 4))
        value = self._random.choice(WORDS) & ((1 << 8 * size) - 1)
        at = self._at(data)
        data[at : at + size] = value.to_bytes(size, "little" if self._random.random() < 0.5 else "big")
        return data

    def _swollen(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at:at] = self._random.choice((b"x", b",", b";", b'"', b"<", b"\\", b" ", b"\0")) * self._random.choice(
            (100, 3_000, 60_000)
        )
        return data

    def _at(self, data: bytearray) -> int:
        return self._random.randrange(len(data) + 1)
