"""G.711 against the recommendation's own tables, written out segment by segment."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest

from trunkline.codec.g711 import SILENCE, Law, decode, encode, transcode

pytestmark = pytest.mark.unit

ALL_CODES = bytes(range(256))
ALL_SAMPLES = struct.pack("<65536h", *range(-32768, 32768))


def samples_of(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def ulaw_table() -> list[int]:
    """Table 2 of G.711 in 16-bit units: eight segments, each starting where the last ended, steps doubling from 8."""
    positive = []
    for segment in range(8):
        step = 8 << segment
        first = 132 * (1 << segment) - 132
        positive += [first + step * n for n in range(16)]
    # Codes count down from 0xFF (zero) to 0x80 for positive, 0x7F to 0x00 for negative values.
    table = [0] * 256
    for n, level in enumerate(positive):
        table[0xFF - n] = level
        table[0x7F - n] = -level
    return table


def alaw_table() -> list[int]:
    """Table 1 of G.711 in 16-bit units: levels stand in the middle of their step, even bits inverted."""
    table = [0] * 256
    for n in range(128):
        segment, place = divmod(n, 16)
        level = place * 16 + 8 if segment == 0 else (256 + place * 16 + 8) << (segment - 1)
        table[(0x80 | n) ^ 0x55] = level
        table[n ^ 0x55] = -level
    return table


TABLES = {Law.PCMU: ulaw_table(), Law.PCMA: alaw_table()}


@pytest.mark.parametrize("law", list(Law))
def test_every_code_decodes_to_the_level_of_the_recommendation(law: Law) -> None:
    assert list(samples_of(decode(law, ALL_CODES))) == TABLES[law]


@pytest.mark.parametrize("law", list(Law))
def test_every_sample_encodes_to_the_level_of_its_interval(law: Law) -> None:
    """No sample is further from its level than half of the wider step beside it."""
    levels = sorted(set(TABLES[law]))
    gaps = [after - before for before, after in pairwise(levels)]
    reach = {level: max(gaps[max(n - 1, 0)], gaps[min(n, len(gaps) - 1)]) // 2 for n, level in enumerate(levels)}
    chosen = samples_of(decode(law, encode(law, ALL_SAMPLES)))
    # The encoder sees 14 or 13 bits, cut off below, so a sample near a decision value may go either way.
    slack = 8 if law is Law.PCMU else 16
    for sample in range(-32768, 32768, 7):
        level = chosen[sample + 32768]
        assert abs(max(levels[0], min(sample, levels[-1])) - level) <= reach[level] + slack, sample


@pytest.mark.parametrize("law", list(Law))
def test_codes_survive_linear_and_back(law: Law) -> None:
    again = encode(law, decode(law, ALL_CODES))
    changed = {code: back for code, back in enumerate(again) if code != back}
    # µ-law has a negative zero, which comes back as the positive one.
    assert changed == ({0x7F: 0xFF} if law is Law.PCMU else {})


def test_known_points() -> None:
    assert encode(Law.PCMU, struct.pack("<4h", 0, 32767, -32768, -1)) == bytes((0xFF, 0x80, 0x00, 0x7E))
    assert encode(Law.PCMA, struct.pack("<4h", 0, 32767, -32768, -1)) == bytes((0xD5, 0xAA, 0x2A, 0x55))
    assert [samples_of(decode(law, bytes((SILENCE[law],))))[0] for law in Law] == [0, 8]


@pytest.mark.parametrize(("source", "target"), [(Law.PCMU, Law.PCMA), (Law.PCMA, Law.PCMU)])
def test_transcoding_is_decoding_and_encoding(source: Law, target: Law) -> None:
    assert transcode(source, target, ALL_CODES) == encode(target, decode(source, ALL_CODES))


def test_transcoding_keeps_what_the_other_law_can_say() -> None:
    there_and_back = transcode(Law.PCMU, Law.PCMA, transcode(Law.PCMA, Law.PCMU, ALL_CODES))
    before, after = samples_of(decode(Law.PCMA, ALL_CODES)), samples_of(decode(Law.PCMA, there_and_back))
    for old, new in zip(before, after, strict=True):
        assert abs(old - new) <= max(16, abs(old) // 16), (old, new)


def test_same_law_is_the_same_object() -> None:
    assert transcode(Law.PCMU, Law.PCMU, ALL_CODES) is ALL_CODES
