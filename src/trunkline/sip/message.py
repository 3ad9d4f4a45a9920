"""Requests and responses: reading them off a datagram, writing them onto one (RFC 3261 7, 18.3).

Reading is lazy. `parse` splits the head into lines and names; an address, a Via or a CSeq is only looked into when
asked for, and then kept. Text is UTF-8; a head that is not is read as Latin-1, and answered in Latin-1, because some
carriers put names in it and a response has to repeat their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trunkline.sip.body import session_description
from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.headers import (
    CANONICAL,
    MAX_FORWARDS,
    MAX_FORWARDS_MAX,
    SINGLETONS,
    CSeq,
    NameAddr,
    Via,
    canonical,
    is_token,
    parse_cseq,
    parse_name_addr,
    parse_via,
    split_values,
)
from trunkline.sip.limits import DEFAULT_MESSAGE_LIMITS, MessageLimits
from trunkline.sip.uri import is_safe_uri

VERSION = "SIP/2.0"
Header = tuple[str, str]

# What stands before the line break stays: a pattern that takes it too tries every start of a long run of blanks.
_FOLD = re.compile(r"\r\n[ \t]+")
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?: (.*))?", re.IGNORECASE)

_NUMBER = re.compile(r"[0-9]{1,9}")

REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 200: "OK",
    202: "Accepted", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 413: "Request Entity Too Large",
    414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension",
    421: "Extension Required", 422: "Session Interval Too Small",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
    483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}  # fmt: skip


class Message:
    """What requests and responses share. Treat as immutable: the parsed views are kept."""

    __slots__ = ("_cseq", "_from", "_index", "_parsed", "_to", "_via", "body", "encoding", "headers")

    def __init__(self, headers: Sequence[Header], body: bytes = b"", encoding: str = "utf-8") -> None:
        self.headers = headers
        self.body = body
        self.encoding = encoding
        self._index: dict[str, str] | None = None
        self._parsed = False  # so that the names are in their usual spelling
        self._via: Via | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._cseq: CSeq | None = None

    @property
    def start_line(self) -> str:
        """The first line."""
        raise AttributeError("a message is a Request or a Response")

    def header(self, name: str) -> str | None:
        """The first value line of the header, whatever the case or the form its sender chose; None when absent."""
        index = self._index
        if index is None:
            index = self._index = dict(reversed(self.headers))
        value = index.get(name)
        if value is None and name not in CANONICAL:
            wanted = canonical(name).lower()
            return next((value for key, value in self.headers if key.lower() == wanted), None)
        return value

    def values(self, name: str) -> list[str]:
        """All values of a header that may hold a list, over all its lines, in order (7.3.1)."""
        found: list[str] = []
        if self._parsed and name in CANONICAL:
            known = CANONICAL[name]
            if known in (self._index or ()):
                for key, value in self.headers:
                    if key == known:
                        found.extend(split_values(value))
            return found
        wanted = canonical(name).lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                found.extend(split_values(value))
        return found

    def lines(self, name: str) -> list[str]:
        """The unsplit values of all lines of a header with a known name."""
        return [value for key, value in self.headers if key == name]

    @property
    def via(self) -> Via:
        """The topmost Via. Raises RemoteSipError(400) when there is none or it is malformed."""
        if self._via is None:
            values = split_values(self._required("Via"))
            if not values:
                raise RemoteSipError(400, "Missing Via")
            self._via = parse_via(values[0])
        return self._via

    @property
    def from_(self) -> NameAddr:
        """The From address. Raises RemoteSipError(400)."""
        if self._from is None:
            self._from = parse_name_addr(self._required("From"))
        return self._from

    @property
    def to(self) -> NameAddr:
        """The To address. Raises RemoteSipError(400)."""
        if self._to is None:
            self._to = parse_name_addr(self._required("To"))
        return self._to

    @property
    def cseq(self) -> CSeq:
        """The CSeq. Raises RemoteSipError(400)."""
        if self._cseq is None:
            self._cseq = parse_cseq(self._required("CSeq"))
        return self._cseq

    @property
    def call_id(self) -> str:
        """The Call-ID. Raises RemoteSipError(400)."""
        return self._required("Call-ID")

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case without parameters, empty when not given."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def sdp(self) -> bytes | None:
        """The session description in the body, alone or among other parts; None when there is none."""
        return session_description(self.header("Content-Type") or "", self.body) if self.body else None

    @property
    def retry_after_s(self) -> int | None:
        """The seconds of Retry-After without its comment and parameters (20.33), None when absent or malformed."""
        match = _NUMBER.match(self.header("Retry-After") or "")
        return int(match.group()) if match else None

    def encode(self) -> bytes:
        """The datagram. Content-Length is written from the body. Raises LocalSipError on header injection."""
        lines = [f"{name}: {value}" for name, value in self.headers if name != "Content-Length"]
        for name, _ in self.headers:
            if name not in CANONICAL and not is_token(name):
                raise LocalSipError(f"header name {name!r} is not a token")
        return encode(self.start_line, lines, self.body, self.encoding)

    def _required(self, name: str) -> str:
        value = self.header(name)
        if not value:
            raise RemoteSipError(400, f"Missing {name}")
        return value


class Request(Message):
    """A request. `uri` is the Request-URI as on the wire."""

    __slots__ = ("method", "uri")

    def __init__(
        self, method: str, uri: str, headers: Sequence[Header], body: bytes = b"", encoding: str = "utf-8"
    ) -> None:
        super().__init__(headers, body, encoding)
        self.method = method
        self.uri = uri

    @property
    def max_forwards(self) -> int:
        """The hops that this request may still take; 70 when it does not say so in the range of 20.22."""
        said = self.header("Max-Forwards")
        if said is None or _NUMBER.fullmatch(said) is None:
            return MAX_FORWARDS
        hops = int(said)
        return hops if hops <= MAX_FORWARDS_MAX else MAX_FORWARDS

    @property
    def start_line(self) -> str:
        """Request line. Raises LocalSipError when the parts would not stay apart on the wire."""
        if not is_token(self.method) or not is_safe_uri(self.uri):
            raise LocalSipError(f"unsafe request line: {self.method!r} {self.uri!r}")
        return f"{self.method} {self.uri} {VERSION}"


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str, headers: Sequence[Header], body: bytes = b"", encoding: str = "utf-8"
    ) -> None:
        super().__init__(headers, body, encoding)
        self.status = status
        self.reason = reason

    @property
    def start_line(self) -> str:
        """Status line."""
        return f"{VERSION} {self.status} {self.reason}"


def encode(start_line: str, lines: Sequence[str], body: bytes = b"", encoding: str = "utf-8") -> bytes:
    """Put a message on the wire; `lines` are `Name: value`, without Content-Length.

    Raises LocalSipError when a carriage return, line feed or NUL hides in any of them. One count over the whole head
    finds what checks value by value would, and cannot be forgotten for one of them.
    """
    head = "\r\n".join([start_line, *lines, f"Content-Length: {len(body)}", "", ""])
    breaks = len(lines) + 3
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head:
        raise LocalSipError("carriage return, line feed or NUL in a header value")
    return head.encode(encoding, "replace") + body


def parse(data: bytes, limits: MessageLimits = DEFAULT_MESSAGE_LIMITS) -> Request | Response:
    """Read one datagram.

    Raises RemoteSipError, with the request as far as it could be read when it may be answerable. The body is cut to
    Content-Length; a body shorter than that is an error, as the datagram was truncated (18.3).
    """
    if len(data) > limits.max_datagram:
        raise RemoteSipError(513, "Message Too Large")
    if data[:2] == b"\r\n":
        data = data.lstrip(b"\r\n")
    head_bytes, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        raise RemoteSipError(400, "No end of headers")
    if len(head_bytes) > limits.max_head:
        raise RemoteSipError(513, "Headers too large")
    try:
        head, encoding = head_bytes.decode(), "utf-8"
    except UnicodeDecodeError:
        head, encoding = head_bytes.decode("latin-1"), "latin-1"
    if "\r\n " in head or "\r\n\t" in head:
        head = _FOLD.sub(" ", head)
    lines = head.split("\r\n")
    breaks = len(lines) - 1
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head:
        raise RemoteSipError(400, "Stray control character in headers")
    if breaks > limits.max_headers:
        raise RemoteSipError(400, "Too many headers")

    headers: list[Header] = []
    fault: RemoteSipError | None = None
    known_names = CANONICAL
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        known = known_names.get(name) or canonical(name)
        if not colon or not known:
            fault = fault or RemoteSipError(400, "Malformed header line")
            continue
        headers.append((known, value.strip(" \t")))

    message = _start(lines[0], headers, encoding, limits)
    if isinstance(message, RemoteSipError):
        raise message
    try:
        if fault is not None:
            raise fault
        if isinstance(message, Request):
            _check_request_line(message)
        message._index = index = dict(headers[::-1])
        message._parsed = True
        if len(index) != len(headers):
            _refuse_repeated(headers)
        message.body = _body(body, index.get("Content-Length"))
    except RemoteSipError as error:
        if isinstance(message, Request):
            error.request = message
        raise
    return message


def _start(
    line: str, headers: list[Header], encoding: str, limits: MessageLimits
) -> Request | Response | RemoteSipError:
    if len(line) > limits.max_start_line:
        return RemoteSipError(400, "Start line too long")
    if line[:4].upper() == "SIP/":
        match = _STATUS.fullmatch(line)
        if match is None:
            return RemoteSipError(400, "Malformed status line")
        return Response(int(match.group(1)), match.group(2) or "", headers, b"", encoding)
    method, _, rest = line.partition(" ")
    uri, space, version = rest.rpartition(" ")
    if not space or not is_token(method):
        return RemoteSipError(400, "Malformed request line")
    request = Request(method, uri, headers, b"", encoding)
    if version.upper() != VERSION:
        if version[:4].upper() == "SIP/":
            return RemoteSipError(505, "Version Not Supported", request)
        return RemoteSipError(400, "Malformed request line", request)
    return request


def _check_request_line(request: Request) -> None:
    if not is_safe_uri(request.uri):
        raise RemoteSipError(400, "Malformed Request-URI")


def _refuse_repeated(headers: list[Header]) -> None:
    seen: set[str] = set()
    for name, _ in headers:
        if name in SINGLETONS and name in seen:
            raise RemoteSipError(400, f"Repeated {name}")
        seen.add(name)


def _body(body: bytes, length_text: str | None) -> bytes:
    if length_text is None:
        return body
    if not (length_text.isascii() and length_text.isdigit()) or len(length_text) > 9:
        raise RemoteSipError(400, "Malformed Content-Length")
    length = int(length_text)
    if length > len(body):
        raise RemoteSipError(400, "Body shorter than Content-Length")
    return body[:length]
