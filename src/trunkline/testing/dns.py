"""A small DNS server on loopback, for tests of what names stand for.

    async with DnsServer() as dns:
        dns.add("pbx.example", "A", "127.0.0.1")
        dns.add("_sip._udp.pbx.example", "SRV", "10 60 5081 pbx.example.", ttl=30)
        ...  # SwitchProcess(config, folder, flags=("--dns", dns.hostport))
        assert dns.asked[0] == ("pbx.example.", "NAPTR")

A name with records of any kind is known; others do not exist (NXDOMAIN). `mute` answers nothing.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

DEFAULT_TTL_S = 60


class DnsServer(asyncio.DatagramProtocol):
    """Records by name and type. `asked` are the questions so far; `failing` answers SERVFAIL."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.asked: list[tuple[str, str]] = []
        self.mute = False
        self.failing = False
        self._host = host
        self._records: dict[tuple[str, str], dns.rrset.RRset] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        """Listening on a free port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gone."""
        assert self._transport is not None
        self._transport.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    @property
    def hostport(self) -> str:
        """The same as `HOST:PORT`."""
        host, port = self.address
        return f"{host}:{port}"

    def add(self, name: str, kind: str, *data: str, ttl: int = DEFAULT_TTL_S) -> None:
        """Replace the records of one name and type; `data` as in a zone file."""
        full = _full(name)
        self._records[full, kind] = dns.rrset.from_text(full, ttl, "IN", kind, *data)

    def remove(self, name: str, kind: str) -> None:
        """Forget the records of one name and type."""
        del self._records[_full(name), kind]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One question."""
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.mute or self._transport is None:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        found = self._records.get((name, kind))
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found is not None:
            answer.answer.append(found)
        elif not any(known == name for known, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


def _full(name: str) -> str:
    return name.rstrip(".").lower() + "."
