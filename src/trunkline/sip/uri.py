"""SIP, SIPS and TEL addresses (RFC 3261 19.1, RFC 3966), and what may stand in a `host` and a `port`."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

import msgspec

from trunkline.sip.errors import RemoteSipError

Address = tuple[str, int]
DEFAULT_PORT = 5060
KEPT_CHARS = 200
"""How long an address may be for what was read of it to be kept: each is met several times in a call."""

_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?")
_SIP = re.compile(
    r"(sips?):"
    r"(?:([^@<>\"\s\x00-\x1f\x7f]*)@)?"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::([0-9]{1,5}))?"
    r"((?:;[^;?<>\"\s\x00-\x1f\x7f@]*)*)"
    r"(?:\?([^<>\"\s\x00-\x1f\x7f]*))?",
    re.IGNORECASE,
)
_TEL = re.compile(r"tel:([0-9A-Fa-f+*#().-]+)((?:;[^;<>\"\s\x00-\x1f\x7f]*)*)", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_UNSAFE = re.compile(r"[<>\"\s\x00-\x1f\x7f]")


class SipUri(msgspec.Struct, frozen=True, gc=False):
    """A parsed address. `host` has no brackets; `user` is as on the wire (escapes kept); `port` None when absent.

    `params` keeps the order of the wire, names in lower case. A `tel:` address has its digits in `user` and no host.
    """

    scheme: str
    user: str | None
    host: str
    port: int | None
    params: dict[str, str | None]
    headers: str = ""

    @property
    def loose(self) -> bool:
        """Whether the `lr` parameter says loose routing (RFC 3261 19.1.1)."""
        return "lr" in self.params


@lru_cache(maxsize=4096)
def is_ip_literal(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address in figures, without brackets."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _is_unicast(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_multicast or host == "255.255.255.255")


@lru_cache(maxsize=4096)
def is_host(host: str) -> bool:
    """Whether `host` may stand in a URI or Via: a literal address (IPv6 in brackets) or a host name."""
    if host.startswith("["):
        return host.endswith("]") and is_ip_literal(host[1:-1])
    if len(host) > 255 or not host:
        return False
    if host.replace(".", "").isdigit():
        return is_ip_literal(host)
    return _HOSTNAME.fullmatch(host) is not None


def is_port(port: int) -> bool:
    """Whether a datagram can be sent to `port`."""
    return 1 <= port <= 65_535


def is_usable(address: tuple[str, int, *tuple[object, ...]]) -> bool:
    """Whether something can be sent to `address`: the literal IP of one machine and a port in range.

    Everything else must never reach a socket: one port of 99999999 closes an asyncio transport for good.
    """
    return is_port(address[1]) and _is_unicast(address[0])


@lru_cache(maxsize=4096)
def is_inward(host: str) -> bool:
    """Whether `host` is an IP literal that means something else on every machine: loopback, or link-local."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_link_local)


def is_safe_uri(text: str) -> bool:
    """Whether `text` can stand between angle brackets and in a request line without breaking out of them."""
    return bool(text) and _UNSAFE.search(text) is None and ":" in text


def bracketed(host: str) -> str:
    """`host` as it is written next to a port: IPv6 gets its brackets."""
    return f"[{host}]" if ":" in host else host


def parse_uri(text: str) -> SipUri:
    """Parse a `sip:`, `sips:` or `tel:` address.

    Raises RemoteSipError: 416 for another scheme, 400 for anything malformed, a host that is neither a name nor an
    address, or a port outside 1..65535.
    """
    return _parse_short(text) if len(text) <= KEPT_CHARS else _parse(text)


def _parse(text: str) -> SipUri:
    match = _SIP.fullmatch(text)
    if match is None:
        return _parse_tel(text)
    scheme, user, host, port_text, params, headers = match.groups()
    if not is_host(host):
        raise RemoteSipError(400, "Bad host in address")
    port = None
    if port_text is not None:
        port = int(port_text)
        if not is_port(port):
            raise RemoteSipError(400, "Bad port in address")
    return SipUri(scheme.lower(), user, host.strip("[]"), port, _uri_params(params), headers or "")


_parse_short = lru_cache(maxsize=4096)(_parse)


def _parse_tel(text: str) -> SipUri:
    match = _TEL.fullmatch(text)
    if match is not None:
        return SipUri("tel", match.group(1), "", None, _uri_params(match.group(2)))
    scheme = text.partition(":")[0].lower()
    if scheme in ("sip", "sips", "tel") or _SCHEME.fullmatch(scheme) is None or ":" not in text:
        raise RemoteSipError(400, "Malformed address")
    raise RemoteSipError(416, "Unsupported URI Scheme")


def _uri_params(text: str) -> dict[str, str | None]:
    params: dict[str, str | None] = {}
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        if name:
            params.setdefault(name.lower(), value if equals else None)
    return params
