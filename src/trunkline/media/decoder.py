"""Turns MP3, FLAC, Ogg Vorbis and WAV of any rate into 16-bit mono PCM of 8 kHz, from stdin to stdout.

A process of its own, started for each file when a configuration is loaded: what a stranger's file does to a decoder in
C, or to the memory, it does here, within bounds of memory and time, and not to the switch.
"""

from __future__ import annotations

import resource
import sys
from typing import Final

from trunkline.codec import wav
from trunkline.codec.g711 import SAMPLE_RATE_HZ
from trunkline.codec.resample import resample

MEMORY_MAX: Final = 2 << 30
RATE_HZ_MAX: Final = 192_000
CHANNELS_MAX: Final = 32
REFUSED: Final = 3
"""The exit code that comes with a sentence on standard error."""


class Undecodable(Exception):
    """The file holds no audio that is known here; the message says it to the person who uploaded it."""


def decode(content: bytes, duration_s_max: int) -> bytes:
    """16-bit little-endian mono PCM at 8 kHz of a file in any of the formats. Raises `Undecodable`."""
    try:
        known = wav.parse(content)
        if known.frames > duration_s_max * known.rate_hz:
            raise Undecodable(f"it is longer than {duration_s_max // 60} minutes")
        return wav.read(content)
    except wav.WavError:
        pass  # none, or of the rarer kinds
    try:
        import miniaudio
    except ImportError:
        raise Undecodable("only WAV is read on this machine: there is no package miniaudio for it") from None
    for look in (
        miniaudio.wav_get_info,
        miniaudio.flac_get_info,
        miniaudio.vorbis_get_info,
        miniaudio.mp3_get_info,  # last: it finds frames where there are none
    ):
        try:
            found = look(content)
        except miniaudio.MiniaudioError:
            continue
        if found.duration > duration_s_max:
            raise Undecodable(f"it is longer than {duration_s_max // 60} minutes")
        if not 0 < found.sample_rate <= RATE_HZ_MAX or not 0 < found.nchannels <= CHANNELS_MAX:
            raise Undecodable(f"{found.sample_rate} Hz in {found.nchannels} channels are not read")
        break
    else:
        raise Undecodable("it is no WAV, MP3, FLAC or Ogg Vorbis")
    try:
        decoded = miniaudio.decode(content, miniaudio.SampleFormat.SIGNED16, 1, found.sample_rate)
    except miniaudio.MiniaudioError:
        raise Undecodable("it is broken: its audio cannot be decoded") from None
    pcm = decoded.samples.tobytes()
    if len(pcm) < 2 * found.sample_rate // 100:
        raise Undecodable("it holds no audio")
    return resample(pcm[: 2 * found.sample_rate * duration_s_max], found.sample_rate, SAMPLE_RATE_HZ)


def main() -> int:
    """Read a file from standard input; the argument is the longest duration in seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sys.stdout.buffer.write(decode(sys.stdin.buffer.read(), int(sys.argv[1])))
    except Undecodable as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        sys.stderr.write("it needs too much memory")
        return REFUSED
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
