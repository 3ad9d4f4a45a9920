"""Randomness handed out in pieces."""

from __future__ import annotations

import os

import pytest

from trunkline.switch.entropy import BLOCK_BYTES, Entropy

pytestmark = pytest.mark.unit


def test_no_byte_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = bytearray()

    def draw(count: int) -> bytes:
        piece = (len(drawn) + count).to_bytes(2) * (count // 2) + bytes(count % 2)
        drawn.extend(piece)
        return piece

    monkeypatch.setattr(os, "urandom", draw)
    entropy = Entropy()
    given = b"".join(entropy(size) for size in [1, 10, 16, 8] * 100)
    assert len(given) == 3500
    assert given == bytes(drawn[:3500])
    # What is left of a block that is too short for the next piece is never given.
    assert entropy(1000) == bytes(drawn[BLOCK_BYTES : BLOCK_BYTES + 1000])


def test_a_piece_longer_than_a_block_comes_straight_from_the_system() -> None:
    entropy = Entropy()
    assert len(entropy(3 * BLOCK_BYTES)) == 3 * BLOCK_BYTES
    assert entropy(16) != entropy(16)
