"""Who may speak SIP to us, and how numbers are read from what they send.

A trunk names the networks whose packets are taken. Anybody else is not answered at all: a scanner that gets no reply
does not learn that something listens here. Hosts that we ourselves have sent to may answer and may send requests in
the dialogs that came of it.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote

import msgspec

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import parse_name_addr
from trunkline.sip.message import Request
from trunkline.sip.uri import SipUri, parse_uri
from trunkline.telephony.sip.callers import Caller, read_caller

PEERS_MAX = 65_536
"""Hosts we have sent to that are remembered; the longest unused are forgotten first."""

_Network = IPv4Network | IPv6Network


class Called(msgspec.Struct, frozen=True, gc=False):
    """What an INVITE says of the two ends: the number called (E.164 or None) and who calls."""

    number: str | None
    caller: Caller


class Doors:
    """The trunks of one configuration, by the networks they allow."""

    def __init__(self, platform: Platform) -> None:
        networks = [(ip_network(text, strict=False), trunk) for trunk in platform.trunks for text in trunk.allow]
        # The narrowest network decides; among equals the first in the configuration.
        self._networks: list[tuple[_Network, Trunk]] = sorted(networks, key=lambda item: -item[0].prefixlen)
        self._known: dict[str, Trunk | None] = {}

    def trunk_of(self, host: str) -> Trunk | None:
        """The trunk that `host` (an IP literal) may send calls for, or None."""
        if host in self._known:
            return self._known[host]
        if len(self._known) >= PEERS_MAX:
            self._known.clear()
        trunk = self._find(host)
        self._known[host] = trunk
        return trunk

    def _find(self, host: str) -> Trunk | None:
        address: IPv4Address | IPv6Address = ip_address(host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        for network, trunk in self._networks:
            if address in network:
                return None if trunk.paused else trunk
        return None


class Peers:
    """Hosts that we have sent to, newest last."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, host: str) -> bool:
        """Whether something was sent to `host` not too long ago."""
        return host in self._hosts

    def sent_to(self, host: str) -> None:
        """Something is sent to `host`."""
        self._hosts[host] = None
        self._hosts.move_to_end(host)
        if len(self._hosts) > PEERS_MAX:
            self._hosts.popitem(last=False)


def read_call(request: Request, trunk: Trunk) -> Called:
    """The called number, where this trunk writes it and as it writes it, and the caller in whose words it trusts."""
    user = _called_user(request, trunk.number_from)
    number = trunk.numbering.read(_bare(user)) if user else None
    return Called(number, read_caller(request, trunk))


def _called_user(request: Request, number_from: str) -> str | None:
    """The number as it is written; a header may hold an address or the bare number. None when it is not there."""
    if number_from in ("request_uri", "to"):
        called = _uri(request.uri if number_from == "request_uri" else request.to.uri)
        return None if called is None else called.user
    value = request.header(number_from.removeprefix("header:"))
    if value is None:
        return None
    try:
        return parse_uri(parse_name_addr(value).uri).user
    except RemoteSipError:
        return value


def _bare(user: str) -> str:
    """The number without the parameters that some carriers write behind it (RFC 3261 19.1.6), unescaped (19.1.2)."""
    return unquote(user.split(";", 1)[0])


def _uri(text: str) -> SipUri | None:
    try:
        return parse_uri(text)
    except RemoteSipError:
        return None
