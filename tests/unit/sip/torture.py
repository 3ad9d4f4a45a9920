"""What the torture tests share: messages written line by line, and what becomes of one at the door of an endpoint.

RFC 4475 describes messages that are legal and look wrong, and others that look legal and are wrong. The messages here
are our own, each made from what the RFC says is special about one of its own, under the RFC's short name for it.
"""

from __future__ import annotations

from tests.unit.sip.wire import CALLED, CALLER, Node, Wire, assert_clean, response

from trunkline.sip.events import Incoming
from trunkline.sip.message import Request, Response

VIA = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-torture;rport"
COMMON = (VIA, "Max-Forwards: 70", "Call-ID: torture@192.0.2.1")
PARTIES = ("From: <sip:anna@phones.test>;tag=a1", "To: <sip:desk@sales.test>")
CONTACT = "Contact: <sip:anna@192.0.2.1>"


def message(*lines: str, body: bytes = b"") -> bytes:
    """A datagram of these lines, written exactly as they stand."""
    return "\r\n".join((*lines, "", "")).encode() + body


def simple(method: str, *extra: str, uri: str = "sip:desk@sales.test", body: bytes = b"") -> bytes:
    """A request with all it must have, and `extra`."""
    return message(f"{method} {uri} SIP/2.0", *COMMON, *PARTIES, f"CSeq: 1 {method}", CONTACT, *extra, body=body)


class Door:
    """An endpoint that one datagram has come to."""

    def __init__(self, data: bytes) -> None:
        self.node = Node(CALLED, 2)
        self.net = Wire(self.node)
        self.net.inject(data, CALLER, CALLED)

    @property
    def replies(self) -> list[Response]:
        """What it has answered."""
        return [response(datagram.data) for _, _, datagram in self.net.sent]

    def refused(self) -> Response:
        """Its only answer, and nothing of the request may be remembered."""
        (only,) = self.replies
        assert self.node.told == []
        assert_clean(self.node)
        return only

    def dropped(self) -> None:
        """No answer, and nothing remembered."""
        assert self.replies == []
        assert self.node.told == []
        assert_clean(self.node)

    def taken(self) -> Request:
        """The INVITE that has become a call."""
        assert self.replies == []
        (event,) = self.node.told
        assert isinstance(event, Incoming)
        return event.request
