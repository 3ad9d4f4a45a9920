"""WAV files: reading what people upload, writing what phones hear and what we record.

`read` understands RIFF/WAVE with 8, 16, 24 or 32-bit PCM, µ-law and A-law, any number of channels, any usual rate,
and says what is wrong with anything else. `recording_header` and `repaired_header` make the header of our own stereo
recordings from the number of bytes that follow it, so a file whose writer died is mended by arithmetic alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from trunkline.codec.g711 import SAMPLE_RATE_HZ, Law, decode
from trunkline.codec.resample import resample

SIZE_MAX: Final = 64 * 1024 * 1024
RATE_HZ_MIN: Final = 4000
RATE_HZ_MAX: Final = 192_000
CHANNELS_MAX: Final = 32
HEADER_SIZE: Final = 44
RECORDING_CHANNELS: Final = 2
RECORDING_FRAME_SIZE: Final = 4
"""Bytes of one stereo 16-bit sample pair."""

_RIFF_SIZE_MAX: Final = 0xFFFFFFFF
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")


class Encoding(IntEnum):
    """WAVE format tags that are understood."""

    PCM = 1
    ALAW = 6
    ULAW = 7


_EXTENSIBLE: Final = 0xFFFE


class WavError(ValueError):
    """A file is not a WAV that can be read. The message says what is wrong with it, for the person who uploaded it."""


@dataclass(frozen=True, slots=True)
class Wav:
    """A file taken apart: `data` is the raw content of its data chunk, whole frames only."""

    encoding: Encoding
    channels: int
    rate_hz: int
    sample_bits: int
    data: bytes

    @property
    def frames(self) -> int:
        """Samples per channel."""
        return len(self.data) // (self.channels * self.sample_bits // 8)


def parse(content: bytes) -> Wav:
    """Take a WAV file apart. Raises `WavError` that says what is wrong.

    A data chunk that claims more than the file holds is read up to the end of the file: recorders that were
    interrupted leave those.
    """
    if len(content) > SIZE_MAX:
        raise WavError(f"the file has {len(content)} bytes; at most {SIZE_MAX} are read")
    if len(content) < 12 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise WavError("the file is no WAV: it does not begin with RIFF....WAVE")
    shape: tuple[Encoding, int, int, int] | None = None
    position = 12
    while position + _CHUNK.size <= len(content):
        name, size = _CHUNK.unpack_from(content, position)
        position += _CHUNK.size
        if name == b"fmt ":
            shape = _parse_format(content[position : position + size])
        elif name == b"data":
            if shape is None:
                raise WavError("the data chunk stands before the fmt chunk")
            return _cut(shape, content[position : position + size])
        # Chunks stand on even offsets.
        position += size + (size & 1)
    raise WavError("the file has no fmt chunk" if shape is None else "the file has no data chunk")


def read(content: bytes) -> bytes:
    """16-bit little-endian mono PCM at 8 kHz of a WAV file: channels are averaged, other rates resampled. Raises
    `WavError`.

    A file that is 8 kHz mono 16-bit PCM already comes back sample for sample.
    """
    wav = parse(content)
    pcm = _linear(wav)
    if wav.channels > 1:
        pcm = _mix_down(pcm, wav.channels)
    return resample(pcm, wav.rate_hz, SAMPLE_RATE_HZ)


def write(encoding: Encoding, channels: int, data: bytes) -> bytes:
    """A whole file of 8 kHz audio: 16-bit PCM, or 8-bit µ-law or A-law."""
    bits = 16 if encoding is Encoding.PCM else 8
    header = _header(encoding, channels, bits, len(data))
    return header + data + bytes(len(data) & 1)


def recording_header(data_size: int) -> bytes:
    """The 44 bytes before `data_size` bytes of stereo 16-bit PCM at 8 kHz."""
    return _header(Encoding.PCM, RECORDING_CHANNELS, 16, data_size)


def repaired_header(head: bytes, file_size: int) -> tuple[bytes, int]:
    """The right header of one of our recordings, and how long the file must be, from its first bytes and its size.

    A half-written sample pair at the end is cut off. A file shorter than a header becomes an empty recording, for
    then nothing was recorded. Raises `WavError` when the beginning is not that of a recording of ours.
    """
    expected = recording_header(0)
    # The two sizes are what a crash leaves wrong; all else must match as far as it was written.
    for start, end in ((0, 4), (8, 40)):
        if head[start:end] != expected[start : min(end, max(start, len(head)))]:
            raise WavError("the file does not begin like a recording of ours (stereo 16-bit PCM at 8 kHz)")
    data_size = max(file_size - HEADER_SIZE, 0) // RECORDING_FRAME_SIZE * RECORDING_FRAME_SIZE
    return recording_header(data_size), HEADER_SIZE + data_size


def _header(encoding: Encoding, channels: int, bits: int, data_size: int) -> bytes:
    frame = channels * bits // 8
    # Past 4 GB the field is full; readers then take the file's length.
    size = min(data_size, _RIFF_SIZE_MAX - HEADER_SIZE)
    shape = _FORMAT.pack(encoding, channels, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * frame, frame, bits)
    riff = b"RIFF" + struct.pack("<I", size + (size & 1) + HEADER_SIZE - 8) + b"WAVE"
    return riff + _CHUNK.pack(b"fmt ", len(shape)) + shape + _CHUNK.pack(b"data", size)


def _parse_format(chunk: bytes) -> tuple[Encoding, int, int, int]:
    if len(chunk) < _FORMAT.size:
        raise WavError("the fmt chunk is cut short")
    tag, channels, rate_hz, _, _, bits = _FORMAT.unpack_from(chunk)
    if tag == _EXTENSIBLE:
        if len(chunk) < 26:
            raise WavError("the extensible fmt chunk is cut short")
        tag = int.from_bytes(chunk[24:26], "little")
    if tag not in Encoding.__members__.values():
        raise WavError(f"encoding {tag} is not read: save it as 16-bit PCM, µ-law or A-law")
    if not 1 <= channels <= CHANNELS_MAX:
        raise WavError(f"{channels} channels; 1 to {CHANNELS_MAX} are read")
    if not RATE_HZ_MIN <= rate_hz <= RATE_HZ_MAX:
        raise WavError(f"sample rate {rate_hz} Hz; {RATE_HZ_MIN} to {RATE_HZ_MAX} are read")
    if bits not in ((8, 16, 24, 32) if tag == Encoding.PCM else (8,)):
        raise WavError(f"{bits} bits a sample are not read: save it as 16-bit PCM")
    return Encoding(tag), channels, rate_hz, bits


def _cut(shape: tuple[Encoding, int, int, int], data: bytes) -> Wav:
    encoding, channels, rate_hz, bits = shape
    frame = channels * bits // 8
    whole = len(data) // frame * frame
    if whole == 0:
        raise WavError("the data chunk is empty")
    return Wav(encoding, channels, rate_hz, bits, data[:whole])


def _linear(wav: Wav) -> bytes:
    """16-bit PCM with the channels still interleaved."""
    if wav.encoding is Encoding.ULAW:
        return decode(Law.PCMU, wav.data)
    if wav.encoding is Encoding.ALAW:
        return decode(Law.PCMA, wav.data)
    if wav.sample_bits == 16:
        return wav.data
    width = wav.sample_bits // 8
    pcm = bytearray(2 * (len(wav.data) // width))
    if width == 1:
        # 8-bit WAV is unsigned around 128.
        pcm[1::2] = wav.data.translate(bytes((value - 128) & 0xFF for value in range(256)))
    else:
        # The upper two bytes; what is below them is far under the telephone's noise.
        pcm[0::2] = wav.data[width - 2 :: width]
        pcm[1::2] = wav.data[width - 1 :: width]
    return bytes(pcm)


def _mix_down(pcm: bytes, channels: int) -> bytes:
    samples = memoryview(pcm).cast("h") if _NATIVE_LITTLE else struct.unpack(f"<{len(pcm) // 2}h", pcm)
    lanes = [samples[lane::channels] for lane in range(channels)]
    mixed = [sum(frame) // channels for frame in zip(*lanes, strict=True)]
    return struct.pack(f"<{len(mixed)}h", *mixed)


_NATIVE_LITTLE: Final = struct.pack("=H", 1) == struct.pack("<H", 1)
