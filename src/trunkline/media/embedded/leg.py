"""One leg: a port pair and the party behind it.

Who speaks to the party, in this order: keys that we press, a prompt, the bridge peer. Each keeps its own time whether
it is heard or not. When nobody speaks nothing is sent: no comfort noise, no keep-alive.

Symmetric RTP: packets go to the address in the party's SDP until the first valid one comes from that very host; from
then on they go to where it came from, and only from there are packets taken (`latch`). A party behind a NAT that
changes the port is reached so, and nobody on another host can hear or speak. `connect` begins anew.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final, Protocol

from trunkline.codec.dtmf import DigitReader, DtmfError, Press, parse_event
from trunkline.codec.g711 import PCM_BYTES, TRANSCODE, Law
from trunkline.codec.noise import PAYLOAD_TYPE as NOISE
from trunkline.codec.noise import NoiseError, parse_level
from trunkline.codec.rtp import HEADER, HEADER_SIZE, PLAIN, RtpError, payload_of
from trunkline.media.embedded.channel import Channel
from trunkline.media.embedded.inbound import Inbound
from trunkline.media.embedded.keys import Keys
from trunkline.media.embedded.latch import Latch
from trunkline.media.embedded.outbound import Address, Outbound
from trunkline.media.embedded.player import Player
from trunkline.media.embedded.ports import Pair
from trunkline.media.embedded.srtp import SecureStream
from trunkline.media.port import LegStats, RemoteMedia, Srtp

DATAGRAM_SIZE: Final = 2048
OUR_DTMF_PAYLOAD_TYPE: Final = 101
"""The payload type for telephone-event in every SDP we write: a party may use it whatever it asked for itself."""
KEYS_PER_S: Final = 16.0
KEYS_AT_ONCE: Final = 48
"""The fastest dialler presses ten keys a second; each key is an event for the switch."""
_STATIC: Final = {0: Law.PCMU, 8: Law.PCMA}

_unpack = HEADER.unpack_from


class Host(Protocol):
    """What a leg needs of the engine it lives in."""

    def digits_read(self, leg: Leg, presses: list[Press]) -> None:
        """Keys were pressed by the leg's party."""

    def digit_running(self, leg: Leg) -> None:
        """A key is down: have its end watched for."""

    def play_over(self, leg: Leg, tag: int, completed: bool) -> None:
        """A play order is done."""

    def invalid(self, reason: str) -> None:
        """A packet was no good, for the engine's own totals."""


