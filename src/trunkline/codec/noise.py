"""Comfort noise (RFC 3389): the level in a packet, and noise of that level.

A sender that has nothing to say may send one short packet instead: its first byte is the level of the noise behind it,
in -dBov. Spectral parameters after it are not used: the noise is white.
"""

from __future__ import annotations

import math
from array import array
from functools import lru_cache
from typing import Final

PAYLOAD_TYPE: Final = 13
"""The static payload type of CN at 8000 Hz (RFC 3551 table 4)."""
LEVEL_MAX: Final = 127
_TABLE: Final = 4096
_LCG_FACTOR: Final = 1664525
_LCG_STEP: Final = 1013904223


class NoiseError(ValueError):
    """A payload is no comfort noise. The argument is a short reason, good as a counter's label."""


def parse_level(payload: bytes) -> int:
    """The level of a packet in -dBov, 0 (loudest) to 127 (section 3.1). Raises `NoiseError`."""
    if not payload or payload[0] > LEVEL_MAX:
        raise NoiseError("noise level")
    return payload[0]


def noise(level: int, start: int, count: int) -> array[int]:
    """`count` 16-bit samples of noise of a level; `start` is where in the endless noise they stand."""
    table = _table(level)
    first = start % _TABLE
    out = table[first : first + count]
    while len(out) < count:
        out += table[: count - len(out)]
    return out


@lru_cache(maxsize=32)
def _table(level: int) -> array[int]:
    """Half a second of uniform noise whose power is `level` below that of full scale, the same at every call."""
    peak = min(32767.0, 32767.0 * 10 ** (-level / 20) * math.sqrt(3))
    state = 1
    values = array("h")
    for _ in range(_TABLE):
        state = (state * _LCG_FACTOR + _LCG_STEP) & 0xFFFFFFFF
        values.append(round((state / 0x80000000 - 1.0) * peak))
    return values
