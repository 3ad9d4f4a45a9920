"""The audio of one scripted peer: an RTP socket that speaks, presses keys, echoes, and keeps what it hears.

A peer with somebody to speak to sends one packet every 20 ms from then on, silence when its script has nothing to say,
as telephones do. What it hears is laid on the time line of the sender's timestamps, so a lost packet leaves a gap of
the right length. Everything is bounded: what waits to be said, what is kept, how far the clock is caught up with.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from trunkline.codec import dtmf, rtp
from trunkline.codec.g711 import PCM_BYTES, SAMPLE_RATE_HZ, SILENCE, Law, decode, encode
from trunkline.sip.sdp import AudioMedia

FRAME_SAMPLES: Final = 160
FRAME_S: Final = FRAME_SAMPLES / SAMPLE_RATE_HZ
HEARD_S_MAX: Final = 300
"""Audio beyond this is heard, but no longer kept."""
SAID_FRAMES_MAX: Final = 15_000
"""Five minutes may wait to be said."""
KEYS_MAX: Final = 64
CATCH_UP_FRAMES: Final = 10
"""After a pause of the process at most so many packets are sent at once; the rest of the pause is given up."""
LOUD_LEVEL: Final = 600
"""Samples above it, of 32767, are sound and not line noise."""
LOUD_SAMPLES: Final = 12
"""A packet with so many loud samples can be heard."""
READS_PER_WAKE: Final = 32

_END_PACKETS: Final = 3  # RFC 4733 2.5.1.4
_GAP_FRAMES: Final = 4
_JUMP_SAMPLES: Final = 20 * SAMPLE_RATE_HZ


def _loud_codes(law: Law) -> bytes:
    """A table for `bytes.translate`: 1 for every code that is loud."""
    low, high = PCM_BYTES[law]
    levels = (int.from_bytes(bytes(pair), "little", signed=True) for pair in zip(low, high, strict=True))
    return bytes(abs(level) > LOUD_LEVEL for level in levels)


_LOUD: Final = {law: _loud_codes(law) for law in Law}


class Audio:
    """One end of a call's audio. `on_change` is called whenever something was heard or said to its end."""

    def __init__(self, host: str, ssrc: int, on_change: Callable[[], None]) -> None:
        """Bind a free port of `host`. Raises OSError when there is none."""
        self._loop = asyncio.get_running_loop()
        self._on_change = on_change
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((host, 0))
        except OSError:
            self._socket.close()
            raise
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self.law = Law.PCMU
        self.echoing = False
        self.packets_sent = 0
        self.packets_heard = 0
        self.first_heard_at: float | None = None
        self.digits_heard = ""
        self.first_loud_at: float | None = None
        self.last_loud_at: float | None = None
        self.loud_frames = 0
        self._ssrc = ssrc
        self._sequence = ssrc & rtp.SEQUENCE_MASK
        self._timestamp = ssrc
        self._media: AudioMedia | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._tick_at = 0.0
        self._said: deque[bytes] = deque()
        self._keys: deque[str] = deque()
        self._key_frame = -1
        self._key_frames = 0
        self._rest_frames = 0
        self._digits = dtmf.DigitReader()
        self._heard = bytearray()
        self._heard_base: int | None = None
        self._heard_ssrc = 0
        self._loop.add_reader(self._socket.fileno(), self._readable)

    # -- speaking ------------------------------------------------------------------------------------------------

    def connect(self, media: AudioMedia) -> None:
        """Speak to whom the session descriptions agreed on; again after a change of the session."""
        self._media = media
        self.law = Law(media.codec)
        if self._tick is None:
            self._tick_at = self._loop.time()
            self._send_due()

    def say(self, pcm: bytes) -> None:
        """Say 16-bit PCM of 8 kHz after what waits already. Raises ValueError when too much would wait."""
        coded = encode(self.law, pcm)
        coded += bytes([SILENCE[self.law]]) * (-len(coded) % FRAME_SAMPLES)
        frames = [coded[start : start + FRAME_SAMPLES] for start in range(0, len(coded), FRAME_SAMPLES)]
        if len(self._said) + len(frames) > SAID_FRAMES_MAX:
            raise ValueError(f"more than {SAID_FRAMES_MAX * FRAME_S:.0f} s of audio would wait to be said")
        self._said.extend(frames)

    def press(self, digits: str, key_ms: int = 100) -> None:
        """Press keys (0-9 * # A-D), each `key_ms` long, by RFC 4733. Raises ValueError for what is no key."""
        if len(self._keys) + len(digits) > KEYS_MAX or any(digit not in dtmf.DIGITS for digit in digits):
            raise ValueError(f"{digits!r} are not at most {KEYS_MAX} keys of {dtmf.DIGITS}")
        self._key_frames = max(1, round(key_ms / 1000 / FRAME_S))
        self._keys.extend(digits)

    @property
    def saying(self) -> bool:
        """Whether audio still waits to be sent."""
        return bool(self._said)

    @property
    def pressing(self) -> bool:
        """Whether keys still wait to be sent."""
        return bool(self._keys)

    def close(self) -> None:
        """Stop sending and hearing; what was heard stays."""
        if self._tick is not None:
            self._tick.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _send_due(self) -> None:
        now = self._loop.time()
        if now - self._tick_at > CATCH_UP_FRAMES * FRAME_S:
            self._tick_at = now - CATCH_UP_FRAMES * FRAME_S
        while self._tick_at <= now:
            self._tick_at += FRAME_S
            self._send_frame()
        self._tick = self._loop.call_at(self._tick_at, self._send_due)

    def _send_frame(self) -> None:
        was_busy = (self.saying, self.pressing)
        if self._keys and self._rest_frames == 0:
            self._send_key_frame()
        else:
            self._rest_frames = max(0, self._rest_frames - 1)
            payload = self._said.popleft() if self._said else bytes([SILENCE[self.law]]) * FRAME_SAMPLES
            self._send(None, self._timestamp, payload, marker=self.packets_sent == 0)
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & rtp.TIMESTAMP_MASK
        if was_busy != (self.saying, self.pressing):
            self._on_change()

    def _send_key_frame(self) -> None:
        """One packet of the key that is down; all of a key bear the timestamp of its start."""
        self._key_frame += 1
        code = dtmf.DIGITS.index(self._keys[0])
        start = (self._timestamp - self._key_frame * FRAME_SAMPLES) & rtp.TIMESTAMP_MASK
        last = self._key_frame + 1 >= self._key_frames
        event = dtmf.pack_event(dtmf.Event(code, last, (self._key_frame + 1) * FRAME_SAMPLES))
        for _ in range(_END_PACKETS if last else 1):
            self._send("dtmf", start, event, marker=self._key_frame == 0)
        if last:
            self._keys.popleft()
            self._key_frame = -1
            self._rest_frames = _GAP_FRAMES

    def _send(self, kind: str | None, timestamp: int, payload: bytes, *, marker: bool) -> None:
        media = self._media
        assert media is not None
        payload_type = media.payload_type if kind is None else media.dtmf_payload_type
        if not media.sends or payload_type is None:
            return
        self._sequence = (self._sequence + 1) & rtp.SEQUENCE_MASK
        packet = rtp.pack(rtp.RtpPacket(payload_type, self._sequence, timestamp, self._ssrc, payload, marker))
        self.packets_sent += 1
        try:
            self._socket.sendto(packet, (media.host, media.port))
        except OSError:
            # The other side has closed its port, or the buffer is full: for a stream of packets that is loss.
            self.packets_sent -= 1

    # -- hearing -------------------------------------------------------------------------------------------------

    def heard(self) -> bytes:
        """16-bit PCM of 8 kHz of all that was heard, gaps filled with silence, at most `HEARD_S_MAX` seconds."""
        return decode(self.law, bytes(self._heard))

    def _readable(self) -> None:
        for _ in range(READS_PER_WAKE):
            try:
                datagram = self._socket.recv(rtp.PACKET_SIZE_MAX + 1)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # An ICMP error of something sent before.
                continue
            try:
                self._hear(rtp.parse(datagram))
            except (rtp.RtpError, dtmf.DtmfError):
                # RTCP or worse has come to the RTP port. A peer that listens is not the place to complain.
                continue
        self._on_change()

    def _hear(self, packet: rtp.RtpPacket) -> None:
        media = self._media
        self.packets_heard += 1
        if self.first_heard_at is None:
            self.first_heard_at = self._loop.time()
        if media is not None and packet.payload_type == media.dtmf_payload_type:
            event = dtmf.parse_event(packet.payload)
            presses = self._digits.read(event, packet.timestamp, packet.marker, self._loop.time())
            self.digits_heard = (self.digits_heard + "".join(press.digit for press in presses))[-KEYS_MAX:]
            return
        if packet.payload.translate(_LOUD[self.law]).count(1) >= LOUD_SAMPLES:
            self.last_loud_at = self._loop.time()
            self.loud_frames += 1
            if self.first_loud_at is None:
                self.first_loud_at = self.last_loud_at
        self._keep(packet)
        if self.echoing and len(self._said) < SAID_FRAMES_MAX:
            self._said.append(packet.payload)

    def _keep(self, packet: rtp.RtpPacket) -> None:
        """Lay a packet where its timestamp says; a stream that begins anew goes on behind what is there."""
        if self._heard_base is None or packet.ssrc != self._heard_ssrc:
            self._heard_base = (packet.timestamp - len(self._heard)) & rtp.TIMESTAMP_MASK
            self._heard_ssrc = packet.ssrc
        place = rtp.timestamp_distance(packet.timestamp, self._heard_base)
        if not len(self._heard) - _JUMP_SAMPLES <= place <= len(self._heard) + _JUMP_SAMPLES:
            place = len(self._heard)
            self._heard_base = (packet.timestamp - place) & rtp.TIMESTAMP_MASK
        if place < 0 or place + len(packet.payload) > HEARD_S_MAX * SAMPLE_RATE_HZ:
            return
        if place > len(self._heard):
            self._heard.extend(bytes([SILENCE[self.law]]) * (place - len(self._heard)))
        self._heard[place : place + len(packet.payload)] = packet.payload
