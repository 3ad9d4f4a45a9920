"""A network in memory: SIP endpoints joined by a bad line, under virtual time.

    caller, called = Node(Hop("192.0.2.1", 5060), 1), Node(Hop("192.0.2.2", 5060), 2)
    wire = Wire(caller, called, seed=7, loss=0.3)
    caller.sip.invite(target, wire.now)
    wire.run(2.0)

Whole calls with all their timers take a few milliseconds, and go the same way each time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import Any

from trunkline.sip.endpoint import Datagram, EndpointConfig, Hop, SipEndpoint
from trunkline.sip.events import SipEvent
from trunkline.sip.message import Request, parse
from trunkline.testing.lossy import Line

Filter = Callable[[Hop, Datagram], bool]
"""Whether a datagram that this hop has sent is let through."""


def seeded(seed: int) -> Callable[[int], bytes]:
    """Entropy that repeats exactly."""
    return random.Random(seed).randbytes


class Node:
    """One endpoint on the wire, with everything it ever told. `act` is called with each of its events."""

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


class Wire(Line):
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
        super().__init__(seed, loss=loss, duplicate=duplicate, reorder=reorder, delay_s=delay_s)
        self.nodes = {node.address: node for node in nodes}
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
        if not self.pass_through(source, datagram):
            return
        for after_s in self.arrivals(datagram.data):
            heapq.heappush(self._queue, (self.now + after_s, next(self._serial), source, datagram))

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


def first_word(data: bytes) -> str:
    """`INVITE`, or `200` and what it answers: `200 INVITE`."""
    message = parse(data)
    if isinstance(message, Request):
        return message.method
    return f"{message.status} {message.cseq.method}"
