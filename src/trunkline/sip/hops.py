"""Who is at the other end of a message, and how we present ourselves to them (RFC 3261 8.1.1.8, 18, RFC 5630)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

import msgspec

from trunkline.sip.uri import DEFAULT_PORT, SipUri, bracketed

DEFAULT_TLS_PORT = 5061
TRANSPORTS = frozenset({"udp", "tcp", "tls"})
RELIABLE = frozenset({"tcp", "tls"})

FACES_KEPT = 4_096
"""Peers whose face is remembered; then all are forgotten and chosen again."""


class Hop(NamedTuple):
    """Where a message came from, or where one is to go.

    `host` is an IP literal without brackets. `flow` is the number of the connection it came by; a message to such a
    hop goes by it while it is open, else by another connection to `host` and `port`, opened if need be. Over UDP it
    is the number of our own socket; 0 leaves the choice to whoever sends. `name` is what the certificate of a TLS
    server must show: the name that was dialled.
    """

    host: str
    port: int
    transport: str = "udp"
    flow: int = 0
    name: str = ""


def transport_of(uri: SipUri) -> str | None:
    """The transport an address asks for in lower case, None when it leaves it open; `sips:` is always TLS."""
    if uri.scheme == "sips":
        return "tls"
    asked = uri.params.get("transport")
    return asked.lower() if asked else None


def default_port(transport: str) -> int:
    """The port of an address that names none (RFC 3261 19.1.2)."""
    return DEFAULT_TLS_PORT if transport == "tls" else DEFAULT_PORT


class Face(msgspec.Struct, frozen=True):
    """What a peer is told about us: the `host:port` of our Via, and our Contact, as `sip:` and as `sips:`.

    `flow` is the number of the UDP socket that belongs to it, 0 for streams.
    """

    sent_by: str
    contact_line: str
    secure_contact_line: str
    flow: int


class Faces:
    """Our own addresses, and which of them a peer is shown."""

    def __init__(self, own: Iterable[Hop]) -> None:
        """`own` holds what each listener is reached at, the preferred one first; at least one."""
        self._own = tuple(own)
        self._known: dict[Hop, Face] = {}
        self.sent_by_keys = frozenset(_sent_by(each).lower() for each in self._own)

    def toward(self, hop: Hop) -> Face:
        """The face for what is sent to `hop`: of the same transport, address family and, best, the same socket.

        TLS without a listener of its own shows the address of TCP: there is no better one, and the peer has the open
        connection.
        """
        key = hop if hop[2] == "udp" else Hop(hop[0], 0, hop[2])
        face = self._known.get(key)
        if face is None:
            if len(self._known) >= FACES_KEPT:
                self._known.clear()
            own = max(self._own, key=lambda each: _fitness(each, hop))
            face = self._known[key] = _face(own, hop.transport)
        return face


def _fitness(own: Hop, hop: Hop) -> tuple[bool, ...]:
    ours, theirs = ip_literal(own.host), ip_literal(hop.host)
    return (
        own.transport == hop.transport,
        own.transport in RELIABLE and hop.transport in RELIABLE,
        hop.transport == "udp" and own.flow == hop.flow != 0,
        ours is None or theirs is None or ours.version == theirs.version,
        # A socket of the loopback cannot send elsewhere, and nobody there is told an address of the network.
        ours is None or theirs is None or ours.is_loopback == theirs.is_loopback,
    )


def ip_literal(host: str) -> IPv4Address | IPv6Address | None:
    """`host` as an address, None when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _sent_by(own: Hop) -> str:
    return f"{bracketed(own.host)}:{own.port}"


def _face(own: Hop, transport: str) -> Face:
    sent_by = _sent_by(own)
    said = "" if transport == "udp" else f";transport={transport}"
    flow = own.flow if transport == "udp" else 0
    return Face(sent_by, f"Contact: <sip:{sent_by}{said}>", f"Contact: <sips:{sent_by}>", flow)
