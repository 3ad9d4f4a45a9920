"""The loop around the SIP core: its sockets, connections and one timer.

After everything that may have changed the core (a message, a timer, an order of the switch) the driver hands out its
events, sends what is pending in order, and re-arms the timer. Orders given while events are handed out are sent with
them. What hosts send that are neither a trunk's nor known from our own sending is dropped unread, and so is what a host
sends too fast over UDP; over a stream it is left to wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable

from trunkline.sip.endpoint import EndpointConfig, Hop, SipEndpoint
from trunkline.sip.events import SipEvent
from trunkline.sip.limits import DEFAULT_STATE_LIMITS, StateLimits
from trunkline.sip.rates import Rates
from trunkline.sip.uri import Address, bracketed
from trunkline.telephony.sip.connection import ConnectionLimits
from trunkline.telephony.sip.doors import Doors, Peers
from trunkline.telephony.sip.gate import Gate
from trunkline.telephony.sip.listening import Places, open_listeners
from trunkline.telephony.sip.streams import Streams
from trunkline.telephony.sip.tls import TlsFiles, TlsUnusable, load_tls
from trunkline.telephony.sip.udp import UdpSocket

log = logging.getLogger("trunkline.sip")

MESSAGES_PER_S = 10_000
"""Messages taken of one host in the long run, and for `MESSAGES_BURST_S` of it at once; a call is about ten."""
MESSAGES_BURST_S = 2.0
TICK_S = 0.05
"""Timers of the core fire on ticks. The shortest is half a second; a call has half a dozen, and most find nothing left
to do: each by itself would wake a switch that rests."""
ANY = frozenset({"0.0.0.0", "::"})


class SipDriver:
    """All SIP of one switch. `on_event` is called in the loop's thread, in order, while nothing else of it runs."""

    def __init__(
        self,
        places: Places,
        doors: Doors,
        entropy: Callable[[int], bytes],
        on_event: Callable[[SipEvent], None],
        *,
        state_limits: StateLimits = DEFAULT_STATE_LIMITS,
        connection_limits: ConnectionLimits | None = None,
    ) -> None:
        """Opens the sockets; `doors` may be replaced at any time. Raises SipListenError and TlsUnusable."""
        self.doors = doors
        self.dropped: Counter[str] = Counter()
        self._places = places
        self._tls = load_tls(places.tls_files)
        listeners = open_listeners(places)
        self.addresses: dict[str, list[Address]] = {"udp": [], "tcp": [], "tls": []}
        for each in listeners:
            self.addresses[each.own.transport].append(each.address)
        self.address: Address = listeners[0].address
        self.public: Address = (listeners[0].own.host, listeners[0].own.port)
        config = EndpointConfig(
            host=self.public[0],
            port=self.public[1],
            defer_487=True,
            places=tuple(each.own for each in listeners),
            state_limits=state_limits,
        )
        self.endpoint = SipEndpoint(config, entropy)
        self._on_event = on_event
        self._peers = Peers()
        self.gate = Gate(self.public[0], entropy, self.dropped)
        self._rates = Rates(MESSAGES_PER_S, MESSAGES_BURST_S)
        self._binds = {f"{bracketed(each.own.host)}:{each.own.port}": each.address[0] for each in reversed(listeners)}
        self._sockets = {
            each.own.flow: UdpSocket(each, self._admits, self._take, self._arm, self._unreachable, self.dropped)
            for each in listeners
            if each.own.transport == "udp"
        }
        self.streams = Streams(
            [each for each in listeners if each.own.transport != "udp"],
            lambda: self._tls,
            self,
            self.dropped,
            connection_limits or ConnectionLimits(),
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = 0.0
        self._flushing = False

    def start(self) -> None:
        """Take messages from now on; must be called in the running loop."""
        self._loop = asyncio.get_running_loop()
        for each in self._sockets.values():
            each.start(self._loop)
        self.streams.start(self._loop)

    def close(self) -> None:
        """Stop listening. What is pending has been sent already."""
        if self._timer is not None:
            self._timer.cancel()
        self.streams.close()
        for each in self._sockets.values():
            each.close(self._loop)

    def now(self) -> float:
        """The core's clock: monotonic seconds."""
        return time.monotonic()

    def reload_tls(self) -> None:
        """Read the certificates again, for new connections; unusable ones change nothing and are told in the log."""
        if self._places.tls_files == TlsFiles():
            return
        try:
            self._tls = load_tls(self._places.tls_files)
        except TlsUnusable as error:
            self.dropped["tls_reload_failed"] += 1
            log.error("%s; the ones in use stay", error.message)

    # -- what comes in -------------------------------------------------------------------------------------------

    def allowed(self, host: str) -> bool:
        """Whether `host` may speak to us at all: a trunk's, one that we have sent to, or whoever has to prove it."""
        return self.known(host) or self.gate.open

    def known(self, host: str) -> bool:
        """Whether `host` may speak without proving anything."""
        return host in self._peers or self.doors.trunk_of(host) is not None

    def _admits(self, host: str, now: float) -> bool:
        if host not in self._peers and self.doors.trunk_of(host) is None and not self.gate.open:
            self.dropped["unknown_source"] += 1
            return False
        if not self._rates.take(host, now):
            self.dropped["rate"] += 1
            return False
        return True

    def _take(self, data: bytes, source: Hop, now: float) -> None:
        if self.gate.watching and not self._passes(data, source, now):
            return
        self.endpoint.receive(data, source, now)
        self._transmit()

    def _passes(self, data: bytes, source: Hop, now: float) -> bool:
        """Whether the gate lets a message through; one that must be proved is answered here."""
        passed = self.gate.judge(data, source, now, self.doors.trunk_of(source.host), source.host in self._peers)
        if isinstance(passed, bool):
            return passed
        answer = self.endpoint.challenge(passed.request, source, passed.lines)
        if answer is not None:
            self._put(answer.data, answer.destination)  # which makes nobody a peer
        return False

    def _unreachable(self, hop: Hop, now: float) -> None:
        self.endpoint.transport_failed(hop, now)
        self.endpoint.transport_failed(hop._replace(flow=0), now)
        self._transmit()

    def stream_wait_s(self, host: str, now: float) -> float:
        """See streams.Listens."""
        return self._rates.wait_s(host, now)

    def stream_message(self, data: bytes, source: Hop, now: float) -> None:
        """See streams.Listens."""
        self._rates.charge(source.host, now)
        self._take(data, source, now)

    def stream_ping(self, source: Hop, now: float) -> None:
        """See streams.Listens."""
        self._rates.charge(source.host, now)
        self.endpoint.counters["keepalives"] += 1

    def stream_broken(self, head: bytes, source: Hop, status: int) -> None:
        """See streams.Listens."""
        if self.known(source.host):
            self.endpoint.refuse(head, source, status)

    def stream_failed(self, hops: set[Hop]) -> None:
        """See streams.Listens."""
        now = time.monotonic()
        for hop in hops:
            self.endpoint.transport_failed(hop, now)
        self.flush()

    # -- what goes out -------------------------------------------------------------------------------------------

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

    def send_pending(self) -> None:
        """Send what is pending before anything slow is done; events wait for the next flush."""
        for datagram in self.endpoint.datagrams():
            self._send(datagram.data, datagram.destination)

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

    def _send(self, data: bytes, hop: Hop) -> None:
        self._peers.sent_to(hop.host)
        self._put(data, hop)

    def _put(self, data: bytes, hop: Hop) -> None:
        if hop.transport == "udp":
            through = self._sockets.get(hop.flow) or self._sockets[self.endpoint.face(hop).flow]
            if not through.send(data, hop):
                self.endpoint.transport_failed(hop, time.monotonic())
        else:
            bind = self._binds[self.endpoint.face(hop).sent_by]
            self.streams.send(data, hop, None if bind in ANY else bind)

    def _arm(self) -> None:
        assert self._loop is not None
        due = self.endpoint.next_timer()
        if due is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        due = (due // TICK_S + 1) * TICK_S
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
