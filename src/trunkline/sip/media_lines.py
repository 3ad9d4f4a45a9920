"""The media lines of a session description, each with what is said of it: reading that trusts nothing (RFC 4566)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

import msgspec

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.sdes import LINES_MAX, Crypto, SrtpMode, parse_crypto
from trunkline.sip.uri import is_ip_literal, is_port

STATIC_TYPES = {"PCMU": 0, "PCMA": 8}  # RFC 3551 table 4
NOISE_TYPE = 13
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
DEFAULT_PTIME_MS = 20
PTIMES_MS = range(5, 201)

MAX_BYTES = 16_384
MAX_LINES = 512
MAX_MEDIA = 16

PLAIN_PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
SECURE_PROTOCOLS = ("RTP/SAVP", "RTP/SAVPF")

_MEDIA = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`{|}~-]+) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/._+-]+)(.*)")
_RTPMAP = re.compile(r"([0-9]{1,3}) +([A-Za-z0-9!#$%&'*+.^_`{|}~-]+)/([0-9]{1,9})(?:/([0-9]{1,3}))?")


class Codec(msgspec.Struct, frozen=True, gc=False):
    """A codec we speak, under the payload type its offerer gave it."""

    name: str
    payload_type: int


class MediaLine(msgspec.Struct, gc=False):
    """A media line while it is read."""

    kind: str
    port: int
    protocol: str
    formats: str
    host: str
    direction: str
    ptime_ms: int = DEFAULT_PTIME_MS
    maps: dict[int, tuple[str, int, int]] = {}
    cryptos: list[Crypto] = []
    crypto_lines: int = 0


def read_lines(sdp: bytes) -> list[MediaLine]:
    """All media lines of a description, at least one. Raises RemoteSipError 400 when it is malformed."""
    return list(_media_lines(_split(sdp)))


def _split(sdp: bytes) -> list[tuple[str, str]]:
    if len(sdp) > MAX_BYTES:
        raise RemoteSipError(400, "Session description too large")
    lines = sdp.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise RemoteSipError(400, "Session description has too many lines")
    fields = []
    for line in lines:
        if not line:
            continue
        if len(line) < 2 or line[1] != "=" or not line[0].isalpha() or "\r" in line or "\0" in line:
            raise RemoteSipError(400, "Malformed line in session description")
        fields.append((line[0], line[2:].rstrip(" ")))
    if not fields or fields[0] != ("v", "0"):
        raise RemoteSipError(400, "Session description does not begin with v=0")
    return fields


def _media_lines(fields: list[tuple[str, str]]) -> Iterator[MediaLine]:
    """The media lines, each with what the session level says where it says nothing itself."""
    session_host, session_direction, session_ptime_ms = "", "sendrecv", DEFAULT_PTIME_MS
    line: MediaLine | None = None
    count = 0
    for kind, value in fields:
        if kind == "m":
            if line is not None:
                yield line
            count += 1
            if count > MAX_MEDIA:
                raise RemoteSipError(400, "Session description has too many media lines")
            line = _media_line(value)
            line.host, line.direction, line.ptime_ms = session_host, session_direction, session_ptime_ms
        elif kind == "c":
            host = _connection(value)
            if line is None:
                session_host = host
            else:
                line.host = host
        elif kind == "a":
            if line is not None:
                _attribute(line, value)
            elif value in DIRECTIONS:
                session_direction = value
            elif value.startswith("ptime:"):
                session_ptime_ms = _ptime_ms(value[6:])
    if line is None:
        raise RemoteSipError(400, "Session description has no media")
    yield line


def _media_line(value: str) -> MediaLine:
    match = _MEDIA.fullmatch(value)
    if match is None:
        raise RemoteSipError(400, "Malformed media line")
    kind, port_text, protocol, formats = match.groups()
    port = int(port_text)
    if port and not is_port(port):
        raise RemoteSipError(400, "Bad port in media line")
    return MediaLine(kind, port, protocol, formats, "", "sendrecv", maps={}, cryptos=[])


def _connection(value: str) -> str:
    """The address of a `c=` line, empty when it is of a kind we cannot send to (a name, multicast)."""
    parts = value.split()
    if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
        raise RemoteSipError(400, "Malformed connection line")
    host = parts[2]
    if not is_ip_literal(host) or "%" in host:
        return ""
    address = _ip(host)
    if (address.version == 4) != (parts[1] == "IP4"):
        raise RemoteSipError(400, "Connection address is not of the family it names")
    return "" if address.is_multicast or host == "255.255.255.255" else host


@lru_cache(maxsize=4096)
def _ip(host: str) -> IPv4Address | IPv6Address:
    """The address in figures: the same few hosts send all calls."""
    return ip_address(host)


def _attribute(line: MediaLine, value: str) -> None:
    if value in DIRECTIONS:
        line.direction = value
    elif value.startswith("rtpmap:"):
        match = _RTPMAP.fullmatch(value[7:].strip())
        if match is None:
            raise RemoteSipError(400, "Malformed rtpmap")
        number, name, clock, channels = match.groups()
        line.maps.setdefault(int(number), (name.upper(), int(clock), int(channels or 1)))
    elif value.startswith("ptime:"):
        line.ptime_ms = _ptime_ms(value[6:])
    elif value.startswith("crypto:"):
        line.crypto_lines += 1
        crypto = parse_crypto(value[7:]) if line.crypto_lines <= LINES_MAX else None
        if crypto is not None:
            line.cryptos.append(crypto)


def _ptime_ms(text: str) -> int:
    whole = text.strip().partition(".")[0]
    if not whole.isascii() or not whole.isdigit() or len(whole) > 4:
        return DEFAULT_PTIME_MS
    return int(whole) if int(whole) in PTIMES_MS else DEFAULT_PTIME_MS


def is_usable(line: MediaLine, srtp: SrtpMode) -> bool:
    """Whether it is a stream of audio with somewhere to send to, encrypted or not as `srtp` wants it."""
    if line.kind != "audio" or not line.port or not line.host:
        return False
    if line.protocol in SECURE_PROTOCOLS:
        return srtp != "off" and bool(line.cryptos)
    return line.protocol in PLAIN_PROTOCOLS and (srtp != "required" or bool(line.cryptos))


def _payload_types(line: MediaLine) -> list[int]:
    numbers = [int(text) for text in line.formats.split() if text.isascii() and text.isdigit() and len(text) <= 3]
    return [number for number in numbers if number <= 127]


def codecs_of(line: MediaLine) -> tuple[Codec, ...]:
    """The codecs of it that we speak, in its order, each once."""
    static = {number: (name, 8000, 1) for name, number in STATIC_TYPES.items()}
    found: list[Codec] = []
    for number in _payload_types(line):
        name, clock, channels = line.maps.get(number) or static.get(number) or ("", 0, 0)
        if name in STATIC_TYPES and clock == 8000 and channels == 1 and all(codec.name != name for codec in found):
            found.append(Codec(name, number))
    return tuple(found)


def dtmf_type_of(line: MediaLine) -> int | None:
    """What the peer takes keys under (RFC 4733), None when it takes none."""
    for number in _payload_types(line):
        if line.maps.get(number, ("", 0, 0))[:2] == ("TELEPHONE-EVENT", 8000):
            return number
    return None


def noise_type_of(line: MediaLine) -> int | None:
    """What the peer takes comfort noise under (RFC 3389); it is never asked to send any."""
    for number in _payload_types(line):
        if line.maps.get(number, ("CN" if number == NOISE_TYPE else "", 8000))[:2] == ("CN", 8000):
            return number
    return None


def silenced(direction: str) -> str:
    """What a direction means when the connection address says not to send (RFC 3264 8.4, the older hold)."""
    return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"
