"""All TCP and TLS connections: those that are taken, those that are made, and which one a message goes by.

A message to a hop with a connection goes by that while it is open (RFC 3261 18.2.2); any other by one that we made to
the same address and name before, or by a new one. A connection that a peer made is never used for anybody but the
calls and transactions that came by it: only the peer's address is known of it, not who else it would speak for.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Protocol

from trunkline.sip.hops import Hop
from trunkline.telephony.sip.connection import Connection, ConnectionLimits
from trunkline.telephony.sip.listening import Listener
from trunkline.telephony.sip.tls import TlsContexts

log = logging.getLogger("trunkline.sip")

ACCEPTS_PER_WAKE = 16
"""Connections taken before other work gets its turn."""
SWEEP_S = 1.0
OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
OUT_OF_FILES_REST_S = 1.0


class Listens(Protocol):
    """What the driver does with what comes by streams."""

    def allowed(self, host: str) -> bool:
        """Whether `host` may speak to us at all."""

    def known(self, host: str) -> bool:
        """Whether it may without proving anything."""

    def stream_wait_s(self, host: str, now: float) -> float:
        """How long nothing more is to be read from `host`."""

    def stream_message(self, data: bytes, source: Hop, now: float) -> None:
        """A message came."""

    def stream_ping(self, source: Hop, now: float) -> None:
        """A keepalive came."""

    def stream_broken(self, head: bytes, source: Hop, status: int) -> None:
        """A stream that cannot be read on; its last head deserves `status`."""

    def stream_failed(self, hops: set[Hop]) -> None:
        """What was sent to these may not have arrived."""

    def flush(self) -> None:
        """All messages of one piece have been given."""


class Streams:
    """The connections of one driver. See `connection.Owner`."""

    def __init__(
        self,
        listeners: list[Listener],
        tls: Callable[[], TlsContexts],
        driver: Listens,
        dropped: Counter[str],
        limits: ConnectionLimits,
    ) -> None:
        self.limits = limits
        self._listeners = listeners
        self._tls = tls
        self._driver = driver
        self._dropped = dropped
        self._by_number: dict[int, Connection] = {}
        self._by_key: dict[Hop, Connection] = {}
        self._of_source: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._strangers = 0
        self._last = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_number)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take connections from now on."""
        self._loop = loop
        for listener in self._listeners:
            loop.add_reader(listener.socket.fileno(), self._accept, listener)

    def close(self) -> None:
        """Stop listening and end all connections."""
        for listener in self._listeners:
            if self._loop is not None:
                self._loop.remove_reader(listener.socket.fileno())
            listener.socket.close()
        if self._sweep is not None:
            self._sweep.cancel()
        for task in self._tasks:
            task.cancel()
        for connection in list(self._by_number.values()):
            connection.close()

    # -- taking connections --------------------------------------------------------------------------------------

    def _accept(self, listener: Listener) -> None:
        for _ in range(ACCEPTS_PER_WAKE):
            try:
                taken, peer = listener.socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.count(f"accept_{errno.errorcode.get(error.errno or 0, 'error')}")
                if error.errno in OUT_OF_FILES:
                    self._rest(listener)
                return
            refusal = self._refusal(peer[0])
            if refusal is not None:
                self.count(refusal)
                taken.close()
                continue
            taken.setblocking(False)
            hop = Hop(peer[0], peer[1], listener.own.transport, self._next_number())
            connection = self._keep(Connection(self, hop.flow, hop))
            connection.stranger = not self._driver.known(hop.host)
            self._strangers += connection.stranger
            self._spawn(self._welcome(connection, taken, hop.transport == "tls"), connection)

    def _rest(self, listener: Listener) -> None:
        """Look away from a listener while there are no more descriptors; it would be shown again and again."""
        assert self._loop is not None
        loop, descriptor = self._loop, listener.socket.fileno()
        loop.remove_reader(descriptor)

        def back() -> None:
            if listener.socket.fileno() == descriptor:
                loop.add_reader(descriptor, self._accept, listener)

        loop.call_later(OUT_OF_FILES_REST_S, back)

    def _refusal(self, host: str) -> str | None:
        if not self._driver.allowed(host):
            return "unknown_source"
        if len(self._by_number) - len(self._by_key) >= self.limits.connections:
            return "too_many_connections"
        known, limits = self._driver.known(host), self.limits
        if not known and self._strangers >= limits.strangers:
            return "too_many_strangers"
        if self._of_source[host] >= (limits.connections_per_source if known else limits.connections_per_stranger):
            return "too_many_connections_of_source"
        return None

    async def _welcome(self, connection: Connection, taken: socket.socket, secure: bool) -> None:
        assert self._loop is not None
        context = self._tls().server if secure else None
        assert context is not None or not secure, "TLS is listened for without a certificate"
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                taken,
                ssl=context,
                ssl_handshake_timeout=self.limits.handshake_s if secure else None,
            )
        except OSError:
            self.count("handshake_failed")
            self.lost(connection)

    # -- making connections --------------------------------------------------------------------------------------

    def send(self, data: bytes, hop: Hop, bind: str | None) -> None:
        """Send a message; a new connection comes from the address `bind`, None leaves it to the system."""
        connection = self._by_number.get(hop.flow) if hop.flow else None
        if connection is None or connection.closed:
            connection = self._toward(hop, bind)
        if connection is None:
            self._driver.stream_failed({hop})
            return
        if len(connection.hops) >= self.limits.hops_told:
            connection.hops.clear()
        connection.hops.add(hop)
        connection.send(data)

    def _toward(self, hop: Hop, bind: str | None) -> Connection | None:
        key = hop if not hop.flow else Hop(hop.host, hop.port, hop.transport, 0, hop.name)
        connection = self._by_key.get(key)
        if connection is not None and not connection.closed:
            return connection
        if hop.transport == "tls" and not hop.name:
            # A peer's own connection is gone, and nothing says what name its certificate would have to show.
            self.count("nowhere_to_answer")
            return None
        if len(self._by_key) >= self.limits.connections_out:
            self.count("too_many_connections_out")
            return None
        number = self._next_number()
        connection = self._keep(Connection(self, number, key._replace(flow=number, name=""), key))
        self._by_key[key] = connection
        self._spawn(self._connect(connection, key, bind, dialled=not hop.flow), connection)
        return connection

    async def _connect(self, connection: Connection, key: Hop, bind: str | None, dialled: bool) -> None:
        """`dialled` is False for an answer whose connection is gone: whoever left it is not worth a line in the log."""
        assert self._loop is not None
        secure = key.transport == "tls"
        try:
            async with asyncio.timeout(self.limits.connect_s):
                await self._loop.create_connection(
                    lambda: connection,
                    key.host,
                    key.port,
                    ssl=self._tls().client if secure else None,
                    server_hostname=key.name if secure else None,
                    local_addr=None if bind is None else (bind, 0),
                )
        except OSError as error:  # TimeoutError and ssl.SSLError are among them
            self.count("connect_failed")
            if dialled:
                reason = str(error) or f"not within {self.limits.connect_s:g} s"
                log.warning("no connection to %s port %d over %s: %s", key.host, key.port, key.transport, reason)
            self.lost(connection)

    # -- keeping them --------------------------------------------------------------------------------------------

    def _next_number(self) -> int:
        self._last += 1
        return self._last

    def _keep(self, connection: Connection) -> Connection:
        self._by_number[connection.number] = connection
        self._of_source[connection.hop.host] += 1
        if self._sweep is None:
            assert self._loop is not None
            self._sweep = self._loop.call_later(SWEEP_S, self._look_around)
        return connection

    def _spawn(self, work: Coroutine[None, None, None], connection: Connection) -> None:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a SIP connection failed for a reason of ours", exc_info=error)
                self.lost(connection)

        task.add_done_callback(done)

    def _look_around(self) -> None:
        """Cut off what is overdue."""
        self._sweep = None
        now = time.monotonic()
        for connection in list(self._by_number.values()):
            if connection.stranger and self._driver.known(connection.hop.host):
                connection.stranger = False  # it has proved a call, which we have answered
                self._strangers -= 1
            why = connection.overdue(now)
            if why is not None:
                connection.abort(why)
        if self._by_number:
            assert self._loop is not None
            self._sweep = self._loop.call_later(SWEEP_S, self._look_around)

    # -- connection.Owner ----------------------------------------------------------------------------------------

    def count(self, what: str) -> None:
        """Count something that happened to a connection."""
        self._dropped[f"stream_{what}"] += 1

    def wait_s(self, host: str, now: float) -> float | None:
        """How long to read no more from `host`; None when it may no longer speak at all."""
        return self._driver.stream_wait_s(host, now) if self._driver.allowed(host) else None

    def message(self, data: bytes, source: Hop, now: float) -> None:
        """A whole message came."""
        self._driver.stream_message(data, source, now)

    def ping(self, source: Hop, now: float) -> None:
        """A keepalive came, and was answered."""
        self._driver.stream_ping(source, now)

    def broken(self, head: bytes, source: Hop, status: int) -> None:
        """The rest of a stream cannot be read."""
        if head:
            self._driver.stream_broken(head, source, status)

    def batch(self) -> None:
        """All messages of one piece have been given."""
        self._driver.flush()

    def lost(self, connection: Connection) -> None:
        """A connection is gone, or was never made: what went by it fails, and is forgotten."""
        connection.closed = True
        if self._by_number.pop(connection.number, None) is None:
            return
        self._strangers -= connection.stranger
        host = connection.hop.host
        self._of_source[host] -= 1
        if not self._of_source[host]:
            del self._of_source[host]
        if connection.key is not None and self._by_key.get(connection.key) is connection:
            del self._by_key[connection.key]
        if connection.hops:
            self._driver.stream_failed(connection.hops)
