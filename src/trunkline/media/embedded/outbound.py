"""What goes out on a leg: one RTP stream, whoever speaks.

The party hears prompts, keys and its bridge peer one after the other, all under one SSRC with sequence numbers and
timestamps that never jump back. A *stretch* is what one speaker says without another between. Within a stretch of
relayed packets the speaker's own sequence and timestamp steps are kept, so the party's jitter buffer sees loss and
order as they were; at the head of a stretch the numbers are joined to what was sent before, the timestamp moves on by
the time that has passed, and the marker bit is set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from trunkline.codec.g711 import SAMPLE_RATE_HZ
from trunkline.codec.rtcp import SenderInfo
from trunkline.codec.rtp import HEADER, MARKER, PLAIN

_pack = HEADER.pack

Address = tuple[Any, ...]
SendTo = Callable[[bytes, Address], int]

_FRAME: Final = 160


class Outbound:
    """The stream to one party. `address` is None while nothing may be sent: then speakers go on, unheard."""

    __slots__ = (
        "_head",
        "_relay_highest",
        "_relay_sequence",
        "_relay_span",
        "_relay_timestamp",
        "_send",
        "_sent_at",
        "_sequence",
        "_step",
        "_timestamp",
        "address",
        "errors",
        "octets",
        "packets",
        "ssrc",
    )

    def __init__(self, send: SendTo, ssrc: int, sequence: int, timestamp: int) -> None:
        self._send = send
        self.ssrc = ssrc
        self.address: Address | None = None
        self.packets = 0
        self.octets = 0
        self.errors = 0
        self._sequence = sequence
        self._timestamp = timestamp
        self._step = 0
        self._sent_at = 0.0
        self._head = True
        self._relay_sequence = 0
        self._relay_timestamp = 0
        self._relay_highest = 0
        self._relay_span = 0

    def carry_by(self, send: SendTo) -> None:
        """Have packets carried by another function from now on."""
        self._send = send

    def cut(self) -> None:
        """Somebody else speaks from now on: the next packet is the head of a stretch."""
        self._head = True

    def speak(self, payload_type: int, payload: bytes, now: float) -> None:
        """Send the next frame of our own audio, right behind the one before it."""
        if self._head:
            timestamp = self._join(now)
            self._head = False
            payload_type |= MARKER
        else:
            timestamp = (self._timestamp + self._step) & 0xFFFFFFFF
        self._emit(payload_type, (self._sequence + 1) & 0xFFFF, timestamp, payload, now)
        self._step = len(payload)

    def event(self, payload_type: int, payload: bytes, first: bool, samples: int, now: float) -> None:
        """Send a telephone-event packet. All of a key bear the time of its `first`; the key takes `samples` so far."""
        timestamp = self._join(now) if first else self._timestamp
        self._head = True
        second = payload_type | MARKER if first else payload_type
        self._emit(second, (self._sequence + 1) & 0xFFFF, timestamp, payload, now if first else self._sent_at)
        self._step = samples

    def relay(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """Pass on a packet of the bridge peer; `second` is the header's second byte, marker and our payload type.

        Packets from before the head of the stretch are dropped: their place is taken.
        """
        if self.address is None:
            self._head = True
            return
        if self._head:
            self._head = False
            self._relay_timestamp = self._join(now) - timestamp
            self._relay_sequence = self._sequence + 1 - sequence
            self._relay_highest = sequence
            self._relay_span = 0
            self._sent_at = now
            second |= MARKER
            ahead = 0
        else:
            ahead = (sequence - self._relay_highest) & 0xFFFF
        outer_sequence = (sequence + self._relay_sequence) & 0xFFFF
        outer_timestamp = (timestamp + self._relay_timestamp) & 0xFFFFFFFF
        if ahead < 0x8000:
            self._relay_highest = sequence
            self._relay_span += ahead
            self._sequence = outer_sequence
            self._step = len(payload)
            if outer_timestamp != self._timestamp:
                # All packets of a key bear the time of its start: the clock is read where the timestamp moves.
                self._timestamp = outer_timestamp
                self._sent_at = now
        elif 0x10000 - ahead > self._relay_span:
            return
        # This is the hot path: `_deliver` written out saves a call a packet.
        self.packets += 1
        self.octets += len(payload)
        try:
            self._send(_pack(PLAIN, second, outer_sequence, outer_timestamp, self.ssrc) + payload, self.address)
        except OSError:
            self.errors += 1

    def sender_info(self, ntp: int, now: float) -> SenderInfo | None:
        """The body of a sender report for this moment, or None when nothing was sent yet."""
        if not self.packets:
            return None
        timestamp = (self._timestamp + round((now - self._sent_at) * SAMPLE_RATE_HZ)) & 0xFFFFFFFF
        return SenderInfo(self.ssrc, ntp, timestamp, self.packets, self.octets)

    def _join(self, now: float) -> int:
        """The timestamp of a new stretch: as much later as time has passed, and past the end of what was sent."""
        if not self.packets:
            return self._timestamp
        passed = round((now - self._sent_at) * SAMPLE_RATE_HZ)
        return (self._timestamp + max(passed, self._step, _FRAME)) & 0xFFFFFFFF

    def _emit(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        if self.address is None:
            # The place in the stream is not used up by what was never sent.
            self._head = True
            return
        self._sequence = sequence
        self._timestamp = timestamp
        self._sent_at = now
        self._deliver(_pack(PLAIN, second, sequence, timestamp, self.ssrc) + payload)

    def _deliver(self, datagram: bytes) -> None:
        self.packets += 1
        self.octets += len(datagram) - HEADER.size
        try:
            self._send(datagram, self.address)  # type: ignore[arg-type]
        except OSError:
            # A full socket buffer, no route, a firewall: for a stream of packets each of these is loss.
            self.errors += 1
