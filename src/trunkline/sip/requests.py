"""Requests on their way out: the fields that identify one, and ACK and CANCEL made from them (RFC 3261 8.1.1, 9.1)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trunkline.sip.digest import Credentials
from trunkline.sip.errors import LocalSipError
from trunkline.sip.headers import MAX_FORWARDS, canonical
from trunkline.sip.hops import Hop
from trunkline.sip.message import Header, Response, encode
from trunkline.sip.uri import is_safe_uri

# Fields this package writes itself; a caller that also gave one would make two, and a different call.
OWN_HEADERS = frozenset(
    "Via Max-Forwards From To Call-ID CSeq Contact Route Record-Route Content-Length Content-Type Allow Require "
    "Supported Unsupported Proxy-Require User-Agent Server Authorization Proxy-Authorization".split()
)

# Fields that every request writes anew, so that a further try does not take them over from the one before.
_WRITTEN = frozenset(
    "Via Max-Forwards From To Call-ID CSeq Route Authorization Proxy-Authorization Content-Length".split()
)


class Outgoing(msgspec.Struct, gc=False):
    """One request of ours. `sent_by` is our `host:port` for the Via, `destination` the next hop.

    With a `login` a challenge is answered: `authorization` are the header lines that prove it, `tries` how many tries
    came before this one, `answered` the realms (a proxy's or not, and the name) whose challenges they were.
    `max_forwards` is how many hops it may take.
    """

    method: str
    uri: str
    branch: str
    sent_by: str
    call_id: str
    cseq: int
    from_header: str
    to_header: str
    destination: Hop
    routes: tuple[str, ...] = ()
    login: Credentials | None = None
    authorization: tuple[str, ...] = ()
    tries: int = 0
    answered: tuple[tuple[bool, str], ...] = ()
    max_forwards: int = MAX_FORWARDS

    def encode(self, extra: Sequence[str] = (), body: bytes = b"") -> bytes:
        """The datagram; `extra` are whole header lines. Raises LocalSipError on header injection."""
        if not is_safe_uri(self.uri):
            raise LocalSipError(f"unsafe Request-URI {self.uri!r}")
        lines = [
            f"Via: SIP/2.0/{self.destination.transport.upper()} {self.sent_by};rport;branch={self.branch}",
            f"Max-Forwards: {self.max_forwards}",
            f"From: {self.from_header}",
            f"To: {self.to_header}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {self.method}",
        ]
        if self.routes:
            lines.extend(f"Route: {route}" for route in self.routes)
        if self.authorization:
            lines.extend(self.authorization)
        lines.extend(extra)
        return encode(f"{self.method} {self.uri} SIP/2.0", lines, body)

    def failure_ack(self, response: Response) -> bytes:
        """The ACK of a 300-699 to this INVITE: its Request-URI, branch and route, the To of the response (17.1.1.3)."""
        to_header = response.header("To") or self.to_header
        return msgspec.structs.replace(self, method="ACK", to_header=to_header, max_forwards=MAX_FORWARDS).encode()

    def cancel(self) -> Outgoing:
        """The CANCEL of this INVITE: the same but for method and hops (9.1). Nobody may ask it for proofs (22.1)."""
        return msgspec.structs.replace(self, method="CANCEL", authorization=(), max_forwards=MAX_FORWARDS)


def nth_try(branch: str, cseq: int, further: int, tries: int = 0) -> tuple[str, int]:
    """Branch and CSeq of the try that comes `further` tries after one that had `tries` before it.

    They follow from those of the first try, so that whoever has stored these can name the others.
    """
    first = branch.partition(".")[0]
    number = tries + further
    return (f"{first}.{number}" if number else first), cseq + further


def header_lines(headers: Sequence[Header]) -> list[str]:
    """Lines for fields a caller adds. Raises LocalSipError for a bad name and for fields that are not its to set."""
    lines = []
    for name, value in headers:
        known = canonical(name)
        if not known:
            raise LocalSipError(f"header name {name!r} is not a token")
        if known in OWN_HEADERS:
            raise LocalSipError(f"{known} is written by the SIP core and cannot be given")
        lines.append(f"{known}: {value}")
    return lines


def further_lines(data: bytes, without: frozenset[str] = frozenset()) -> tuple[list[str], bytes]:
    """Header lines and body of a request of ours that its next try has as well, `without` these fields."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return [line for line in lines if (name := line.partition(":")[0]) not in _WRITTEN and name not in without], body
