"""A media engine in virtual time with parties on real loopback sockets.

Loopback delivers within `sendto`, so after a party has sent, one `turn` handles it: nothing waits and nothing is
left to chance.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trunkline.codec.dtmf import Event, pack_event
from trunkline.codec.rtp import RtpPacket, pack, parse
from trunkline.media.embedded.engine import Engine
from trunkline.media.embedded.ports import Pair, PortInUse
from trunkline.media.port import Codec, Direction, MediaEvent, Recorded, RemoteMedia, Srtp

HOST = "127.0.0.1"
FRAME = 160
START = 1000.0

WAIT_S_MAX = 20.0
"""How long the disk thread is waited for, on a machine that has other things to do."""


def free_pairs(count: int) -> list[Pair]:
    """Port pairs that nobody uses, found by asking the kernel for one and taking its neighbour."""
    pairs: list[Pair] = []
    while len(pairs) < count:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1] & ~1
        try:
            pairs.append(Pair(HOST, port))
        except (PortInUse, OverflowError):
            continue
    return pairs


def pcm_samples(pcm: bytes) -> tuple[int, ...]:
    """16-bit little-endian PCM as numbers."""
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def frame(value: int) -> bytes:
    """A frame that can be told from others: all samples the same code."""
    return bytes((value & 0xFF,)) * FRAME


class Party:
    """Somebody with a phone: a socket for RTP and one for RTCP, sending with own sequence and timestamp."""

    def __init__(self, host: str = HOST) -> None:
        # The RTCP port is RTP's next, as the engine expects.
        self.rtp, self.rtcp = neighbours(host)
        self.port: int = self.rtp.getsockname()[1]
        self.target = 0
        self.ssrc = self.port
        self.sequence = 100
        self.timestamp = 5000

    def send(self, payload: bytes, payload_type: int = 0, *, marker: bool = False, advance: int | None = None) -> None:
        """Send one packet and move on by its length, or by `advance` samples."""
        self.send_raw(pack(RtpPacket(payload_type, self.sequence, self.timestamp, self.ssrc, payload, marker)))
        self.skip(1, len(payload) if advance is None else advance)

    def skip(self, packets: int, samples: int = FRAME) -> None:
        """Go on as if packets had been sent that the network lost."""
        self.sequence = (self.sequence + packets) & 0xFFFF
        self.timestamp = (self.timestamp + packets * samples) & 0xFFFFFFFF

    def send_raw(self, datagram: bytes) -> None:
        """Send any bytes to the leg's RTP port."""
        self.rtp.sendto(datagram, (HOST, self.target))

    def press(self, code: int, payload_type: int = 101, kept: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)) -> None:
        """Send a key of 100 ms, only the packets in `kept` of its seven."""
        for n in range(7):
            if n in kept:
                event = pack_event(Event(code, n >= 4, 160 * min(n + 1, 5)))
                self.send(event, payload_type, marker=n == 0, advance=0)
            else:
                self.skip(1, 0)
        self.timestamp += 1600

    def received(self) -> list[RtpPacket]:
        """All RTP packets that have come."""
        return [parse(datagram) for datagram in _drain(self.rtp)]

    def reports(self) -> list[bytes]:
        """All RTCP datagrams that have come."""
        return _drain(self.rtcp)

    def close(self) -> None:
        """Hang the phone up."""
        self.rtp.close()
        self.rtcp.close()


def neighbours(host: str) -> tuple[socket.socket, socket.socket]:
    """Two UDP sockets on an even port and the next."""
    while True:
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            first.bind((host, 0))
            port: int = first.getsockname()[1]
            if port % 2 == 0:
                second.bind((host, port + 1))
                first.setblocking(False)
                second.setblocking(False)
                return first, second
        except OSError:
            second.close()
            first.close()
            continue
        second.close()
        first.close()


def _drain(sock: socket.socket) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(sock.recv(2048))
        except BlockingIOError:
            return datagrams


class Rig:
    """An engine, its events, and its parties."""

    def __init__(self, folder: Path, pairs: int, silent_ms_max: int | None) -> None:
        self.folder = folder
        self.now = START
        self.events: list[MediaEvent] = []
        self.pairs = free_pairs(pairs)
        self._unused = [pair.port for pair in self.pairs]
        self.parties: list[Party] = []
        self.engine = Engine(
            self.pairs,
            self.events.append,
            silent_ms_max=silent_ms_max,
            clock=lambda: self.now,
            utc=lambda: 1_700_000_000 + self.now,
        )
        self.engine.rest_s = 0.0

    def leg(
        self,
        name: str,
        codec: Codec = "PCMU",
        *,
        dtmf: int | None = 101,
        direction: Direction = "sendrecv",
        host: str = HOST,
    ) -> Party:
        """Open a leg and connect it to a new party."""
        party = self.open(name, host)
        self.connect(name, party, codec, dtmf=dtmf, direction=direction)
        return party

    def open(self, name: str, host: str = HOST) -> Party:
        """Open a leg whose party is not known yet."""
        party = Party(host)
        party.target = self._unused.pop()
        self.parties.append(party)
        self.engine.open(name, party.target)
        return party

    def connect(
        self,
        name: str,
        party: Party,
        codec: Codec = "PCMU",
        *,
        dtmf: int | None = 101,
        direction: Direction = "sendrecv",
        srtp: Srtp | None = None,
    ) -> None:
        """What the switch does at an answer or re-INVITE."""
        host = party.rtp.getsockname()[0]
        remote = RemoteMedia(host, party.port, codec, 0 if codec == "PCMU" else 8, dtmf, direction, srtp)
        self.engine.connect(name, remote)

    def bridge(self, a: str, b: str) -> None:
        """Join two legs."""
        self.engine.legs[a].join(self.engine.legs[b])

    def work(self) -> None:
        """Handle all that has come, without time passing."""
        for _ in range(8):
            self.engine.turn(0.0)

    def say(self, party: Party, *payloads: bytes, payload_type: int = 0) -> None:
        """A party sends frames 20 ms apart."""
        for payload in payloads:
            party.send(payload, payload_type)
            self.work()
            self.advance(0.02)

    def advance(self, seconds: float) -> None:
        """Let time pass, doing each thing at the very time it is due."""
        until = self.now + seconds
        while (due := self.engine.next_due()) <= until:
            self.now = max(self.now, due)
            self.engine.run_timers(self.now)
        self.now = until

    def recorded(self) -> Recorded:
        """Wait for the disk thread to finish the one recording that was stopped."""
        deadline = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < deadline:
            # Virtual time stands: a turn ends with the disk thread's wake-up, or because news is due to be sent.
            self.engine.turn(1.0)
            for event in self.events:
                if isinstance(event, Recorded):
                    return event
        raise AssertionError("the recording was never finished")

    def of(self, kind: type) -> list[MediaEvent]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def close(self) -> None:
        """End it all."""
        self.engine.close()
        for party in self.parties:
            party.close()


@contextmanager
def media(folder: Path, pairs: int = 4, silent_ms_max: int | None = None) -> Iterator[Rig]:
    """A rig that is closed at the end."""
    rig = Rig(folder, pairs, silent_ms_max)
    try:
        yield rig
    finally:
        rig.close()
