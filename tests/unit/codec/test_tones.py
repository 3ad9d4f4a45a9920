from __future__ import annotations

import cmath
import math
import struct

import pytest

from trunkline.codec import tones
from trunkline.codec.dtmf import DIGITS

pytestmark = pytest.mark.unit


def level(pcm: bytes, hz: float) -> float:
    """Peak amplitude of one frequency in a piece of PCM."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    turn = -2j * math.pi * hz / 8000
    return 2 * abs(sum(s * cmath.exp(turn * n) for n, s in enumerate(samples))) / len(samples)


def test_ringback_is_two_seconds_of_440_and_480_and_four_of_nothing() -> None:
    pcm = tones.ringback()
    assert len(pcm) == 6 * 16000
    tone = pcm[:16000]
    assert level(tone, 440) == pytest.approx(0.12 * 32767, rel=0.01)
    assert level(tone, 480) == pytest.approx(0.12 * 32767, rel=0.01)
    assert level(tone, 620) < 20
    assert pcm[32000:] == bytes(64000)


def test_keys_are_their_row_and_column() -> None:
    pairs = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "*": (941, 1209), "#": (941, 1477), "D": (941, 1633)}
    for digit, wanted in pairs.items():
        pcm = tones.key(digit, 1000)
        for hz in (697, 770, 852, 941, 1209, 1336, 1477, 1633):
            assert (level(pcm, hz) > 5000) == (hz in wanted), (digit, hz)
    assert len({tones.key(digit, 100) for digit in DIGITS}) == 16


def test_beep_and_silence() -> None:
    assert len(tones.beep()) == 6400
    assert level(tones.beep(), 1000) == pytest.approx(0.25 * 32767, rel=0.01)
    assert tones.silence(20) == bytes(320)
