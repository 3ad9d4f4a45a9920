"""Reads the text of a list, one entry a line, and packs it.

A line holds a number, a prefix (`+1555*`), a hash in hexadecimal, or `anonymous` for withheld numbers; behind a comma
may stand the last day on which it counts (`+15125550100,2026-12-31`). Empty lines and lines that begin with `#` are
passed over, and so is a first line that is a heading.

Numbers are E.164 with a plus. Without one, ten digits are a number of the North American plan and all others begin
with their country code. Spaces, dashes, points and brackets are passed over. Hashes are those of the digits of E.164,
country code first, with the plus or without: both are asked for.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from trunkline.engine.lists.table import KEY_BYTES, MAGIC, NEVER, Header, ListType, content_digest, padded

ENTRIES_MAX: Final = 5_000_000
BAD_SHOWN: Final = 5
"""Lines that cannot be read and are shown."""
_PUNCTUATION: Final = str.maketrans("", "", " -.()\t")
_HEX: Final = {"sha256": re.compile(r"[0-9a-fA-F]{64}"), "md5": re.compile(r"[0-9a-fA-F]{32}")}
_HEADING_DIGITS_MAX: Final = 6
_NATIONAL_DIGITS: Final = 10
_TEXT_SHOWN: Final = 40


class BadLine(NamedTuple):
    """One line that cannot be read: its number from 1, its beginning, and what is wrong."""

    number: int
    text: str
    why: str


class BadList(Exception):
    """Lines of a list cannot be read: how many, and the first of them. Nothing of it is used."""

    def __init__(self, count: int, shown: list[BadLine]) -> None:
        super().__init__(f"{count} lines cannot be read")
        self.count = count
        self.shown = shown


def pack_list(kind: ListType, lines: Iterable[str]) -> bytes:
    """The packed list of these lines. Raises BadList when one cannot be read or there are too many."""
    until: dict[Any, int] = {}
    anonymous: int | None = None
    bad: list[BadLine] = []
    count = 0
    read = _READERS[kind]
    for number, raw in enumerate(lines, start=1):
        line = raw.strip() if number > 1 else raw.lstrip("\ufeff").strip()
        if not line or line[0] == "#":
            continue
        text, comma, last = line.partition(",")
        try:
            day = _day(last.strip()) if comma else NEVER
            if text.strip().lower() == "anonymous":
                anonymous = _later(anonymous, day)
                continue
            key = read(text.strip())
        except ValueError as error:
            if number == 1 and _is_heading(line):
                continue
            count += 1
            if len(bad) < BAD_SHOWN:
                bad.append(BadLine(number, line[:_TEXT_SHOWN], str(error)))
            continue
        until[key] = day if day == NEVER or key not in until else (_later(until[key], day) or NEVER)
        if len(until) > ENTRIES_MAX:
            raise BadList(1, [BadLine(number, line[:_TEXT_SHOWN], f"a list has at most {ENTRIES_MAX} entries")])
    if bad:
        raise BadList(count, bad)
    return _packed(kind, until, anonymous)


def _is_heading(line: str) -> bool:
    """Whether a first line that is no entry names columns. What may be meant as an entry, such as `+15*`, does not."""
    digits = sum(character.isdigit() for character in line)
    return digits <= _HEADING_DIGITS_MAX and any(character.isalpha() for character in line) and "*" not in line


def _later(known: int | None, day: int) -> int:
    """The later of two last days; no day at all is later than any."""
    if known is None:
        return day
    return NEVER if NEVER in {known, day} else max(known, day)


def _packed(kind: ListType, until: dict[Any, int], anonymous: int | None) -> bytes:
    """`until` are the days by key: whole numbers, or bytes for hashes."""
    keys = sorted(until)
    body = b"".join(keys) if kind in _HEX else array("Q", keys).tobytes()
    expires = any(until.values())
    days = array("I", [until[key] for key in keys]).tobytes() if expires else b""
    lengths = 0
    if kind == "prefixes":
        for key in keys:
            lengths |= 1 << (len(str(key)) - 1)
    assert len(body) == len(keys) * KEY_BYTES[kind]
    header = Header(kind, len(keys), "", anonymous, lengths, expires)
    header = msgspec.structs.replace(header, digest=content_digest(header, body + days))
    encoded = msgspec.msgpack.encode(header)
    head = MAGIC + len(encoded).to_bytes(4, "little") + encoded
    return head.ljust(padded(len(head)), b"\0") + body + days


def _day(text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise ValueError("behind the comma belongs a date such as 2026-12-31") from None


def _number(text: str) -> int:
    digits = text[1:] if text[:1] == "+" else text
    if not (digits.isascii() and digits.isdigit()):
        if text.endswith("*"):
            raise ValueError("this is a prefix, and the list is one of numbers")
        digits = digits.translate(_PUNCTUATION)
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("this is no phone number")
    if len(digits) == _NATIONAL_DIGITS and text[:1] != "+":
        digits = "1" + digits
    if not 7 <= len(digits) <= 15 or digits[0] == "0":
        raise ValueError("a number has 7 to 15 digits, the country code first")
    return int(digits)


def _prefix(text: str) -> int:
    digits = text.removesuffix("*").removeprefix("+").translate(_PUNCTUATION)
    if not (digits.isascii() and digits.isdigit()) or not 1 <= len(digits) <= 15 or digits[0] == "0":
        raise ValueError("a prefix is the first digits of numbers, the country code first: +1555*")
    return int("1" + digits)


def _sha256(text: str) -> bytes:
    if _HEX["sha256"].fullmatch(text) is None:
        raise ValueError("a SHA-256 sum has 64 hexadecimal digits")
    return bytes.fromhex(text)


def _md5(text: str) -> bytes:
    if _HEX["md5"].fullmatch(text) is None:
        raise ValueError("an MD5 sum has 32 hexadecimal digits")
    return bytes.fromhex(text)


_READERS: Final[dict[ListType, Callable[[str], int | bytes]]] = {
    "numbers": _number,
    "prefixes": _prefix,
    "sha256": _sha256,
    "md5": _md5,
}
