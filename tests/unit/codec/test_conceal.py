"""What is put where packets were lost, and noise where nobody spoke."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.codec.conceal import FADE_END, FUTURE, HISTORY, conceal
from trunkline.codec.noise import LEVEL_MAX, NoiseError, noise, parse_level

pytestmark = pytest.mark.unit


def voice(start: int, count: int, pitch_hz: float) -> list[int]:
    """A vowel: a pitch and two of its overtones."""
    return [
        round(sum(6000 / k * math.sin(2 * math.pi * pitch_hz * k * n / 8000 + k) for k in (1, 2, 3)))
        for n in range(start, start + count)
    ]


def energy(samples: list[int]) -> float:
    return sum(value * value for value in samples) + 1.0


@pytest.mark.parametrize("pitch_hz", [80.0, 110.0, 150.0, 193.0, 240.0, 310.0])
def test_a_vowel_goes_on(pitch_hz: float) -> None:
    lost = voice(HISTORY, 80, pitch_hz)
    made = conceal(voice(0, HISTORY, pitch_hz), 80, [])
    wrong = [a - b for a, b in zip(made, lost, strict=True)]
    assert 10 * math.log10(energy(lost) / energy(wrong)) > 8, "dB of signal over error in the first 10 ms"


def test_it_fades_and_is_silent_after_60_ms() -> None:
    made = conceal(voice(0, HISTORY, 150.0), 1600, [])
    parts = [energy(made[at : at + 80]) for at in range(0, FADE_END, 80)]
    assert parts[0] > parts[2] > parts[4]
    assert set(made[FADE_END:]) == {0}


def test_the_end_runs_into_what_follows() -> None:
    after = voice(HISTORY + 1000, FUTURE, 150.0)
    made = conceal(voice(0, HISTORY, 150.0), 1000, after)
    assert set(made[FADE_END:900]) == {0}
    assert abs(made[-1] - after[0]) < 600
    assert energy(made[-40:]) > energy(made[-80:-40])


def test_silence_stays_silent() -> None:
    assert set(conceal([8, -8] * 160, 160, [0] * FUTURE)) == {0}
    assert conceal([], 5, []) == [0] * 5
    assert conceal([9000] * 100, 5, [])[0] == 0, "too little to find a pitch in"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-32768, 32767), max_size=HISTORY),
    st.integers(1, 700),
    st.lists(st.integers(-32768, 32767), max_size=FUTURE),
)
def test_it_is_always_audio_of_the_right_length(before: list[int], length: int, after: list[int]) -> None:
    made = conceal(before, length, after)
    assert len(made) == length
    assert all(-32768 <= value <= 32767 for value in made)


@pytest.mark.parametrize("level", [10, 30, 50, 65])
def test_noise_has_its_level(level: int) -> None:
    samples = noise(level, 12_345, 8_000)
    power = sum(value * value for value in samples) / len(samples)
    assert 20 * math.log10(math.sqrt(power) / 32767) == pytest.approx(-level, abs=0.5)
    assert len(set(samples)) > 3


def test_noise_goes_on_where_it_was() -> None:
    assert noise(40, 0, 9_000)[5_000:6_000] == noise(40, 5_000, 1_000)
    assert set(noise(LEVEL_MAX, 0, 100)) == {0}
    assert max(map(abs, noise(0, 0, 8_000))) <= 32_767


def test_the_level_of_a_packet() -> None:
    assert parse_level(b"\x41\x05\x06") == 65
    for bad in (b"", b"\x80"):
        with pytest.raises(NoiseError):
            parse_level(bad)
