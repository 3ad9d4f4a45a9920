"""The loop around the SIP core: one UDP socket, one timer.

After everything that may have changed the core (a datagram, a timer, an order of the switch) the driver hands out its
events, sends what is pending in order, and re-arms the timer. Orders given while events are handed out are sent with
them. Datagrams of hosts that are neither a trunk's nor known from our own sending are dropped unread.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable

from trunkline.kernel.errors import EnvironmentFault
from trunkline.sip.endpoint import EndpointConfig, Hop, SipEndpoint
from trunkline.sip.events import SipEvent
from trunkline.sip.uri import Address
from trunkline.telephony.sip.doors import Doors, Peers

log = logging.getLogger("trunkline.sip")

READS_PER_WAKE = 16
"""Datagrams taken from the socket before timers and other work get their turn."""
SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
DATAGRAM_MAX = 65_535


class SipListenError(EnvironmentFault):
    """The SIP address cannot be listened on."""


class SipDriver:
    """One SIP listener. `on_event` is called in the loop's thread, in order, while nothing else of the core runs."""

    def __init__(
        self,
        bind: Address,
        public_host: str,
        doors: Doors,
        entropy: Callable[[int], bytes],
        on_event: Callable[[SipEvent], None],
    ) -> None:
        """`public_host` is what peers are told to reach us by; `doors` may be replaced at any time."""
        self.doors = doors
        self.dropped: Counter[str] = Counter()
        self._socket = _listen(bind)
        self._received = memoryview(bytearray(DATAGRAM_MAX))
        host, port = self._socket.getsockname()[:2]
        self.address: Address = (host, port)
        self.public: Address = (public_host or host, port)
        self.endpoint = SipEndpoint(EndpointConfig(host=self.public[0], port=port, defer_487=True), entropy)
        self._on_event = on_event
        self._peers = Peers()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = 0.0
        self._flushing = False

    def start(self) -> None:
        """Take datagrams from now on; must be called in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Stop listening. What is pending has been sent already."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def now(self) -> float:
        """The core's clock: monotonic seconds."""
        return time.monotonic()

    def _readable(self) -> None:
        now = time.monotonic()
        for _ in range(READS_PER_WAKE):
            try:
                size, source = self._socket.recvfrom_into(self._received)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # An ICMP error of something sent before; the transaction's own timers decide what it means.
                self.dropped["socket_error"] += 1
                continue
            host = source[0]
            if host not in self._peers and self.doors.trunk_of(host) is None:
                self.dropped["unknown_source"] += 1
                continue
            self.endpoint.receive(bytes(self._received[:size]), Hop(host, source[1]), now)
            self._transmit()
        self._arm()

    def _hand_out(self) -> None:
        for event in self.endpoint.events():
            try:
                self._on_event(event)
            except Exception:
                # One leg's trouble; the news behind it is of other calls.
                self.dropped["event_error"] += 1
                log.exception("the listener failed on %s of leg %s", type(event).__name__, getattr(event, "leg", None))

    def flush(self) -> None:
        """Hand out events, send what is pending, re-arm the timer. To be called after orders; harmless at any time."""
        if not self._flushing:
            self._transmit()
            self._arm()

    def _transmit(self) -> None:
        self._flushing = True
        try:
            self._hand_out()
            pending = self.endpoint.datagrams()
            while pending:
                for datagram in pending:
                    self._send(datagram.data, datagram.destination)
                self._hand_out()
                pending = self.endpoint.datagrams()
        finally:
            self._flushing = False

    def _send(self, data: bytes, destination: Hop) -> None:
        """Send one datagram. Whatever the system says, the transaction's timers send it again or give up."""
        self._peers.sent_to(destination[0])
        try:
            self._socket.sendto(data, destination[:2])
        except OSError as error:
            self.dropped[f"send_{errno.errorcode.get(error.errno or 0, 'error')}"] += 1

    def _arm(self) -> None:
        assert self._loop is not None
        due = self.endpoint.next_timer()
        if due is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        if self._timer is not None:
            if self._timer_due_s <= due:
                return  # wakes up early once, which costs less than re-arming at every datagram
            self._timer.cancel()
        self._timer_due_s = due
        self._timer = self._loop.call_later(max(0.0, due - time.monotonic()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.endpoint.handle_timer(time.monotonic())
        self.flush()


def _listen(bind: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            listener.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        listener.bind(bind)
    except OSError as error:
        listener.close()
        raise SipListenError(
            f"cannot listen for SIP on {bind[0]}:{bind[1]}: {error.strerror or error}",
            hint="another program may use the port (`ss -ulnp` shows it), or the address is not this machine's; "
            "choose another with --sip",
        ) from error
    return listener
