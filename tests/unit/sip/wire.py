"""A network in memory: endpoints joined by a seeded wire that loses, repeats and reorders, under virtual time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import Any

from trunkline.sip.endpoint import Datagram, EndpointConfig, Hop, InviteTarget, SipEndpoint
from trunkline.sip.events import SipEvent
from trunkline.sip.message import Request, Response, parse

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = SDP.replace(b"4000", b"5000")
CALLER = Hop("192.0.2.1", 5060)
CALLED = Hop("192.0.2.2", 5060)

Filter = Callable[[Hop, Datagram], bool]


def seeded(seed: int) -> Callable[[int], bytes]:
    """Entropy that repeats exactly."""
    return random.Random(seed).randbytes


class Node:
    """One endpoint on the wire, with everything it ever told."""

    def __init__(self, address: Hop, seed: int, config: EndpointConfig | None = None) -> None:
        self.address = address
        self.sip = SipEndpoint(config or EndpointConfig(*address[:2]), seeded(seed))
        self.told: list[SipEvent] = []
        self.act: Callable[[SipEvent, float], None] = lambda event, now: None

    def of(self, kind: type[SipEvent], leg: int | None = None) -> list[SipEvent]:
        """The events of one kind so far."""
        return [event for event in self.told if type(event) is kind and leg in (None, event.leg)]

    def names(self, leg: int | None = None) -> list[str]:
        """The names of all events so far."""
        return [type(event).__name__ for event in self.told if leg in (None, event.leg)]


class Wire:
    """Delivers datagrams after `delay_s`; a node that is not there swallows them.

    `pass_through` may drop by hand. `sent` is everything that was put on the wire, lost or not.
    """

    def __init__(
        self,
        *nodes: Node,
        seed: int = 0,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        delay_s: float = 0.01,
    ) -> None:
        self.nodes = {node.address: node for node in nodes}
        self.random = random.Random(seed)
        self.loss, self.duplicate, self.reorder, self.delay_s = loss, duplicate, reorder, delay_s
        self.now = 0.0
        self.sent: list[tuple[float, Hop, Datagram]] = []
        self.pass_through: Filter = lambda source, datagram: True
        self._queue: list[tuple[float, int, Hop, Datagram]] = []
        self._serial = count()

    def flush(self) -> None:
        """Pick up what the nodes want to send and to tell, until they have no more to say."""
        busy = True
        while busy:
            busy = False
            for node in self.nodes.values():
                for datagram in node.sip.datagrams():
                    busy = True
                    self._put(node.address, datagram)
                for event in node.sip.events():
                    busy = True
                    node.told.append(event)
                    node.act(event, self.now)

    def inject(self, data: bytes, source: tuple[Any, ...], destination: Hop) -> None:
        """Deliver a datagram right now, as if `source` (a Hop, or the first of its fields) had sent it."""
        self.nodes[destination].sip.receive(data, Hop(*source), self.now)
        self.flush()

    def run(self, for_s: float) -> None:
        """Let virtual time pass."""
        self._run_until(self.now + for_s)

    def drain(self, limit_s: float = 100_000.0) -> None:
        """Let time pass until nothing is under way and nobody waits for a timer."""
        self._run_until(self.now + limit_s, stop_when_idle=True)

    def starts(self, source: Hop | None = None) -> list[str]:
        """The first words of what was sent: methods and statuses."""
        return [first_word(datagram.data) for _, sender, datagram in self.sent if source in (None, sender)]

    def _put(self, source: Hop, datagram: Datagram) -> None:
        self.sent.append((self.now, source, datagram))
        if not self.pass_through(source, datagram) or self.random.random() < self.loss:
            return
        copies = 2 if self.random.random() < self.duplicate else 1
        for _ in range(copies):
            late = self.delay_s * 6 * self.random.random() if self.random.random() < self.reorder else 0.0
            heapq.heappush(self._queue, (self.now + self.delay_s + late, next(self._serial), source, datagram))

    def _run_until(self, end: float, stop_when_idle: bool = False) -> None:
        self.flush()
        while True:
            timers = [due for node in self.nodes.values() if (due := node.sip.next_timer()) is not None]
            arrivals = [self._queue[0][0]] if self._queue else []
            upcoming = min([*timers, *arrivals], default=None)
            if upcoming is None or upcoming > end:
                assert upcoming is None or not stop_when_idle, "timers run for ever"
                self.now = self.now if stop_when_idle else end
                return
            self.now = max(self.now, upcoming)
            while self._queue and self._queue[0][0] <= self.now:
                _, _, source, datagram = heapq.heappop(self._queue)
                node = self.nodes.get(datagram.destination)
                if node is not None:
                    node.sip.receive(datagram.data, source, self.now)
                    self.flush()
            for node in self.nodes.values():
                node.sip.handle_timer(self.now)
            self.flush()


def pair(config: EndpointConfig | None = None, **wire: float) -> tuple[Wire, Node, Node]:
    """A wire with a caller and a called side."""
    caller, called = Node(CALLER, 1), Node(CALLED, 2, config)
    return Wire(caller, called, **wire), caller, called  # type: ignore[arg-type]


def target(**changes: object) -> InviteTarget:
    """Where the caller of `pair` calls."""
    fields: dict[str, object] = {
        "request_uri": "sip:bob@192.0.2.2",
        "destination": CALLED,
        "to": None,
        "from_uri": "sip:alice@192.0.2.1",
        "from_display": None,
        "sdp": SDP,
    }
    return InviteTarget(**(fields | changes))  # type: ignore[arg-type]


def established(**wire: float) -> tuple[Wire, Node, Node, int, int]:
    """A call that stands: wire, caller, called, and the leg of each."""
    net, caller, called = pair(None, **wire)
    leg = caller.sip.invite(target(), net.now)
    net.run(0.1)
    incoming = called.told[-1].leg
    called.sip.answer(incoming, ANSWER, net.now)
    net.run(0.1)
    assert caller.names() == ["Answered"]
    assert called.names() == ["Incoming", "Acknowledged"]
    return net, caller, called, leg, incoming


def first_word(data: bytes) -> str:
    """`INVITE`, or `200` and what it answers: `200 INVITE`."""
    message = parse(data)
    if isinstance(message, Request):
        return message.method
    return f"{message.status} {message.cseq.method}"


def request(data: bytes) -> Request:
    """The datagram, which must be a request."""
    message = parse(data)
    assert isinstance(message, Request)
    return message


def response(data: bytes) -> Response:
    """The datagram, which must be a response."""
    message = parse(data)
    assert isinstance(message, Response)
    return message


def assert_clean(*nodes: Node) -> None:
    """Every leg ended in exactly one Gone, its last event, and nothing is remembered."""
    for node in nodes:
        core = node.sip._core
        assert node.sip.next_timer() is None
        assert node.sip.live_legs == 0
        assert node.sip.live_transactions == 0
        assert not (core.dialogs)
        assert not (core.merged)
        assert not (core.by_destination)
        assert not (core.per_source)
        assert not (core.half_open)
        for leg in {event.leg for event in node.told}:
            names = node.names(leg)
            assert names.count("Gone") == 1, names
            assert names[-1] == "Gone", names


INVITE = """INVITE sip:bob@192.0.2.2 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKraw1;rport
Max-Forwards: 70
From: "Alice" <sip:alice@192.0.2.1>;tag=alice1
To: <sip:bob@192.0.2.2>
Call-ID: raw-call-1
CSeq: 1 INVITE
Contact: <sip:alice@192.0.2.1:5060>
Content-Length: 0

"""


def raw(text: str = INVITE, **changes: str) -> bytes:
    """A datagram from text; a keyword such as `call_id="x"` changes the header, `None` as text removes it."""
    lines = text.split("\n")
    for name, value in changes.items():
        header = name.replace("_", "-").lower()
        kept = [line for line in lines if line.partition(":")[0].lower() != header]
        if value:
            kept.insert(1, f"{name.replace('_', '-')}: {value}")
        lines = kept
    return "\r\n".join(lines).encode()
