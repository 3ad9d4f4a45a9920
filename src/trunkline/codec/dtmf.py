"""Telephone events (RFC 4733): keys in RTP, one digit out of many packets.

A key press is sent as a series of packets with one RTP timestamp and a growing duration; the last one bears the E bit
and is sent three times. Any of them may be lost, doubled or late. `DigitReader` makes one digit of a series:

    no event --packet--> running --E bit--> ended     the digit is given at the first E bit,
                         running --newer event-->      or when a newer event shows that the old one is over,
                         running --silence-->          or when no packet of it has come for `LOST_END_S`.

A press longer than 0xFFFF timestamp units goes on under a new timestamp (section 2.5.1.3): same event, no marker,
beginning where the old one stopped; it stays one digit. Packets of an event that is over already are ignored.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from trunkline.codec.rtp import timestamp_distance

DIGITS: Final = "0123456789*#ABCD"
"""Event codes 0 to 15 in order."""

CLOCK_HZ: Final = 8000
VOLUME_DBM0: Final = 10
"""The volume we send, in -dBm0."""
LOST_END_S: Final = 0.25
"""A running event without any packet for so long is over: its last packets were lost. Senders repeat every 20 to 100
ms.
"""
_STALE_UNITS: Final = 5 * CLOCK_HZ
"""An event further back than this is no late packet but a sender that started its clock anew."""
_SEGMENT_SLACK: Final = 400
"""How many timestamp units a following segment may stand off the end of the one before it: 50 ms."""

_PAYLOAD = struct.Struct("!BBH")


class DtmfError(ValueError):
    """A payload is not a telephone-event. The argument is a short reason, good as a counter's label."""


@dataclass(frozen=True, slots=True)
class Event:
    """One telephone-event payload; `duration` in timestamp units."""

    code: int
    end: bool
    duration: int
    volume: int = VOLUME_DBM0


@dataclass(frozen=True, slots=True)
class Press:
    """A key that was pressed and for how long."""

    digit: str
    duration_ms: int


def parse_event(payload: bytes) -> Event:
    """Read a payload (section 2.3); of longer ones, as some gateways send, the first four bytes. Raises `DtmfError`."""
    if len(payload) < _PAYLOAD.size:
        raise DtmfError("short event")
    code, flags, duration = _PAYLOAD.unpack_from(payload)
    return Event(code, bool(flags & 0x80), duration, flags & 0x3F)


def pack_event(event: Event) -> bytes:
    """The four bytes of an event."""
    return _PAYLOAD.pack(event.code, (0x80 if event.end else 0) | event.volume, event.duration)


class DigitReader:
    """Reads the events of one RTP stream (one SSRC) and gives each key press once."""

    __slots__ = ("_before", "_code", "_last_at", "_last_duration", "_running", "_timestamp")

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._running = False
        self._code = 0
        self._before = 0
        self._last_duration = 0
        self._last_at = 0.0

    @property
    def running(self) -> bool:
        """Whether a key is down as far as we know; then `expire` must be called from time to time."""
        return self._running

    def read(self, event: Event, timestamp: int, marker: bool, now: float) -> list[Press]:
        """Take one packet's event with the packet's RTP timestamp and marker bit; `now` is monotonic seconds.

        Two presses come at once when all ends of one key and the beginning of the next were lost.
        """
        if event.code >= len(DIGITS):
            return []
        presses: list[Press] = []
        distance = None if self._timestamp is None else timestamp_distance(timestamp, self._timestamp)
        if distance is None or distance > 0 or distance < -_STALE_UNITS:
            if self._continues(event, distance, marker):
                self._before += distance or 0
            else:
                self._finish(presses)
                self._code, self._before = event.code, 0
            self._timestamp, self._last_duration, self._running = timestamp, 0, True
        elif distance < 0 or not self._running:
            return []
        self._last_at = now
        self._last_duration = max(self._last_duration, event.duration)
        if event.end:
            self._finish(presses)
        return presses

    def expire(self, now: float) -> list[Press]:
        """Give the running digit when its end must have been lost."""
        return self.flush() if now - self._last_at >= LOST_END_S else []

    def flush(self) -> list[Press]:
        """The stream is over: give the digit that was running."""
        presses: list[Press] = []
        self._finish(presses)
        return presses

    def _continues(self, event: Event, distance: int | None, marker: bool) -> bool:
        """Whether a newer timestamp is the next segment of the same long press."""
        if not self._running or marker or event.code != self._code or distance is None:
            return False
        return 0 < distance <= self._last_duration + _SEGMENT_SLACK and self._last_duration > 0

    def _finish(self, presses: list[Press]) -> None:
        if self._running:
            self._running = False
            units = self._before + self._last_duration
            presses.append(Press(DIGITS[self._code], units * 1000 // CLOCK_HZ))
