"""The SIP endpoint under fire, with calls going on: what it may say, to whom, and how much it may remember.

Every input comes from one of a few peers; the endpoint's user answers, refuses, rings and hangs up as switches do, and
time passes. After every input:

- nothing was raised;
- a response went to the address that the request had come from, or to whom an earlier copy had come from, and is not
  much larger than the request; there is at most one response that was not asked for again;
- a request of ours went to an address that a socket takes;
- legs and transactions are within their limits.

`close` lets time pass until nothing is under way: then nothing may be remembered, and every leg has ended once.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from typing import Final

from trunkline.sip.endpoint import Datagram, EndpointConfig, Hop, InviteTarget, SipEndpoint
from trunkline.sip.events import Gone, Incoming, Reoffered, SipEvent
from trunkline.sip.limits import DEFAULT_MESSAGE_LIMITS, StateLimits
from trunkline.sip.uri import is_usable
from trunkline.testing.fuzz.corpus import CALLED, CALLER, FRESH, LIVE, SDP

PEERS: Final = (
    CALLER, Hop("192.0.2.9", 5060), Hop("198.51.100.7", 40_000), Hop("2001:db8::1", 5060),
    Hop("192.0.2.1", 40_001, "tcp", 7), Hop("192.0.2.9", 40_002, "tls", 8),
)  # fmt: skip
LIMITS: Final = StateLimits(max_transactions=400, max_transactions_per_source=200, max_half_open=50)
LEGS_MAX: Final = 200
GROWTH_MAX: Final = 3
"""A response may be so many times as large as its request: it repeats it and adds a tag, Allow and the like."""
FIXED_MAX: Final = 400
"""What a response may hold beside."""
RESPONSE_MAX: Final = DEFAULT_MESSAGE_LIMITS.max_head + FIXED_MAX + len(SDP)
END_S: Final = 4_000.0
STEPS_S: Final = (0.0, 0.0, 0.001, 0.02, 0.5, 4.0, 40.0)
SAID_MAX: Final = 2_000
KNOWN_MAX: Final = 16
"""Calls and requests of which an input may know the identifiers."""
LAST: Final = b"@last@"
NEXT: Final = b"\n@next@\n"
"""Parts the datagrams of one `session`."""
SESSION_MAX: Final = 40


class Misbehaved(AssertionError):
    """The endpoint did what it must not do."""


class EndpointTarget:
    """One endpoint and its user; `run` for each input, `close` at the end."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        config = EndpointConfig(CALLED.host, CALLED.port, state_limits=LIMITS, timer_c_s=60.0)
        self.endpoint = SipEndpoint(config, self._random.randbytes)
        self.now = 0.0
        self.ended: Counter[int] = Counter()
        self.live: set[int] = set()
        self._said: dict[bytes, None] = {}
        self._fresh = 0
        self._dialogs: deque[bytes] = deque(maxlen=KNOWN_MAX)
        self._requests: deque[bytes] = deque(maxlen=KNOWN_MAX)

    def run(self, data: bytes) -> None:
        """One datagram, from one of the peers, some time after the one before."""
        data = self._filled(data)
        source = PEERS[sum(data[-8:]) % len(PEERS)] if self._random.random() < 0.2 else CALLER
        self.now += self._random.choice(STEPS_S)
        self.endpoint.handle_timer(self.now)
        self._user()
        self._sent()
        self.endpoint.receive(data, source, self.now)
        self._judge(data, source, self._sent())
        self._user()
        self._order()
        self._sent()
        if len(self.live) > LEGS_MAX or self.endpoint.live_legs > LEGS_MAX + LIMITS.max_half_open:
            raise Misbehaved(f"{self.endpoint.live_legs} legs")
        if self.endpoint.live_transactions > 2 * LIMITS.max_transactions + 4 * LEGS_MAX:
            raise Misbehaved(f"{self.endpoint.live_transactions} transactions")

    def said(self) -> list[bytes]:
        """The latest responses that inputs got at once, oldest first."""
        return list(self._said)

    def close(self) -> None:
        """Everybody hangs up and time passes. Raises Misbehaved when something is left."""
        for leg in sorted(self.live):
            self.endpoint.hangup(leg, self.now)
        end = self.now + END_S
        while (due := self.endpoint.next_timer()) is not None and due < end:
            self.now = max(self.now, due)
            self.endpoint.handle_timer(self.now)
            self._user(refuse=True)
            self._sent()
        if self.endpoint.live_legs or self.endpoint.live_transactions or self.endpoint.next_timer() is not None:
            raise Misbehaved(f"left: {self.endpoint.live_legs} legs, {self.endpoint.live_transactions} transactions")
        if self.live or any(count != 1 for count in self.ended.values()):
            raise Misbehaved("a leg did not end exactly once")

    def _filled(self, data: bytes) -> bytes:
        """The input with the identifiers of something that goes on in the places left for them."""
        if FRESH in data:
            self._fresh += 1
        fresh = b"f%d" % self._fresh
        data = data.replace(FRESH, fresh).replace(LAST, fresh)
        if LIVE not in data:
            return data
        known = self._requests if data.startswith(b"SIP/") else self._dialogs
        # Mostly the latest: of the others many have ended, and what is said in those is of less interest.
        latest = known and self._random.random() < 0.7
        return data.replace(LIVE, known[-1] if latest else self._random.choice(known) if known else b"X-None: 1")

    def _sent(self) -> list[Datagram]:
        """What goes out and did not before. Every address is one that a socket takes, and no response is huge."""
        fresh: list[Datagram] = []
        for datagram in self.endpoint.datagrams():
            data = datagram.data
            if not is_usable(datagram.destination):
                raise Misbehaved(f"a datagram for {datagram.destination}")
            if data.startswith(b"SIP/2.0 ") and len(data) > RESPONSE_MAX:
                raise Misbehaved(f"a response of {len(data)} bytes")
            if data not in self._said:
                fresh.append(datagram)
                self._said[data] = None
            self._learn(data)
        while len(self._said) > SAID_MAX:
            del self._said[next(iter(self._said))]
        return fresh

    def _learn(self, data: bytes) -> None:
        """Keep what a peer needs to answer this, or to speak in its dialog."""
        start, *lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
        by_name = {name: line for line in lines for name in (line.partition(b":")[0],)}
        via, sender, to, call_id, cseq = (by_name[n] for n in (b"Via", b"From", b"To", b"Call-ID", b"CSeq"))
        if start.startswith(b"SIP/2.0 ") and cseq.endswith(b"INVITE") and b";tag=" in to:
            self._dialogs.append(b"\r\n".join((sender, to, call_id)))
        elif start.startswith(b"ACK ") and b";tag=" in to:
            self._dialogs.append(b"\r\n".join((b"From" + to[2:], b"To" + sender[4:], call_id)))
        elif not start.startswith((b"SIP/2.0 ", b"ACK ")):
            answered = to if b";tag=" in to else to + b";tag=peer"
            self._requests.append(b"\r\n".join((via, sender, answered, call_id, cseq)))

    def _judge(self, data: bytes, source: Hop, sent: list[Datagram]) -> None:
        """What left at once because of this input, and never before, ahead of what the user had to say."""
        hosts = {peer.host for peer in PEERS}
        size, answers, head = 0, 0, data.lstrip(b"\r\n").partition(b"\r\n\r\n")[0]
        for datagram in sent:
            if not datagram.data.startswith(b"SIP/2.0 "):
                continue
            # A repetition may come from elsewhere: its transaction's answer goes where the first copy came from.
            if datagram.destination.host != source.host and datagram.destination.host not in hosts:
                raise Misbehaved(f"a response for {datagram.destination} to what came from {source}")
            # Not an answer to something else, such as a re-INVITE that a BYE ends (15.1.2).
            number = _line(datagram.data, b"CSeq")
            if b"CSeq: " + number in head or b"CSeq:" + number in head:
                answers, size = answers + 1, size + len(datagram.data)
        if answers > 1 or size > GROWTH_MAX * len(data) + FIXED_MAX:
            raise Misbehaved(f"{len(data)} bytes got {answers} responses of {size} bytes together")

    def _user(self, refuse: bool = False) -> None:
        for event in self.endpoint.events():
            if isinstance(event, Gone):
                self.ended[event.leg] += 1
                self.live.discard(event.leg)
            elif isinstance(event, Incoming):
                self.live.add(event.leg)
                self._incoming(event, refuse)
            elif isinstance(event, Reoffered):
                self._reoffered(event)

    def _incoming(self, event: SipEvent, refuse: bool) -> None:
        end, now = self.endpoint, self.now
        choice = 0 if refuse or len(self.live) > LEGS_MAX // 2 else self._random.randrange(4)
        if choice == 0:
            end.reject(event.leg, 486, now)
            return
        end.trying(event.leg, now)
        if choice == 1:
            end.ring(event.leg, now, 183, SDP)
        if choice >= 2:
            end.answer(event.leg, SDP, now)

    def _reoffered(self, event: SipEvent) -> None:
        if self._random.random() < 0.7:
            self.endpoint.reanswer(event.leg, SDP, self.now)
        else:
            self.endpoint.refuse_reoffer(event.leg, 488, self.now)

    def call(self) -> None:
        """The user calls somebody."""
        target = InviteTarget(
            request_uri="sip:+15125550100@192.0.2.1",
            destination=CALLER,
            to=None,
            from_uri="sip:+18335550100@192.0.2.2",
            from_display=None,
            sdp=SDP,
            first_response_s=4.0,
        )
        self.live.add(self.endpoint.invite(target, self.now))
        self._sent()

    def _order(self) -> None:
        """Now and then the user calls somebody, or hangs up."""
        draw = self._random.random()
        if draw < 0.02 and len(self.live) < LEGS_MAX // 2:
            self.call()
        elif draw < 0.06 and self.live:
            self.endpoint.hangup(self._random.choice(sorted(self.live)), self.now)


def _line(data: bytes, name: bytes) -> bytes:
    """The value of a header of ours."""
    return data.partition(b"\r\n" + name + b": ")[2].partition(b"\r\n")[0]


def run_session(data: bytes) -> None:
    """Several datagrams at an endpoint of their own, judged to the end: what is found is found again from the input.

    A call goes out before them; whether one comes in is for the input to say.
    """
    target = EndpointTarget(len(data))
    target.call()
    for datagram in data.split(NEXT)[:SESSION_MAX]:
        target.run(datagram)
    target.close()
