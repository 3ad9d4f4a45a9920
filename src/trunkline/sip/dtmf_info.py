"""Digits carried in INFO bodies: `application/dtmf-relay` (Cisco) and `application/dtmf`. Both are only de facto."""

from __future__ import annotations

import re

import msgspec

from trunkline.sip.errors import RemoteSipError

CONTENT_TYPES = frozenset({"application/dtmf-relay", "application/dtmf"})
DEFAULT_DURATION_MS = 250
MAX_DURATION_MS = 10_000

_SIGNAL = re.compile(r"^[ \t]*signal[ \t]*=[ \t]*(\S+)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(r"^[ \t]*duration[ \t]*=[ \t]*([0-9]{1,6})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_BY_NUMBER = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}


class InfoDigit(msgspec.Struct, frozen=True):
    """One key press: `digit` is one of 0-9 * # A-D."""

    digit: str
    duration_ms: int = DEFAULT_DURATION_MS


def parse(content_type: str, body: bytes) -> InfoDigit:
    """Read a digit report. Raises RemoteSipError: 415 for another type, 400 for a body without a digit."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES:
        raise RemoteSipError(415, "Unsupported Media Type")
    text = body[:512].decode("latin-1").replace("\r\n", "\n")
    if kind == "application/dtmf":
        return InfoDigit(_digit(text.strip()))
    signal = _SIGNAL.search(text)
    if signal is None:
        raise RemoteSipError(400, "No Signal in digit report")
    duration = _DURATION.search(text)
    duration_ms = int(duration.group(1)) if duration else DEFAULT_DURATION_MS
    return InfoDigit(_digit(signal.group(1)), min(duration_ms, MAX_DURATION_MS))


def _digit(text: str) -> str:
    digit = _BY_NUMBER.get(text, text.upper())
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        raise RemoteSipError(400, "Unknown digit")
    return digit
