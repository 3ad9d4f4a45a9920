"""Parties of a call who know which audio they should hear: every frame says who spoke it and when.

A `Voice` speaks numbered frames over plain RTP and notes which it hears of another voice. A `GoodCall` is a call with
two of them: whatever is done to the switch meanwhile, it must not be disturbed.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from typing import Final, Self

from trunkline.codec.rtp import RtpError, RtpPacket, pack, parse
from trunkline.testing.byhand import Caller, Peer, sdp
from trunkline.testing.ports import HOST, free_block
from trunkline.testing.switch import SwitchProcess

FRAME: Final = 160
FRAME_S: Final = 0.02


def frame(name: str, number: int) -> bytes:
    """The µ-law codes of one frame: no two are alike, so each says who spoke it and when."""
    return hashlib.shake_128(f"{name} {number}".encode()).digest(FRAME)


class Voice:
    """Speaks frame after frame from `connect` on, 20 ms each, and notes which frames of `of` it hears."""

    def __init__(self, name: str, of: str) -> None:
        self.name = name
        self.of = of
        self.port = free_block(2)
        self.said = 0
        self.heard: list[int] = []
        self.foreign = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, self.port))
        self._socket.settimeout(0.05)
        self._target: int | None = None
        self._closing = threading.Event()
        self._expected: dict[bytes, int] = {}
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

    def connect(self, port: int) -> None:
        """Speak to a port of the switch from now on."""
        self._target = port

    def send(self, datagram: bytes) -> None:
        """Send something else from this very port."""
        assert self._target is not None
        self._socket.sendto(datagram, (HOST, self._target))

    def _speak(self) -> None:
        due = time.monotonic()
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            due += FRAME_S
            if self._target is None:
                continue
            number = self.said
            packet = RtpPacket(0, number & 0xFFFF, number * FRAME, self.port, frame(self.name, number), number == 0)
            self._socket.sendto(pack(packet), (HOST, self._target))
            self.said += 1

    def _listen(self) -> None:
        known = 0
        while not self._closing.is_set():
            try:
                packet = parse(self._socket.recv(2_000))
            except (TimeoutError, ConnectionRefusedError, RtpError):
                continue
            while packet.payload not in self._expected and known < len(self.heard) + 3_000:
                self._expected[frame(self.of, known)] = known
                known += 1
            number = self._expected.get(packet.payload)
            if number is None:
                self.foreign += 1
            else:
                self.heard.append(number)


class GoodCall:
    """A caller and a buyer who talk; `check` says whether they still hear exactly each other."""

    def __init__(self, caller: Caller, switch: SwitchProcess, voices: tuple[Voice, Voice], buyer: Peer) -> None:
        self.switch = switch
        self.buyer = buyer
        self.voices = voices
        before = len(buyer.got("INVITE"))
        self.call = caller.call(switch, body=sdp(voices[0].port))
        self.call.connect()
        self.invite = buyer.wait(lambda m: m.method == "INVITE" and not m.status, "INVITE", count=before + 1)
        answer = self.call.final()
        voices[0].connect(answer.audio_port)
        voices[1].connect(self.invite.audio_port)
        self.ports = (answer.audio_port, self.invite.audio_port)
        self.talk(10)

    def talk(self, frames: int) -> None:
        """Wait until each has heard so many further frames of the other."""
        wanted = [len(voice.heard) + frames for voice in self.voices]
        self.switch.until(
            lambda: all(len(voice.heard) >= count for voice, count in zip(self.voices, wanted, strict=True)),
            "the good call's parties to hear each other",
        )

    def check(self) -> None:
        """They hear each other bit for bit, in order, and nobody else; the call is alive.

        Only what the kernel threw away because a socket's buffer was full may be missing.
        """
        self.talk(10)
        thrown_away = sum(kernel_drops(port) for port in (*self.ports, *(voice.port for voice in self.voices)))
        for voice in self.voices:
            heard = list(voice.heard)
            assert voice.foreign == 0, f"{voice.name} heard {voice.foreign} frames of somebody else"
            assert heard == sorted(set(heard)), f"{voice.name} heard frames twice or out of order"
            missing = heard[-1] - heard[0] + 1 - len(heard)
            assert missing <= thrown_away, f"{voice.name} missed {missing} of {len(heard)} frames"
        assert not self.buyer.got("BYE"), "the switch hung up"

    def hang_up(self) -> None:
        """The caller ends it, and the buyer is told."""
        self.call.hang_up()
        self.buyer.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the good buyer")


def kernel_drops(port: int) -> int:
    """Datagrams to a UDP port that the kernel had no room for."""
    with open("/proc/net/udp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    return sum(int(row[-1]) for row in rows if int(row[1].partition(":")[2], 16) == port)


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024
