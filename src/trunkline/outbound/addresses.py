"""Which addresses our own requests may go to: the public internet, and the networks the operator names.

A URL that comes from outside must not make the switch talk to its own network. The address is judged when a name has
been resolved, and that address is the one connected to, so a name cannot mean one thing when asked and another later.
What is connected to is judged once more: a library may take for an address what we have taken for a name, as
`127\u30020\u30020\u30021`, whose ideographic full stops are dots for it (UTS 46).
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_CARRYING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""IPv6 addresses that lead to the IPv4 address in their last bits: of translators (RFC 6052), and of old."""
_LOCAL: Final = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
"""Of one network alone, although Python does not say so: its own translators (RFC 8215), sites (RFC 3879)."""
_ITSELF: Final = IPv6Network("::/127")
"""No address and the loopback, which carry nothing."""


class ForbiddenAddress(OSError):
    """The address is private, of this machine, or otherwise not for requests."""


class AllowedAddresses:
    """The public internet and `networks` (CIDR)."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(ip_network(text) for text in networks)

    def __contains__(self, host: str) -> bool:
        """Whether requests may go to `host`, an IP literal without brackets."""
        address = _meant(ip_address(host.partition("%")[0]))
        if any(address in network for network in self._networks):
            return True
        local = any(address in network for network in _LOCAL)
        return address.is_global and not address.is_multicast and not local

    def socket_for(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for an address as `getaddrinfo` gives it. Raises ForbiddenAddress."""
        family, kind, protocol, _, place = info
        if place[0] not in self:
            raise ForbiddenAddress(None, f"{place[0]} is not an address that requests may go to")
        return socket.socket(family, kind, protocol)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Where it leads: the IPv4 address that stands in one of IPv6, where one does."""
    if isinstance(address, IPv4Address):
        return address
    if address not in _ITSELF and any(address in network for network in _CARRYING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_literal(host: str) -> bool:
    """Whether a URL's host is an address, or meant as one, and nobody resolves it."""
    return ":" in host or host.replace(".", "").isdigit()


class GuardedResolver(AbstractResolver):
    """The system's resolver, whose answers are judged."""

    def __init__(self, allowed: AllowedAddresses) -> None:
        self._allowed = allowed
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of `host`. Raises ForbiddenAddress when it has none."""
        found = [each for each in await self._system.resolve(host, port, family) if each["host"] in self._allowed]
        if not found:
            raise ForbiddenAddress(None, f"{host} has no address that requests may go to")
        return found

    async def close(self) -> None:
        """Nothing is held open."""
        await self._system.close()