class Leg:
    """State of one leg. Attributes without underscore are read by the speakers and the engine."""

    __slots__ = (
        "_host",
        "_key_room",
        "_keys_at",
        "_reader",
        "channels",
        "dead",
        "dtmf_payload_type",
        "heard_at",
        "inbound",
        "invalid",
        "keys",
        "keys_dropped",
        "latch",
        "law",
        "laws",
        "may_receive",
        "may_send",
        "name",
        "noise_payload_type",
        "out",
        "pair",
        "payload_type",
        "peer",
        "player",
        "receive",
        "remote",
        "remote_jitter_ms",
        "remote_lost",
        "remote_reports",
        "round_trip_s",
        "rtcp_address",
        "secure",
    )

    def __init__(self, name: str, pair: Pair, host: Host, out: Outbound) -> None:
        self.name = name
        self.pair = pair
        self.out = out
        self.inbound = Inbound()
        self.latch = Latch()
        self.remote: RemoteMedia | None = None
        self.rtcp_address: Address | None = None
        self.law = Law.PCMU
        self.laws: dict[int, Law] = dict(_STATIC)
        self.payload_type = 0
        self.dtmf_payload_type: int | None = None
        self.noise_payload_type: int | None = None
        self.may_send = self.may_receive = False
        self.peer: Leg | None = None
        self.player: Player | None = None
        self.keys: Keys | None = None
        self.channels: tuple[Channel, ...] = ()
        self.heard_at = 0.0
        self.dead = False
        self.invalid = self.keys_dropped = self.remote_lost = self.remote_reports = 0
        self.remote_jitter_ms = 0.0
        self.round_trip_s: float | None = None
        self._host = host
        self._reader = DigitReader()
        self._key_room = float(KEYS_AT_ONCE)
        self._keys_at = 0.0
        self.secure: SecureStream | None = None
        self.receive: Callable[[float], None] = self._make_receive(pair.rtp.recvfrom)

    def connect(self, remote: RemoteMedia, now: float) -> None:
        """Take a new address, codec and direction, and arm the latch."""
        self.remote = remote
        self.latch.arm(remote.host, remote.port, now)
        self.law = Law(remote.codec)
        self.payload_type = remote.payload_type
        self.dtmf_payload_type = remote.dtmf_payload_type
        self.noise_payload_type = remote.noise_payload_type
        self.laws = {**_STATIC, remote.payload_type: self.law}
        self.may_send = remote.direction in ("sendrecv", "sendonly")
        self.may_receive = remote.direction in ("sendrecv", "recvonly")
        self.out.address = (remote.host, remote.port) if self.may_send else None
        self.rtcp_address = (remote.host, remote.port + 1)
        self._secure(remote.srtp)
        self.out.cut()
        self.heard_at = now
        self.dead = False
        if self.player is not None and self.player.law is not self.law:
            self.player.convert(self.law)

    def _secure(self, keys: Srtp | None) -> None:
        """Encrypt from now on, or with other keys, or no more. A leg without keys pays nothing for there being any."""
        if keys is not None and self.secure is not None:
            self.secure.rekey(keys)
            return
        sock = self.pair.rtp
        if keys is None:
            if self.secure is not None:
                self.secure = None
                self.out.carry_by(sock.sendto)
                self.receive = self._make_receive(sock.recvfrom)
            return
        secure = self.secure = SecureStream(keys)

        def send_sealed(packet: bytes, address: Address) -> int:
            sealed = secure.seal(packet)
            if sealed is None:
                raise OSError(errno.EINVAL, "a packet that cannot be encrypted")
            return sock.sendto(sealed, address)

        def receive_opened(size: int) -> tuple[bytes, Address]:
            datagram, source = sock.recvfrom(size)
            # Strangers are turned away by their address, at no cost of ours; what cannot be opened is an empty packet.
            known = source == self.latch.source or self.latch.is_host(source)
            return (secure.open(datagram) or b"") if known else datagram, source

        self.out.carry_by(send_sealed)
        self.receive = self._make_receive(receive_opened)

    def _make_receive(self, receive_from: Callable[[int], tuple[bytes, Address]]) -> Callable[[float], None]:
        """The handler of the RTP socket, with what every packet needs bound once: this is the hot path."""
        inbound, latch = self.inbound, self.latch

        def receive(now: float) -> None:
            datagram, source = receive_from(DATAGRAM_SIZE)
            if source != latch.source and not latch.may_settle(source, now):
                return
            try:
                # The plain header is all that phones normally send; the rest goes the careful way.
                plain = len(datagram) > HEADER_SIZE and datagram[0] == PLAIN and len(datagram) <= 1500
                payload = datagram[HEADER_SIZE:] if plain else payload_of(datagram)
            except RtpError as error:
                self._refuse(str(error))
                return
            _, second, sequence, timestamp, ssrc = _unpack(datagram)
            law = self.laws.get(second & 0x7F)
            if (law is None and not self._is_known(second & 0x7F)) or not payload:
                self._refuse("payload type" if payload else "empty")
                return
            if source != latch.source:
                self._settle(source)
            if ssrc != inbound.ssrc:
                if not latch.may_speak(ssrc, inbound.packets, now - self.heard_at):
                    return
                self._stream_begins(ssrc, sequence)
                inbound.count(sequence, timestamp, len(payload), now)
            elif not inbound.count(sequence, timestamp, len(payload), now):
                self._stream_begins(ssrc, sequence)
                inbound.count(sequence, timestamp, len(payload), now)
            self.heard_at = now
            if not self.may_receive:
                return
            if law is None:
                if self._is_event(second & 0x7F):
                    self._hear_event(second, sequence, timestamp, payload, now)
                else:
                    self._hear_noise(second, sequence, timestamp, payload, now)
                return
            peer = self.peer
            if peer is not None and peer.player is None and peer.keys is None:
                heard = payload if peer.law is law else payload.translate(TRANSCODE[law, peer.law])
                peer.out.relay(second & 0x80 | peer.payload_type, sequence, timestamp, heard, now)
            for channel in self.channels:
                channel.put(PCM_BYTES[law], ssrc, sequence, timestamp, second > 0x7F, payload, now)

        return receive

    def _refuse(self, reason: str) -> None:
        self.invalid += 1
        self._host.invalid(reason)

    def _is_event(self, payload_type: int) -> bool:
        return self.dtmf_payload_type is not None and payload_type in (self.dtmf_payload_type, OUR_DTMF_PAYLOAD_TYPE)

    def _is_known(self, payload_type: int) -> bool:
        return self._is_event(payload_type) or payload_type in (NOISE, self.noise_payload_type)

    def _settle(self, source: Address) -> None:
        self.latch.settle(source)
        if self.may_send:
            self.out.address = source

    def _stream_begins(self, ssrc: int, sequence: int) -> None:
        """Another stream begins: nothing of the numbers of the old one holds."""
        self.latch.fresh = False
        self.inbound.begin(ssrc, sequence)
        self._pressed(self._reader.flush(), self.heard_at)
        self._reader = DigitReader()
        if self.peer is not None:
            self.peer.out.cut()

    def _hear_event(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        try:
            event = parse_event(payload)
        except DtmfError as error:
            self._refuse(str(error))
            return
        for channel in self.channels:
            channel.passed(sequence)
        was_running = self._reader.running
        presses = self._reader.read(event, timestamp, second > 0x7F, now)
        self._pressed(presses, now)
        if self._reader.running and not was_running:
            self._host.digit_running(self)
        peer = self.peer
        if peer is not None and peer.player is None and peer.keys is None and peer.dtmf_payload_type is not None:
            peer.out.relay(second & 0x80 | peer.dtmf_payload_type, sequence, timestamp, payload, now)

    def _hear_noise(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """The party has stopped speaking: pass on what it says of the noise, if the other side knows such packets."""
        try:
            level = parse_level(payload)
        except NoiseError as error:
            self._refuse(str(error))
            return
        peer = self.peer
        if peer is not None and peer.player is None and peer.keys is None and peer.noise_payload_type is not None:
            peer.out.relay(second & 0x80 | peer.noise_payload_type, sequence, timestamp, payload, now)
        for channel in self.channels:
            channel.quiet(level, self.inbound.ssrc, sequence, timestamp, now)

    def expire_digit(self, now: float) -> bool:
        """Give a digit whose end was lost. False when no key is down any more, so watching can stop."""
        self._pressed(self._reader.expire(now), now)
        return self._reader.running

    def _pressed(self, presses: list[Press], now: float) -> None:
        """Report keys, but no more than anything that dials could press: the rest is dropped and counted."""
        if not presses:
            return
        self._key_room = min(KEYS_AT_ONCE, self._key_room + max(now - self._keys_at, 0.0) * KEYS_PER_S)
        self._keys_at = now
        taken = presses[: int(self._key_room)]
        self._key_room -= len(taken)
        self.keys_dropped += len(presses) - len(taken)
        self._host.digits_read(self, taken)

    def start_play(self, player: Player) -> None:
        """Let a player speak, in place of the one that does."""
        self.play_ended(completed=False)
        self.player = player
        self.out.cut()

    def play_ended(self, completed: bool) -> None:
        """The player is done, or replaced, or stopped."""
        if self.player is not None:
            tag = self.player.tag
            self.player = None
            self.out.cut()
            self._host.play_over(self, tag, completed)

    def keys_ended(self) -> None:
        """All keys are sent: whoever spoke before goes on."""
        self.keys = None
        self.out.cut()

    def join(self, peer: Leg) -> None:
        """Let both hear each other; whoever they were joined to before is left alone."""
        self.part()
        peer.part()
        self.peer, peer.peer = peer, self
        self.out.cut()
        peer.out.cut()

    def part(self) -> None:
        """Leave the bridge."""
        if self.peer is not None:
            self.peer.out.cut()
            self.peer.peer = None
            self.peer = None
            self.out.cut()

    def finish(self) -> None:
        """The leg closes: report what hung in the air."""
        self._pressed(self._reader.flush(), self.heard_at)
        self.play_ended(completed=False)
        self.keys = None
        self.part()

    def send_rtcp(self, datagram: bytes) -> None:
        """Send a report, if there is somewhere to send it to."""
        if self.rtcp_address is None:
            return
        sealed = datagram if self.secure is None else self.secure.seal_report(datagram)
        try:
            if sealed is not None:
                self.pair.rtcp.sendto(sealed, self.rtcp_address)
        except OSError:
            self.out.errors += 1

    def receive_rtcp(self) -> bytes | None:
        """A datagram from the RTCP socket; None when it is not the party's."""
        datagram, source = self.pair.rtcp.recvfrom(DATAGRAM_SIZE)
        if not self.latch.is_host(source):
            self.latch.foreign += 1
            return None
        return datagram if self.secure is None else self.secure.open_report(datagram)

    def stats(self) -> LegStats:
        """What has passed through so far."""
        inbound, out = self.inbound, self.out
        return LegStats(
            packets_in=inbound.packets,
            octets_in=inbound.octets,
            packets_out=out.packets,
            octets_out=out.octets,
            lost=inbound.lost,
            late_or_duplicate=inbound.late_or_duplicate,
            foreign=self.latch.foreign,
            other_stream=self.latch.other_stream,
            invalid=self.invalid,
            unauthenticated=0 if self.secure is None else self.secure.unauthenticated,
            keys_dropped=self.keys_dropped,
            send_errors=out.errors,
            jitter_ms=round(inbound.jitter_ms, 3),
            peer_reports=self.remote_reports,
            peer_lost=self.remote_lost,
            peer_jitter_ms=round(self.remote_jitter_ms, 3),
            round_trip_ms=None if self.round_trip_s is None else round(self.round_trip_s * 1000, 3),
            encrypted=self.secure is not None,
        )
