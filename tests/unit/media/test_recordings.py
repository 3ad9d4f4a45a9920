from __future__ import annotations

import wave
from pathlib import Path

import pytest

from trunkline.codec.wav import recording_header
from trunkline.media.errors import BadRecording
from trunkline.media.recordings import length_ms, repair, repair_if_there

pytestmark = pytest.mark.unit


def crashed(path: Path, audio: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(recording_header(0) + audio)
    return path


def test_a_crashed_file_becomes_readable(tmp_path: Path) -> None:
    path = crashed(tmp_path / "r.wav", bytes(range(256)) * 4 + b"\x01\x02\x03")
    assert repair(path) is True
    with wave.open(str(path)) as file:
        assert file.readframes(9999) == bytes(range(256)) * 4
    before = path.read_bytes()
    assert repair(path) is False
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [0, 1, 12, 43])
def test_a_file_cut_in_its_header_becomes_an_empty_recording(tmp_path: Path, size: int) -> None:
    path = tmp_path / "r.wav"
    path.write_bytes(recording_header(0)[:size])
    assert repair(path) is True
    with wave.open(str(path)) as file:
        assert file.getnframes() == 0


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.wav"
    path.write_bytes(b"RIFF and something else, by somebody else, from somewhere else")
    before = path.read_bytes()
    with pytest.raises(BadRecording):
        repair(path)
    assert path.read_bytes() == before
    assert repair_if_there(path) is not None


def test_a_recording_that_was_never_begun_needs_no_repair(tmp_path: Path) -> None:
    assert repair_if_there(tmp_path / "missing.wav") is None


def test_length(tmp_path: Path) -> None:
    assert length_ms(crashed(tmp_path / "r.wav", bytes(32 * 250))) == 250
    assert length_ms(tmp_path / "missing.wav") == 0
