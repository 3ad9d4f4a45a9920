"""Recordings: both parties on one clock, left and right, 16-bit at 8 kHz.

Time zero is the moment `record` was ordered. Where a packet stands and what stands where none came is each side's own
affair (`channel`); here is the one buffer that both write into.

    |<-- 2 s: late packets are still placed -->|<- now          2 s: early ones ->|
    base                                 written                                 end of buffer

The buffer holds that window interleaved and ready to write. Every `FLUSH_S` what is new goes to the disk; a late
packet behind `written` moves that mark back, and the next flush writes the stretch once more. A crash therefore loses
less than a second.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from trunkline.codec.conceal import FUTURE, HISTORY, conceal
from trunkline.codec.g711 import SAMPLE_RATE_HZ
from trunkline.codec.noise import noise
from trunkline.codec.wav import RECORDING_FRAME_SIZE
from trunkline.media.embedded.channel import WINDOW, Channel

if TYPE_CHECKING:
    from trunkline.media.embedded.disk import Disk

FLUSH_S: Final = 0.8
DURATION_S_MAX: Final = 12 * 3600
"""Three times the longest call: past it something was forgotten."""
_FRAME: Final = RECORDING_FRAME_SIZE
_ROOM: Final = SAMPLE_RATE_HZ // 2 * _FRAME
"""The buffer grows by half a second at a time."""


class Recording:
    """One stereo file in the making."""

    __slots__ = (
        "_base",
        "_buffer",
        "_disk",
        "_written",
        "channels",
        "end",
        "floor",
        "name",
        "paused",
        "sides",
        "started_at",
        "track",
    )

    def __init__(self, name: str, path: str, disk: Disk, now: float) -> None:
        self.name = name
        self.started_at = now
        self.paused = False
        self.sides: list[str | None] = [None, None]
        self.channels: list[Channel | None] = [None, None]
        self.track = disk.open(name, path)
        self.end = 0
        self.floor = 0
        self._disk = disk
        self._buffer = bytearray()
        self._base = 0
        self._written = 0

    def add(self, side: int, leg: str) -> Channel:
        """Let `leg` be heard on a side, 0 left or 1 right, from now on."""
        channel = Channel(self, 2 * side)
        self.sides[side] = leg
        self.channels[side] = channel
        return channel

    def pause(self, paused: bool, now: float) -> None:
        """Stand still, or go on. What was said meanwhile is not stored, not even when it arrives after the pause."""
        if self.paused == paused:
            return
        place = round((now - self.started_at) * SAMPLE_RATE_HZ)
        if paused:
            self._settle(place, finish=True)
        else:
            self.floor = place
        for channel in self.channels:
            if channel is not None:
                channel.cut(self.floor)
        self.paused = paused

    def grow(self, end: int) -> None:
        """Something is stored up to `end`, counted in samples from time zero: have room for it, and for some more."""
        self.end = end
        missing = (end - self._base) * _FRAME - len(self._buffer)
        if missing > 0:
            self._buffer.extend(bytes(missing + _ROOM))

    def store(self, tables: tuple[bytes, bytes], lane: int, place: int, payload: bytes) -> None:
        """Put samples at `place`, counted from time zero. What stands before the window is gone to disk for good."""
        start = (place - self._base) * _FRAME + lane
        if start < 0:
            return
        end = start + len(payload) * _FRAME - lane
        low, high = tables
        buffer = self._buffer
        buffer[start:end:_FRAME] = payload.translate(low)
        buffer[start + 1 : end : _FRAME] = payload.translate(high)
        if place < self._written:
            self._written = place

    def flush(self, now: float) -> None:
        """Hand what is new up to `now` to the disk and let go of what is older than the window."""
        place = round((now - self.started_at) * SAMPLE_RATE_HZ)
        if not self.paused:
            self._settle(place, finish=False)
        self._write(place)
        surplus = self._written - WINDOW - self._base
        if surplus > 0:
            del self._buffer[: surplus * _FRAME]
            self._base += surplus

    def finish(self, now: float) -> int:
        """Write the rest and close the file; gives its length in milliseconds."""
        end = max(self.end, round((now - self.started_at) * SAMPLE_RATE_HZ))
        if not self.paused:
            self._settle(end, finish=True)
        self._write(end)
        self._disk.close(self.track)
        return end * 1000 // SAMPLE_RATE_HZ

    def conceal(self, lane: int, start: int, end: int) -> None:
        """Let the voice of a side go on from `start` to `end`, where its packets were lost."""
        before = self._samples(lane, max(self.floor, start - HISTORY), start)
        self._put(lane, start, conceal(before, end - start, self._samples(lane, end, end + FUTURE)))

    def make_noise(self, lane: int, level: int, start: int, end: int) -> None:
        """Let noise of a level (-dBov) be heard on a side from `start` to `end`."""
        start = max(start, self._base)
        if start < end:
            self._put(lane, start, noise(level, start, end - start))

    def _settle(self, place: int, *, finish: bool) -> None:
        for channel in self.channels:
            if channel is not None:
                channel.settle(place, finish=finish)

    def _samples(self, lane: int, start: int, end: int) -> tuple[int, ...]:
        """What is stored of a side, as far as it is still in the buffer."""
        first = (max(start, self._base) - self._base) * _FRAME + lane
        last = max(end - self._base, 0) * _FRAME
        low, high = self._buffer[first:last:_FRAME], self._buffer[first + 1 : last : _FRAME]
        pcm = bytearray(2 * len(low))
        pcm[0::2], pcm[1::2] = low, high
        return struct.unpack(f"<{len(low)}h", pcm)

    def _put(self, lane: int, place: int, samples: Sequence[int]) -> None:
        """Store samples, like `store`."""
        if place < self._base:
            return
        self.grow(max(self.end, place + len(samples)))
        pcm = struct.pack(f"<{len(samples)}h", *samples)
        start = (place - self._base) * _FRAME + lane
        end = start + len(samples) * _FRAME - lane
        self._buffer[start:end:_FRAME] = pcm[0::2]
        self._buffer[start + 1 : end : _FRAME] = pcm[1::2]
        self._written = min(self._written, place)

    def _write(self, end: int) -> None:
        start = self._written
        if end <= start:
            return
        self.grow(max(end, self.end))
        first, last = (start - self._base) * _FRAME, (end - self._base) * _FRAME
        self._disk.write(self.track, start * _FRAME, bytes(memoryview(self._buffer)[first:last]))
        self._written = end
