"""The audio half of a peer whose signalling sipp does: one RTP socket that speaks known codes and keeps what it hears.

sipp names this socket's port in its SDP; what the switch's SDP says is read from sipp's own messages.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from typing import Self

from trunkline.codec.dtmf import DIGITS, DigitReader, Event, pack_event
from trunkline.codec.rtp import RtpError, RtpPacket, pack, parse
from trunkline.testing.ports import HOST, free_block
from trunkline.testing.sipp import Sipp
from trunkline.testing.switch import SwitchProcess

FRAME = 160
FRAME_S = 0.02
TELEPHONE_EVENT = 101
SILENCE = b"\xff" * FRAME


def codes(seed: int, ms: int) -> bytes:
    """So many ms of µ-law that cannot be mistaken for anything else. 0x7F is left out: it is a second zero."""
    alphabet = bytes(set(range(256)) - {0x7F, 0xFF})
    return bytes(random.Random(seed).choices(alphabet, k=ms * 8))


class Phone:
    """Sends one packet every 20 ms from `connect` on: what it is told to say or press, else silence."""

    def __init__(self, payload_type: int = 0, silence: bytes = SILENCE) -> None:
        self.port = free_block(2)
        self._payload_type = payload_type
        self._silence = silence
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, self.port))
        self._socket.settimeout(0.1)
        self._target: int | None = None
        self._waiting: deque[tuple[int, bytes, bool, int]] = deque()
        self._said = threading.Event()
        self._closing = threading.Event()
        self._packets: list[RtpPacket] = []
        self._threads = [threading.Thread(target=self._speak), threading.Thread(target=self._listen)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def connect(self, switch: SwitchProcess, signalling: Sipp) -> None:
        """Speak to the port that the switch's last SDP to `signalling` names, as soon as there is one."""
        found: list[int] = []

        def named() -> bool:
            bodies = [
                message.body for message in signalling.messages() if not message.sent and "m=audio" in message.body
            ]
            found.extend(int(body.split("m=audio ", 1)[1].split(" ", 1)[0]) for body in bodies[-1:])
            return bool(found)

        switch.until(named, "the switch to name its audio port")
        self._target = found[-1]

    def say(self, audio: bytes) -> None:
        """Say whole frames of codes after what waits already."""
        frames = [audio[start : start + FRAME] for start in range(0, len(audio), FRAME)]
        self._said.clear()
        self._waiting.extend((self._payload_type, frame, False, FRAME) for frame in frames)

    def press(self, digit: str) -> None:
        """Press a key for 100 ms by RFC 4733: five packets, then its end twice more."""
        code = DIGITS.index(digit)
        self._said.clear()
        for n in range(7):
            event = pack_event(Event(code, n >= 4, FRAME * min(n + 1, 5)))
            self._waiting.append((TELEPHONE_EVENT, event, n == 0, FRAME * 5 if n == 6 else 0))

    def until_said(self) -> None:
        """Wait until nothing waits to be sent any more."""
        assert self._said.wait(30), "the phone could not say everything"

    @property
    def packets(self) -> list[RtpPacket]:
        """All RTP packets that came, in order of arrival."""
        return list(self._packets)

    def heard(self) -> bytes:
        """The codes of all audio packets, one after the other."""
        return b"".join(packet.payload for packet in self._packets if packet.payload_type == self._payload_type)

    def digits(self) -> str:
        """The keys that were heard by RFC 4733."""
        reader = DigitReader()
        presses = [
            press
            for packet in self._packets
            if packet.payload_type == TELEPHONE_EVENT
            for press in reader.read(_event(packet.payload), packet.timestamp, packet.marker, 0.0)
        ]
        return "".join(press.digit for press in [*presses, *reader.flush()])

    def _speak(self) -> None:
        sequence, timestamp, ssrc = 100, 4_000, self.port
        due = time.monotonic()
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            due += FRAME_S
            if self._target is None:
                continue
            payload_type, payload, marker, advance = (
                self._waiting.popleft() if self._waiting else (self._payload_type, self._silence, False, FRAME)
            )
            packet = pack(RtpPacket(payload_type, sequence & 0xFFFF, timestamp, ssrc, payload, marker))
            self._socket.sendto(packet, (HOST, self._target))
            sequence, timestamp = sequence + 1, timestamp + advance
            if not self._waiting:
                self._said.set()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                self._packets.append(parse(self._socket.recv(2_000)))
            except (TimeoutError, ConnectionRefusedError, RtpError):
                continue


def _event(payload: bytes) -> Event:
    code, flags, duration = payload[0], payload[1], int.from_bytes(payload[2:4], "big")
    return Event(code, bool(flags & 0x80), duration)
