from __future__ import annotations

import io
import math
import struct
import wave

import pytest

from trunkline.codec import wav
from trunkline.codec.g711 import Law, decode
from trunkline.codec.resample import resample

pytestmark = pytest.mark.unit


def pcm(*samples: int) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def samples(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 2}h", data)


def riff(tag: int, channels: int, rate_hz: int, bits: int, data: bytes, extra: bytes = b"") -> bytes:
    shape = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * channels * bits // 8, channels * bits // 8, bits)
    body = b"WAVE" + extra + b"fmt " + struct.pack("<I", len(shape)) + shape
    return b"RIFF" + struct.pack("<I", 0) + body + b"data" + struct.pack("<I", len(data)) + data


def sine(hz: int, rate_hz: int, seconds: float, peak: int = 10_000) -> bytes:
    count = int(rate_hz * seconds)
    return pcm(*(round(peak * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(count)))


def test_plain_telephone_wav_comes_back_sample_for_sample() -> None:
    audio = pcm(*range(-500, 500, 7))
    assert wav.read(wav.write(wav.Encoding.PCM, 1, audio)) == audio


def test_what_we_write_the_standard_library_reads() -> None:
    with wave.open(io.BytesIO(wav.write(wav.Encoding.PCM, 2, pcm(1, 2, 3, 4)))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        assert file.readframes(9) == pcm(1, 2, 3, 4)


def test_companded_files() -> None:
    codes = bytes(range(256))
    assert wav.read(riff(7, 1, 8000, 8, codes)) == decode(Law.PCMU, codes)
    assert wav.read(riff(6, 1, 8000, 8, codes)) == decode(Law.PCMA, codes)


def test_other_widths() -> None:
    assert samples(wav.read(riff(1, 1, 8000, 8, bytes((0, 128, 255))))) == (-32768, 0, 32512)
    assert samples(wav.read(riff(1, 1, 8000, 24, b"\x11\x22\x33\x00\x00\x80"))) == (0x3322, -32768)
    assert samples(wav.read(riff(1, 1, 8000, 32, b"\x00\x11\x22\x33"))) == (0x3322,)


def test_channels_are_averaged() -> None:
    assert samples(wav.read(riff(1, 2, 8000, 16, pcm(100, 300, -7, 7)))) == (200, 0)
    assert samples(wav.read(riff(1, 3, 8000, 16, pcm(30, 60, 90)))) == (60,)


def test_extensible_and_foreign_chunks() -> None:
    shape = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 4) + b"\x01\x00" + bytes(14)
    body = b"WAVELIST\x03\x00\x00\x00abc\x00fmt " + struct.pack("<I", len(shape)) + shape
    content = b"RIFF\0\0\0\0" + body + b"data\x04\0\0\0" + pcm(5, 6)
    assert samples(wav.read(content)) == (5, 6)


def test_interrupted_recorder_leaves_a_readable_file() -> None:
    content = riff(1, 1, 8000, 16, pcm(1, 2, 3))
    claims_more = content[:40] + b"\xff\xff\xff\x7f" + content[44:]
    assert samples(wav.read(claims_more)) == (1, 2, 3)


@pytest.mark.parametrize("rate_hz", [6000, 11025, 16000, 22050, 44100, 48000])
def test_resampling_keeps_a_tone(rate_hz: int) -> None:
    converted = samples(wav.read(riff(1, 1, rate_hz, 16, sine(1000, rate_hz, 0.5))))
    wanted = samples(sine(1000, 8000, 0.5))
    assert len(converted) == len(wanted)
    # The edges ring for the length of the filter.
    errors = [abs(a - b) for a, b in zip(converted, wanted, strict=True)][200:-200]
    assert max(errors) <= 12, "more than 58 dB below the tone"


def test_resampling_does_not_fold_high_tones_back() -> None:
    converted = samples(resample(sine(6000, 48000, 0.5), 48000, 8000))
    assert max(map(abs, converted[200:-200])) <= 10, "60 dB down"


def test_resampling_clips_instead_of_wrapping() -> None:
    square = pcm(*([32767] * 60 + [-32768] * 60) * 40)
    assert min(samples(resample(square, 48000, 8000))) == -32768


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no WAV"),
        (b"ID3\x04" + bytes(60), "no WAV"),
        (b"RIFF\0\0\0\0WAVE", "no fmt"),
        (riff(1, 1, 8000, 16, b"")[:36], "no data"),
        (b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab", "before the fmt"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", "cut short"),
        (riff(85, 1, 8000, 16, b"ab"), "encoding 85"),
        (riff(1, 0, 8000, 16, b"ab"), "0 channels"),
        (riff(1, 1, 1, 16, b"ab"), "sample rate"),
        (riff(1, 1, 8000, 12, b"ab"), "12 bits"),
        (riff(7, 1, 8000, 16, b"ab"), "16 bits"),
        (riff(1, 2, 8000, 16, b"abc"), "empty"),
    ],
)
def test_malformed_files_say_what_is_wrong(content: bytes, says: str) -> None:
    with pytest.raises(wav.WavError, match=says):
        wav.read(content)


def test_repair_sets_the_sizes_and_cuts_half_a_pair() -> None:
    head = wav.recording_header(0)
    header, length = wav.repaired_header(head, 44 + 4 * 100 + 3)
    assert (header, length) == (wav.recording_header(400), 444)
    assert wav.repaired_header(header, length) == (header, length)


@pytest.mark.parametrize("size", [0, 1, 20, 43])
def test_repair_of_a_file_cut_within_its_header(size: int) -> None:
    head = wav.recording_header(0)[:size]
    assert wav.repaired_header(head, size) == (wav.recording_header(0), 44)


def test_repair_leaves_foreign_files_alone() -> None:
    for foreign in (b"hello, this is no recording of anybody at all", wav.write(wav.Encoding.PCM, 1, pcm(1, 2))):
        with pytest.raises(wav.WavError):
            wav.repaired_header(foreign, len(foreign))


def test_header_of_more_than_four_gigabytes_does_not_wrap() -> None:
    assert wav.recording_header(2**33)[40:44] == b"\xd3\xff\xff\xff"
