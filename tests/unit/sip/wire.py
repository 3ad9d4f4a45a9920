"""Two endpoints on a wire in memory, the messages they are told, and what must be left of them: nothing."""

from __future__ import annotations

from trunkline.sip.endpoint import EndpointConfig, Hop, InviteTarget
from trunkline.sip.message import Request, Response, parse
from trunkline.testing.wire import Node, Wire, first_word, seeded

__all__ = ["Node", "Wire", "first_word", "seeded"]

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = SDP.replace(b"4000", b"5000")
CALLER = Hop("192.0.2.1", 5060)
CALLED = Hop("192.0.2.2", 5060)


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
