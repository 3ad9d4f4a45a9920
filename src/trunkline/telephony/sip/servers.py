"""The servers that an address stands for, and in which order a call tries them (RFC 3263, RFC 2782). No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from trunkline.sip.hops import Hop, default_port, transport_of
from trunkline.sip.uri import SipUri, is_ip_literal

SERVERS_MAX = 16
"""As many servers of one name are remembered; an answer may hold hundreds."""

Chance = Callable[[int], int]
"""A random whole number from 0 up to, but without, its argument."""


class Place(msgspec.Struct, frozen=True):
    """What an address says of where calls go. `port` and `transport` are None where it leaves them open."""

    host: str
    port: int | None
    transport: str | None
    secure: bool = False

    @property
    def literal(self) -> bool:
        """Whether the host is an IP address, so that nobody has to be asked."""
        return is_ip_literal(self.host)

    def __str__(self) -> str:
        """As it is written in logs."""
        port = "" if self.port is None else f":{self.port}"
        return f"{self.host}{port}" + ("" if self.transport is None else f" ({self.transport})")


class Server(msgspec.Struct, frozen=True):
    """One server of a name: lower priorities are tried first, equals by chance in proportion to their weight."""

    priority: int
    weight: int
    hops: tuple[Hop, ...]


def place_of(uri: SipUri) -> Place:
    """Where calls to an address go: its `maddr` is not looked at."""
    return Place(uri.host.strip("[]").lower(), uri.port, transport_of(uri), uri.scheme == "sips")


def hop_of(place: Place, host: str, port: int | None = None, transport: str | None = None) -> Hop:
    """The hop at an IP literal of a place; a TLS server has to show a certificate of the place's name (RFC 5922)."""
    transport = transport or place.transport or "udp"
    return Hop(
        host, port or place.port or default_port(transport), transport, 0, place.host if transport == "tls" else ""
    )


def in_order(servers: Sequence[Server], chance: Chance) -> tuple[Hop, ...]:
    """The hops of all servers, in the order in which one call tries them."""
    if len(servers) == 1:
        return servers[0].hops
    found: list[Hop] = []
    for priority in sorted({server.priority for server in servers}):
        found += _drawn([server for server in servers if server.priority == priority], chance)
    return tuple(dict.fromkeys(found))


def _drawn(equals: list[Server], chance: Chance) -> Iterable[Hop]:
    """Servers of one priority, drawn one after another; those of weight 0 come last, in any order.

    RFC 2782 gives weight 0 "a very small chance"; none while others are left is as small as it gets.
    """
    while equals:
        drawn = _one_of(equals, chance)
        equals.remove(drawn)
        yield from drawn.hops


def _one_of(equals: list[Server], chance: Chance) -> Server:
    total = sum(server.weight for server in equals)
    if not total:
        return equals[chance(len(equals))]
    place = chance(total)
    for server in equals:
        place -= server.weight
        if place < 0:
            return server
    raise AssertionError("the draw is below the sum of the weights")
