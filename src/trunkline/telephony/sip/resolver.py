"""Asks DNS which servers a SIP address stands for (RFC 3263 section 4), through dnspython.

NAPTR says which transports a domain offers, SRV at which hosts and ports, A and AAAA at which addresses. An address
that says its transport skips the first question, one that says its port the first two. A name of the hosts file is
known without DNS. A name that DNS does not know, while no server of our own was named, is asked of the system once
more, which may know it in other ways.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection

import dns.asyncresolver
import dns.exception
import dns.resolver
import msgspec
from dns.rdata import Rdata
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from trunkline.sip.uri import Address, is_usable
from trunkline.telephony.sip.hosts_file import HostsFile
from trunkline.telephony.sip.servers import SERVERS_MAX, Place, Server, hop_of

LOOKUP_S = 5.0
"""How long all questions about one address are waited for together."""
QUESTION_S = 1.6
"""How long one question is: three of them, one after another, have to fit."""
TTL_S = (5, 3600)
"""The least and the most time that an answer is used, whatever it says of itself."""
LOCAL_TTL_S = 60
"""The same for answers that do not say."""
ADDRESSES_MAX = 8

_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_PREFIXES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}


class NoServers(Exception):
    """The address stands for no server. `known` says that DNS has said so; else nobody has answered."""

    def __init__(self, message: str, *, known: bool) -> None:
        super().__init__(message)
        self.known = known


class Found(msgspec.Struct, frozen=True):
    """What an address stands for, and for how many seconds that may be believed."""

    servers: tuple[Server, ...]
    ttl_s: int


class _Records(msgspec.Struct, frozen=True):
    data: tuple[Rdata, ...] = ()
    ttl_s: int = TTL_S[1]
    answered: bool = True


class Resolver:
    """Asks the server at `server`, or those that the system asks.

    `transports` are those that can be spoken, `ipv6` says whether such addresses can be sent to.
    """

    def __init__(
        self,
        server: Address | None = None,
        *,
        transports: Collection[str] = ("udp", "tcp", "tls"),
        ipv6: bool = True,
        hosts: HostsFile | None = None,
    ) -> None:
        self._hosts = hosts or HostsFile()
        self._transports = frozenset(transports)
        self._own_server = server is not None
        self._types = ("A", "AAAA") if ipv6 else ("A",)
        self._dns: dns.asyncresolver.Resolver | None
        try:
            self._dns = dns.asyncresolver.Resolver(configure=server is None)
        except dns.exception.DNSException:
            self._dns = None  # a machine without a configured server
        if self._dns is not None:
            self._dns.cache = None
            self._dns.lifetime = QUESTION_S
            self._dns.timeout = QUESTION_S / 2
            if server is not None:
                self._dns.nameservers, self._dns.port = [server[0]], server[1]

    async def look_up(self, place: Place) -> Found:
        """The servers of a place whose host is a name. Raises NoServers."""
        try:
            async with asyncio.timeout(LOOKUP_S):
                found = await self._look_up(place)
        except TimeoutError as error:
            raise NoServers(f"no answer within {LOOKUP_S:.0f} s to what {place} stands for", known=False) from error
        least, most = TTL_S
        return Found(found.servers[:SERVERS_MAX], min(most, max(least, found.ttl_s)))

    async def _look_up(self, place: Place) -> Found:
        if place.port is None and not self._hosts.addresses(place.host):
            by_service = await self._by_service(place)
            if by_service is not None:
                return by_service
        return await self._at(place, place.host)

    async def _by_service(self, place: Place) -> Found | None:
        """By NAPTR and SRV; None when the domain publishes none, so that its own address counts (4.2)."""
        ttl_s, wanted = TTL_S[1], []
        if place.transport is None:
            naptr = await self._ask(place.host, "NAPTR")
            ttl_s = naptr.ttl_s
            wanted = self._services(naptr)
        if not wanted:
            transports = ("udp", "tcp") if place.transport is None else (place.transport,)
            wanted = [(each, f"{_PREFIXES[each]}.{place.host}") for each in transports if each in self._transports]
        for transport, name in wanted:
            found = await self._by_srv(place, transport, name, ttl_s)
            if found is not None:
                return found
        return None

    async def _by_srv(self, place: Place, transport: str, name: str, ttl_s: int) -> Found | None:
        records = await self._ask(name, "SRV")
        if not records.data:
            return None
        servers: list[Server] = []
        ttl_s = min(ttl_s, records.ttl_s)
        answered = True
        offered = [record for record in records.data if isinstance(record, SRV)]
        for record in sorted(offered, key=lambda each: each.priority)[:SERVERS_MAX]:
            target = record.target.to_text(omit_final_dot=True).lower()
            if target in (".", "") or not 0 < record.port < 65_536:
                continue  # "the service is decidedly not available" (RFC 2782)
            try:
                addresses, lives_s = await self._addresses(target)
            except NoServers as error:
                answered = answered and error.known
                continue
            ttl_s = min(ttl_s, lives_s)
            hops = tuple(hop_of(place, address, record.port, transport) for address in addresses)
            servers.append(Server(record.priority, record.weight, hops))
        if not servers:
            raise NoServers(f"no server that {name} names has an address", known=answered)
        return Found(tuple(servers), ttl_s)

    def _services(self, naptr: _Records) -> list[tuple[str, str]]:
        """Transports that are spoken with the names of their SRV records, in the order that the domain wants (4.1)."""
        found = []
        for record in naptr.data:
            if not isinstance(record, NAPTR) or record.flags.lower() != b"s":
                continue
            transport = _SERVICES.get(record.service.decode("ascii", "replace").upper())
            if transport in self._transports:
                name = record.replacement.to_text(omit_final_dot=True)
                found.append((record.order, record.preference, transport, name))
        return [(transport, name) for _, _, transport, name in sorted(found)]

    async def _at(self, place: Place, host: str) -> Found:
        addresses, ttl_s = await self._addresses(host)
        return Found((Server(0, 0, tuple(hop_of(place, address) for address in addresses)),), ttl_s)

    async def _addresses(self, host: str) -> tuple[list[str], int]:
        """The usable addresses of a host name, and for how long. Raises NoServers."""
        local = self._hosts.addresses(host)
        if local:
            return list(local), LOCAL_TTL_S
        answers = [await self._ask(host, kind) for kind in self._types]
        found = [str(record.address) for answer in answers for record in answer.data if isinstance(record, A | AAAA)]
        ttl_s = min(answer.ttl_s for answer in answers)
        if not found and not self._own_server:
            found, ttl_s = await self._system(host), LOCAL_TTL_S
        usable = [address for address in found if is_usable((address, 5060))]
        if not usable:
            known = all(answer.answered for answer in answers)
            raise NoServers(f"{host} has no address" if known else f"no answer to what address {host} has", known=known)
        return usable[:ADDRESSES_MAX], ttl_s

    async def _system(self, host: str) -> list[str]:
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return []
        return [str(answer[4][0]) for answer in answers]

    async def _ask(self, name: str, kind: str) -> _Records:
        """The records of one kind; none where there are none, and where nobody answers."""
        if self._dns is None:
            return _Records(answered=False)
        try:
            answer = await self._dns.resolve(f"{name.rstrip('.')}.", kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return _Records()
        except (dns.exception.DNSException, OSError, UnicodeError):
            return _Records(answered=False)
        if answer.rrset is None:
            return _Records()
        return _Records(tuple(answer.rrset), int(answer.rrset.ttl))
