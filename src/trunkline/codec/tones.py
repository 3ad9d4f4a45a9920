"""Tones by table: ringback, beep and in-band DTMF keys as 16-bit PCM at 8 kHz.

A tone is a sum of sines whose common period is short, so one period is computed and repeated: 440 + 480 Hz repeat
every 200 samples, 697 + 1209 Hz every second.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from typing import Final

from trunkline.codec.dtmf import DIGITS
from trunkline.codec.g711 import SAMPLE_RATE_HZ

RINGBACK_HZ: Final = (440, 480)
"""North American precise tone plan: 440 + 480 Hz, two seconds on, four off."""
RINGBACK_ON_MS: Final = 2000
RINGBACK_OFF_MS: Final = 4000
RINGBACK_LEVEL: Final = 0.12
"""Of full scale, each of the two: about -16 dBm0 each, near the -19 of the plan but audible in a noisy room."""

BEEP_HZ: Final = (1000,)
BEEP_MS: Final = 400
BEEP_LEVEL: Final = 0.25

KEY_LEVEL: Final = 0.25
_ROWS: Final = (697, 770, 852, 941)
_COLUMNS: Final = (1209, 1336, 1477, 1633)
_KEYPAD: Final = "123A456B789C*0#D"


def tone(frequencies_hz: tuple[int, ...], level: float, duration_ms: int) -> bytes:
    """PCM of a steady tone; `level` is each sine's peak as a part of full scale. The sum must not clip."""
    assert level * len(frequencies_hz) <= 1.0
    period = SAMPLE_RATE_HZ // math.gcd(SAMPLE_RATE_HZ, *frequencies_hz)
    one = [
        round(32767 * level * sum(math.sin(2 * math.pi * hz * n / SAMPLE_RATE_HZ) for hz in frequencies_hz))
        for n in range(period)
    ]
    count = SAMPLE_RATE_HZ * duration_ms // 1000
    pcm = struct.pack(f"<{period}h", *one)
    return (pcm * (count // period + 1))[: 2 * count]


@cache
def ringback() -> bytes:
    """One cadence of US ringback: tone, then silence, six seconds in all."""
    return tone(RINGBACK_HZ, RINGBACK_LEVEL, RINGBACK_ON_MS) + silence(RINGBACK_OFF_MS)


@cache
def beep() -> bytes:
    """The tone after which one speaks."""
    return tone(BEEP_HZ, BEEP_LEVEL, BEEP_MS)


def silence(duration_ms: int) -> bytes:
    """PCM zeros."""
    return bytes(2 * SAMPLE_RATE_HZ * duration_ms // 1000)


@cache
def key(digit: str, duration_ms: int) -> bytes:
    """The in-band tone pair of a telephone key (ITU-T Q.23): one of 0-9 * # A-D."""
    assert len(digit) == 1
    assert digit in DIGITS
    place = _KEYPAD.index(digit)
    return tone((_ROWS[place // 4], _COLUMNS[place % 4]), KEY_LEVEL, duration_ms)
