"""G.711: µ-law and A-law, to and from 16-bit linear PCM, and into each other (ITU-T G.711).

µ-law carries 14 bits and A-law 13; both stand left-aligned in 16-bit samples, as everywhere. Tables are made once
from the segment arithmetic of the recommendation and applied by `bytes.translate`, so a packet costs well under a
microsecond.

Transcoding is decoding followed by encoding, which picks the nearest level of the other law.
"""

from __future__ import annotations

import sys
from array import array
from enum import Enum
from functools import cache
from typing import Final

SAMPLE_RATE_HZ: Final = 8000


class Law(Enum):
    """The two companding laws, by their RTP names (RFC 3551)."""

    PCMU = "PCMU"
    PCMA = "PCMA"

    # Laws are dictionary keys for every packet; the hash of Enum is a Python function, this one is not.
    __hash__ = object.__hash__


def _ulaw_level(code: int) -> int:
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
    return 0x84 - magnitude if inverted & 0x80 else magnitude - 0x84


def _alaw_level(code: int) -> int:
    toggled = code ^ 0x55
    segment = (toggled & 0x70) >> 4
    magnitude = ((toggled & 0x0F) << 4) + 8
    if segment:
        magnitude = (magnitude + 0x100) << (segment - 1)
    return magnitude if toggled & 0x80 else -magnitude


def _ulaw_code(sample: int) -> int:
    """The µ-law code of a 14-bit sample. Magnitudes past the last decision value clip."""
    sign = 0x7F if sample < 0 else 0xFF
    magnitude = min(abs(sample), 8158) + 33
    segment = max(magnitude.bit_length() - 6, 0)
    return ((segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)) ^ sign


def _alaw_code(sample: int) -> int:
    """The A-law code of a 13-bit sample; negative ones are counted from -1, so that both halves have the same size."""
    mask, magnitude = (0xD5, sample) if sample >= 0 else (0x55, -sample - 1)
    segment = max(magnitude.bit_length() - 5, 0)
    step = (magnitude >> max(segment, 1)) & 0x0F
    return ((segment << 4) | step) ^ mask


_LEVELS: Final[dict[Law, tuple[int, ...]]] = {
    Law.PCMU: tuple(_ulaw_level(code) for code in range(256)),
    Law.PCMA: tuple(_alaw_level(code) for code in range(256)),
}


@cache
def _codes(law: Law) -> bytes:
    """The code of every 16-bit sample, indexed by its unsigned bit pattern. Made at first use: only prompts encode."""
    if law is Law.PCMU:
        return bytes(
            _ulaw_code((pattern - 0x10000 if pattern & 0x8000 else pattern) >> 2) for pattern in range(0x10000)
        )
    return bytes(_alaw_code((pattern - 0x10000 if pattern & 0x8000 else pattern) >> 3) for pattern in range(0x10000))


def _code_of(law: Law, sample: int) -> int:
    return _ulaw_code(sample >> 2) if law is Law.PCMU else _alaw_code(sample >> 3)


PCM_BYTES: Final[dict[Law, tuple[bytes, bytes]]] = {
    law: (bytes(level & 0xFF for level in levels), bytes((level >> 8) & 0xFF for level in levels))
    for law, levels in _LEVELS.items()
}
"""Per law: the low and the high byte of each code's 16-bit sample, as tables for `bytes.translate`."""

TRANSCODE: Final[dict[tuple[Law, Law], bytes]] = {
    (source, target): bytes(range(256))
    if source is target
    else bytes(_code_of(target, level) for level in _LEVELS[source])
    for source in Law
    for target in Law
}
"""(from, to): the table that turns one law into the other."""

SILENCE: Final[dict[Law, int]] = {Law.PCMU: 0xFF, Law.PCMA: 0xD5}
"""The code of the quietest positive sample."""


def decode(law: Law, payload: bytes) -> bytes:
    """16-bit little-endian PCM of a G.711 payload: two bytes for each one given."""
    low, high = PCM_BYTES[law]
    pcm = bytearray(2 * len(payload))
    pcm[0::2] = payload.translate(low)
    pcm[1::2] = payload.translate(high)
    return bytes(pcm)


def encode(law: Law, pcm: bytes) -> bytes:
    """G.711 of 16-bit little-endian PCM. The PCM must be whole samples."""
    assert len(pcm) % 2 == 0, "half a sample"
    samples = array("H", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes(map(_codes(law).__getitem__, samples))


def transcode(source: Law, target: Law, payload: bytes) -> bytes:
    """The payload in the other law; the very same object when the laws are equal."""
    return payload if source is target else payload.translate(TRANSCODE[source, target])
