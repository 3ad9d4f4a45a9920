"""Responses: what they repeat from the request, and where they go (RFC 3261 8.2.6, 18.2; RFC 3581)."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import split_values
from trunkline.sip.hops import Hop, default_port
from trunkline.sip.message import REASONS, Request, encode
from trunkline.sip.uri import DEFAULT_PORT


def reply_hop(request: Request, source: Hop) -> Hop:
    """Where the response goes (18.2.2): the address the request came from; the port too when the Via asks by `rport`.

    Over a stream that is the connection it came by, and when that is gone a new one to the port of the Via. `maddr`
    is not followed: it would let a sender aim our responses at somebody else.
    """
    via = request.via
    host, _, transport, flow, _ = source
    if transport != "udp":
        return Hop(host, via.port or default_port(transport), transport, flow)
    return source if "rport" in via.params else Hop(host, via.port or DEFAULT_PORT, transport, flow)


def echo_lines(request: Request, source: Hop) -> list[str]:
    """The lines every response repeats: Via (with `received` and `rport` filled in), From, Call-ID and CSeq."""
    lines = [f"Via: {value}" for value in request.lines("Via")]
    via = request.via
    asks_port = "rport" in via.params
    if asks_port or via.host.strip("[]") != source[0]:
        values = split_values(lines[0][5:])
        kept = [part for part in values[0].split(";") if _parameter(part) not in ("rport", "received")]
        kept.append(f"received={source[0]}")
        if asks_port:
            kept.append(f"rport={source[1]}")
        lines[0] = "Via: " + ", ".join([";".join(kept), *values[1:]])
    lines += [
        f"From: {request.header('From')}",
        f"Call-ID: {request.header('Call-ID')}",
        f"CSeq: {request.header('CSeq')}",
    ]
    return lines


def response(
    request: Request,
    echo: Sequence[str],
    status: int,
    to_tag: str | None,
    extra: Sequence[str] = (),
    body: bytes = b"",
    reason: str | None = None,
) -> bytes:
    """A response to `request`; the To tag is added when the request has none and one is given."""
    to = request.header("To") or ""
    if to_tag and _lacks_tag(request):
        to = f"{to};tag={to_tag}"
    phrase = reason or REASONS.get(status, "Unknown")
    return encode(f"SIP/2.0 {status} {phrase}", [*echo, f"To: {to}", *extra], body, request.encoding)


def _lacks_tag(request: Request) -> bool:
    """Whether a To tag is ours to add; a To that cannot be read is repeated as it is."""
    try:
        return request.to.tag is None
    except RemoteSipError:
        return False


def _parameter(part: str) -> str:
    return part.partition("=")[0].strip().lower()
