"""Which addresses our own requests may go to: the public internet, and the networks the operator names.

A URL that comes from outside must not make the switch talk to its own network. The address is judged when a name has
been resolved, and that address is the one connected to, so a name cannot mean one thing when asked and another later.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class ForbiddenAddress(OSError):
    """The address is private, of this machine, or otherwise not for requests."""


class AllowedAddresses:
    """The public internet and `networks` (CIDR)."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(ip_network(text) for text in networks)

    def __contains__(self, host: str) -> bool:
        """Whether requests may go to `host`, an IP literal without brackets."""
        address = ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        if any(address in network for network in self._networks):
            return True
        return address.is_global and not address.is_multicast


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
