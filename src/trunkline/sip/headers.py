"""Header fields: names and compact forms, lists, parameters, addresses, Via and CSeq (RFC 3261 7.3, 20, 25)."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.uri import DEFAULT_PORT, KEPT_CHARS, is_host, is_port

MAX_FORWARDS = 70  # the hops that a request of our own may take (8.1.1.6)
MAX_FORWARDS_MAX = 255  # 20.22
MAGIC_COOKIE = "z9hG4bK"  # branches made under RFC 3261 start with it (8.1.1.7)

_KNOWN = (
    "Accept Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID "
    "Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date "
    "Diversion Error-Info Event Expires From History-Info Identity In-Reply-To Max-Forwards MIME-Version Min-Expires "
    "Min-SE Organization P-Asserted-Identity P-Preferred-Identity Path Priority Privacy Proxy-Authenticate "
    "Proxy-Authorization Proxy-Require RAck Reason Record-Route Refer-To Referred-By Remote-Party-ID Replaces "
    "Reply-To Require Retry-After Route RSeq Server Service-Route Session-Expires Subject Subscription-State "
    "Supported Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate"
).split()
_COMPACT = {
    "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "e": "Content-Encoding", "f": "From",
    "i": "Call-ID", "k": "Supported", "l": "Content-Length", "m": "Contact", "o": "Event", "r": "Refer-To",
    "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
}  # fmt: skip

_BY_LOWER = {name.lower(): name for name in _KNOWN} | _COMPACT
CANONICAL: dict[str, str] = {name: name for name in _KNOWN} | _COMPACT

# Header fields that must stand at most once: a second one is how requests are smuggled past a proxy.
SINGLETONS = frozenset({"Call-ID", "CSeq", "From", "To", "Max-Forwards", "Content-Length", "Content-Type", "Expires"})

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
# The alternatives of each repetition begin with different characters and nothing has to match behind the outermost one,
# so a hostile value cannot make the matcher try many ways to split it. Possessive quantifiers would say the same, but
# the CPython 3.11.2 of Debian 12 matches some of them wrongly.
_VALUE = re.compile(r'(?:[^,"<]+|"(?:[^"\\]|\\.)*"|<[^>]*>)*', re.DOTALL)
_PART = re.compile(r'(?:[^;"]+|"(?:[^"\\]|\\.)*")*', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_VIA = re.compile(
    r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z0-9.!%*_+`'~-]+)[ \t]+"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?:[ \t]*:[ \t]*([0-9]+))?[ \t]*(;.*)?",
    re.IGNORECASE | re.DOTALL,
)
_CSEQ = re.compile(r"([0-9]{1,10})[ \t]+([A-Za-z0-9.!%*_+`'~-]+)")

Params = dict[str, str | None]


class NameAddr(msgspec.Struct, frozen=True, gc=False):
    """The value of From, To, Contact, Route and their like: `display <uri>;params`. `display` is unquoted."""

    display: str
    uri: str
    params: Params

    @property
    def tag(self) -> str | None:
        """The tag parameter, None when absent or empty."""
        return self.params.get("tag") or None


class Via(msgspec.Struct, frozen=True, gc=False):
    """One Via value. `host` keeps the brackets of IPv6, as `sent_by` is compared as text (18.1.2)."""

    transport: str
    host: str
    port: int | None
    params: Params

    @property
    def branch(self) -> str:
        """The branch, empty when the sender gave none."""
        return self.params.get("branch") or ""

    @property
    def sent_by(self) -> str:
        """`host:port` in lower case with the port made explicit."""
        return f"{self.host.lower()}:{self.port or DEFAULT_PORT}"


class CSeq(msgspec.Struct, frozen=True, gc=False):
    """Sequence number and method."""

    number: int
    method: str


@lru_cache(maxsize=1024)
def canonical(name: str) -> str:
    """The full, usual spelling of a header name; an unknown one stays as written. Empty when it is no token."""
    stripped = name.rstrip(" \t")
    known = _BY_LOWER.get(stripped.lower())
    if known is not None:
        return known
    return stripped if _TOKEN.fullmatch(stripped) else ""


def is_token(text: str) -> bool:
    """Whether `text` is a `token` of the grammar (RFC 3261 25.1)."""
    return _TOKEN.fullmatch(text) is not None


def split_values(text: str) -> list[str]:
    """Split a comma separated header value, leaving commas in quotes and angle brackets alone.

    Raises RemoteSipError(400) when a quote or bracket is never closed.
    """
    if "," not in text:
        stripped = text.strip()
        return [stripped] if stripped else []
    return [value for part in _split(text, _VALUE, ",") if (value := part.strip())]


def parse_params(text: str) -> Params:
    """Parse `;name=value;flag`. Names come back in lower case, quoted values unquoted; the first of two wins."""
    params: Params = {}
    if not text:
        return params
    parts = _split(text, _PART, ";") if '"' in text else text.split(";")
    if parts[0].strip():
        raise RemoteSipError(400, "Malformed header parameters")
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not name:
            continue
        value = value.strip()
        if value.startswith('"'):
            value = unquote(value)
        params.setdefault(name, value if equals else None)
    return params


def parse_name_addr(text: str) -> NameAddr:
    """Parse one address value (RFC 3261 20.10: without angle brackets the parameters belong to the header).

    Raises RemoteSipError(400). The URI itself is not looked into.
    """
    return _parse_short_name_addr(text) if len(text) <= KEPT_CHARS else _parse_name_addr(text)


def _parse_name_addr(text: str) -> NameAddr:
    display, rest = "", text.strip()
    if rest.startswith('"'):
        quoted = _QUOTED.match(rest)
        if quoted is None:
            raise RemoteSipError(400, "Unclosed quote in address")
        display, rest = _unescape(quoted.group(1)), rest[quoted.end() :].lstrip()
        if not rest.startswith("<"):
            raise RemoteSipError(400, "Malformed address")
    opening = rest.find("<")
    if opening < 0:
        uri, semicolon, tail = rest.partition(";")
        uri, tail = uri.rstrip(), semicolon + tail
    else:
        closing = rest.find(">", opening)
        if closing < 0:
            raise RemoteSipError(400, "Unclosed bracket in address")
        display = display or rest[:opening].strip()
        uri, tail = rest[opening + 1 : closing], rest[closing + 1 :]
    if not uri or " " in uri:
        raise RemoteSipError(400, "Malformed address")
    return NameAddr(display, uri, parse_params(tail))


_parse_short_name_addr = lru_cache(maxsize=4096)(_parse_name_addr)


def format_name_addr(uri: str, display: str | None = None, tag: str | None = None) -> str:
    """Write an address value; the display name is quoted and escaped, `uri` must have been checked."""
    quoted = f'"{quote(display)}" ' if display else ""
    return f"{quoted}<{uri}>;tag={tag}" if tag else f"{quoted}<{uri}>"


def parse_via(text: str) -> Via:
    """Parse one Via value. Raises RemoteSipError(400) for a host or port no response could be sent to."""
    match = _VIA.fullmatch(text)
    if match is None:
        raise RemoteSipError(400, "Malformed Via")
    transport, host, port_text, params = match.groups()
    port = None
    if port_text is not None:
        port = int(port_text) if len(port_text) <= 5 else 0
        if not is_port(port):
            raise RemoteSipError(400, "Bad port in Via")
    if not is_host(host):
        raise RemoteSipError(400, "Bad host in Via")
    return Via(transport.upper(), host, port, parse_params(params or ""))


def parse_cseq(text: str) -> CSeq:
    """Parse a CSeq value; the number is below 2**31 (8.1.1.5). Raises RemoteSipError(400)."""
    match = _CSEQ.fullmatch(text)
    if match is None:
        raise RemoteSipError(400, "Malformed CSeq")
    number = int(match.group(1))
    if number >= 2**31:
        raise RemoteSipError(400, "CSeq out of range")
    return CSeq(number, match.group(2))


def quote(text: str) -> str:
    """Escape `text` for the inside of a quoted string."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def unquote(text: str) -> str:
    """The content of a quoted string; `text` itself when it is not one."""
    match = _QUOTED.fullmatch(text)
    return _unescape(match.group(1)) if match else text


def _unescape(text: str) -> str:
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _split(text: str, pattern: re.Pattern[str], separator: str) -> list[str]:
    parts, position = [], 0
    while True:
        match = pattern.match(text, position)
        end = match.end() if match else position
        parts.append(text[position:end])
        if end == len(text):
            return parts
        if text[end] != separator:
            raise RemoteSipError(400, "Unclosed quote or bracket in header")
        position = end + 1
