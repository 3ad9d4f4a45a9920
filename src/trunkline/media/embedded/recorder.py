"""Recordings: both parties on one clock, left and right, 16-bit at 8 kHz.

Time zero is the moment `record` was ordered. Each side is anchored once per RTP source: the first packet stands where
it arrived, and all later ones stand where their timestamps say, so jitter makes no gaps and loss leaves silence of
the right length. A source whose clock leaves the window (two seconds either way of arrival) for several packets in a
row, or a marked packet that stands well off its arrival, is anchored anew, never over what is stored already.

    |<-- 2 s: late packets are still placed -->|<- now          2 s: early ones ->|
    base                                 written                                 end of buffer

The buffer holds that window interleaved and ready to write. Every `FLUSH_S` what is new goes to the disk; a late
packet behind `written` moves that mark back, and the next flush writes the stretch once more. A crash therefore loses
less than a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trunkline.codec.g711 import SAMPLE_RATE_HZ
from trunkline.codec.wav import RECORDING_FRAME_SIZE

if TYPE_CHECKING:
    from trunkline.media.embedded.disk import Disk

FLUSH_S: Final = 0.8
DURATION_S_MAX: Final = 12 * 3600
"""Three times the longest call: past it something was forgotten."""
_WINDOW: Final = 2 * SAMPLE_RATE_HZ
_STRIKES_MAX: Final = 5
_REALIGN: Final = SAMPLE_RATE_HZ // 5
"""A talkspurt that begins further off its arrival than this is set right: the clocks have drifted."""
_FRAME: Final = RECORDING_FRAME_SIZE
_ROOM: Final = SAMPLE_RATE_HZ // 2 * _FRAME
"""The buffer grows by half a second at a time."""


class Channel:
    """One party's side of a recording; `lane` is the byte of a sample pair where it stands, 0 left and 2 right."""

    __slots__ = ("_lane", "_origin", "_ssrc", "_strikes", "_timestamp", "end", "late", "recording")

    def __init__(self, recording: Recording, lane: int) -> None:
        self.recording = recording
        self.end = 0
        self.late = 0
        self._lane = lane
        self._ssrc = -1
        self._origin = 0
        self._timestamp = 0
        self._strikes = 0

    def put(
        self, tables: tuple[bytes, bytes], ssrc: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        """Store one packet's audio at its place; `tables` are those of its law in `PCM_BYTES`."""
        recording = self.recording
        if recording.paused:
            return
        arrival = round((now - recording.started_at) * SAMPLE_RATE_HZ)
        if ssrc != self._ssrc:
            self._anchor(ssrc, timestamp, arrival)
        # `timestamp_distance`, written out.
        place = self._origin + ((timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        skew = place - arrival
        if not -_WINDOW < skew < _WINDOW or (marker and not -_REALIGN <= skew <= _REALIGN):
            self._strikes += 1
            if not marker and self._strikes < _STRIKES_MAX:
                self.late += 1
                return
            self._anchor(ssrc, timestamp, arrival)
            place = self._origin
        self._strikes = 0
        end = place + len(payload)
        if end > self.end:
            self.end = end
            if end > recording.end:
                recording.grow(end)
        recording.store(tables, self._lane, place, payload)

    def _anchor(self, ssrc: int, timestamp: int, arrival: int) -> None:
        self._ssrc = ssrc
        self._timestamp = timestamp
        self._origin = max(arrival, self.end)


class Recording:
    """One stereo file in the making."""

    __slots__ = (
        "_base",
        "_buffer",
        "_disk",
        "_written",
        "channels",
        "end",
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
        self._write(round((now - self.started_at) * SAMPLE_RATE_HZ))
        surplus = self._written - _WINDOW - self._base
        if surplus > 0:
            del self._buffer[: surplus * _FRAME]
            self._base += surplus

    def finish(self, now: float) -> int:
        """Write the rest and close the file; gives its length in milliseconds."""
        end = max(self.end, round((now - self.started_at) * SAMPLE_RATE_HZ))
        self._write(end)
        self._disk.close(self.track)
        return end * 1000 // SAMPLE_RATE_HZ

    def _write(self, end: int) -> None:
        start = self._written
        if end <= start:
            return
        self.grow(max(end, self.end))
        first, last = (start - self._base) * _FRAME, (end - self._base) * _FRAME
        self._disk.write(self.track, start * _FRAME, bytes(memoryview(self._buffer)[first:last]))
        self._written = end
