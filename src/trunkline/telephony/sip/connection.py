"""One TCP or TLS connection: framing, pings, and everything at which it is cut off."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Protocol, cast

import msgspec

from trunkline.sip.framing import PING, PONG, Framer
from trunkline.sip.hops import Hop

SOCKET_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # A way that has silently gone is found in seconds, not in the quarter of an hour that TCP goes on repeating: until
    # then every call by it would fail. The keepalives also hold the place of a quiet connection in a NAT.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 8_000),  # milliseconds that data may stay unacknowledged
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class ConnectionLimits(msgspec.Struct, frozen=True):
    """What a connection may cost us. Times are seconds, sizes bytes, the rest counts.

    `connections` are those that peers make, at most `strangers` of them by hosts that have proved nothing yet, where a
    trunk lets such speak at all; `connections_out` are ours. `partial_s` is how long one message may take from its
    first byte to its last; `mute_s` how long a connection may live that has brought no message at all, or of a host
    that has still proved nothing; `idle_s` how long any other may bring nothing. `unsent_bytes` is what waits for a
    peer that does not read.
    """

    connections: int = 4_000
    connections_per_source: int = 1_000
    connections_per_stranger: int = 16
    strangers: int = 1_000
    connections_out: int = 1_000
    connect_s: float = 4.0
    handshake_s: float = 5.0
    partial_s: float = 10.0
    mute_s: float = 30.0
    idle_s: float = 3_600.0
    unsent_bytes: int = 262_144
    hops_told: int = 64


class Owner(Protocol):
    """Who keeps the connections."""

    limits: ConnectionLimits

    def count(self, what: str) -> None:
        """Count something that happened to a connection."""

    def wait_s(self, host: str, now: float) -> float | None:
        """How long to read no more from `host`; None when it may no longer speak at all."""

    def message(self, data: bytes, source: Hop, now: float) -> None:
        """A whole message came."""

    def ping(self, source: Hop, now: float) -> None:
        """A keepalive came, and was answered."""

    def broken(self, head: bytes, source: Hop, status: int) -> None:
        """The rest of the stream cannot be read; `head`, if any, deserves `status`."""

    def batch(self) -> None:
        """All messages of one piece have been given."""

    def lost(self, connection: Connection) -> None:
        """The connection is gone."""


class Connection(asyncio.Protocol):
    """`hop` is the peer's own end, with the number of this connection. `key` is what it was dialled as, or None."""

    def __init__(self, owner: Owner, number: int, hop: Hop, key: Hop | None = None) -> None:
        self.number = number
        self.hop = hop
        self.key = key
        self.hops: set[Hop] = set()  # what messages over it were addressed to
        self.closed = False
        self.stranger = False  # made by a host that no trunk knows by its address
        self.pending: list[bytes] = []
        self._owner = owner
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._opened_at = self._heard_at = time.monotonic()
        self._spoke = False
        self._unsent = 0

    # -- called by the loop --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and with TLS past the handshake."""
        self._transport = stream = cast(asyncio.Transport, transport)
        if self.closed:
            stream.abort()
            return
        peer = stream.get_extra_info("socket")
        if peer is not None:
            for level, option, value in SOCKET_OPTIONS:
                peer.setsockopt(level, option, value)
        self._opened_at = self._heard_at = time.monotonic()
        pending, self.pending, self._unsent = self.pending, [], 0
        for data in pending:
            stream.write(data)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        now = time.monotonic()
        owner, source = self._owner, self.hop
        wait_s = owner.wait_s(source.host, now)
        if wait_s is None:
            self.abort("unknown_source")
            return
        self._heard_at = now
        for message in self._framer.feed(data, now):
            if self.closed:
                break  # cut off for what it has done a moment ago
            if message is PING:
                self.send(PONG)
                owner.ping(source, now)
            else:
                self._spoke = True
                owner.message(message, source, now)
        fault = self._framer.fault
        if fault is not None and not self.closed:
            owner.count(f"framing_{fault.reason}")
            owner.broken(fault.head, source, fault.status)
        owner.batch()
        if fault is not None:
            self.close()
        elif wait_s > 0:
            self._pause(wait_s)

    def _pause(self, for_s: float) -> None:
        """Read no more for a while: what a peer sends too fast waits in its own buffers, and nothing is lost."""
        stream = self._transport
        if stream is not None and not self.closed and stream.is_reading():
            self._owner.count("paused")
            stream.pause_reading()
            asyncio.get_running_loop().call_later(for_s, self._resume)

    def _resume(self) -> None:
        if self._transport is not None and not self.closed:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, whoever ended it."""
        self.closed = True
        self._owner.lost(self)

    # -- called by its owner -------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Write, or keep until connected; a peer that reads too slowly is cut off."""
        if self.closed:
            return
        if self._transport is None:
            self._unsent += len(data)
            self.pending.append(data)
            unsent = self._unsent
        else:
            self._transport.write(data)
            unsent = self._transport.get_write_buffer_size()
        if unsent > self._owner.limits.unsent_bytes:
            self.abort("slow_reader")

    def overdue(self, now: float) -> str | None:
        """Why the connection is to be cut off now, if it is."""
        limits, began_at = self._owner.limits, self._framer.began_at
        if self._transport is None:
            return None  # connecting and handshakes have their own limits
        if self.closed:
            return "linger" if now - self._heard_at > limits.partial_s else None
        if began_at is not None and now - began_at > limits.partial_s and self._transport.is_reading():
            return "partial"
        if (self.stranger or not (self._spoke or self.key)) and now - self._opened_at > limits.mute_s:
            return "mute"
        return "idle" if now - self._heard_at > limits.idle_s else None

    def abort(self, why: str) -> None:
        """Cut off at once."""
        self._owner.count(why)
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close after what was written has left."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()
