"""Messages off a byte stream (RFC 3261 18.3, RFC 5626 3.5.1): bytes go in as they come, whole messages come out.

A stream has no packets, so Content-Length alone says where a message ends. One that is missing, unreadable or told
twice leaves no way to find the next message: the peer may be answered once more, then the connection has to go. Between
messages stand line ends: two of them together are a ping, which wants one back, and a single one is our peer's pong.
"""

from __future__ import annotations

import re

import msgspec

from trunkline.sip.limits import DEFAULT_STREAM_LIMITS, StreamLimits

PING = b"\r\n\r\n"
PONG = b"\r\n"

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE)
_LETTER = re.compile(rb"[A-Za-z0-9.!%*_+`'~-]")


class Fault(msgspec.Struct, frozen=True):
    """Why no more messages can be read. `reason` names the counter; `head` can be answered with `status`, if any."""

    reason: str
    status: int = 400
    head: bytes = b""


class Framer:
    """One direction of one connection. After a `fault` it takes no more bytes."""

    __slots__ = ("_buffer", "_end", "_limits", "_line_end", "_seen", "began_at", "fault")

    def __init__(self, limits: StreamLimits = DEFAULT_STREAM_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._seen = 0  # bytes of the buffer in which no end of the head was found
        self._end = 0  # where the message ends, 0 while its head is not complete
        self._line_end = False  # a line end stands before what is to come, and may be half a ping
        self.began_at: float | None = None
        self.fault: Fault | None = None

    def feed(self, data: bytes, now: float) -> list[bytes]:
        """Take bytes; returns the messages that are complete, in order, each ping among them as PING.

        `began_at` is then the time of the first bytes of a message that is not complete, None without one.
        """
        found: list[bytes] = []
        if self.fault is not None:
            return found
        buffer = self._buffer
        buffer += data
        began_at = self.began_at if self.began_at is not None else now
        while buffer and self._step(found):
            began_at = now
        self.began_at = began_at if buffer else None
        return found

    def _step(self, found: list[bytes]) -> bool:
        """Take one line end or one message off the buffer; False when more bytes are needed."""
        if self._end:
            return self._take_message(found)
        if self._seen == 0 and self._buffer[0] in b"\r\n":
            return self._take_line_end(found)
        return self._find_head()

    def _take_line_end(self, found: list[bytes]) -> bool:
        buffer = self._buffer
        if buffer[0] != 0x0D or (len(buffer) > 1 and buffer[1] != 0x0A):
            return self._fail(Fault("garbage"))
        if len(buffer) < 2:
            return False
        del buffer[:2]
        if self._line_end:
            found.append(PING)
        self._line_end = not self._line_end
        return True

    def _find_head(self) -> bool:
        buffer, limits = self._buffer, self._limits
        if self._seen == 0 and not _LETTER.match(buffer):
            return self._fail(Fault("garbage"))
        end = buffer.find(b"\r\n\r\n", max(0, self._seen - 3), limits.max_head)
        if end < 0:
            self._seen = len(buffer)
            if len(buffer) >= limits.max_head:
                return self._fail(Fault("head_too_large"))
            return False
        head = bytes(buffer[: end + 4])
        breaks = head.count(b"\r\n")
        if head.count(b"\r") != breaks or head.count(b"\n") != breaks:
            # A proxy before us that takes a lone line feed for the end of a line may have read another Content-Length,
            # and what it took for a body would be a request to us.
            return self._fail(Fault("garbage"))
        length = self._length(head)
        if isinstance(length, Fault):
            return self._fail(length)
        self._end = len(head) + length
        return True

    def _length(self, head: bytes) -> int | Fault:
        told = _LENGTH.findall(head)
        if not told:
            return Fault("no_length", head=head)
        text = told[0].strip()
        if len(told) > 1 or not text.isdigit() or len(text) > 9:
            return Fault("bad_length", head=head)
        length = int(text)
        return length if length <= self._limits.max_body else Fault("body_too_large", 513, head)

    def _fail(self, fault: Fault) -> bool:
        self.fault = fault
        self._buffer.clear()
        return False

    def _take_message(self, found: list[bytes]) -> bool:
        if len(self._buffer) < self._end:
            return False
        found.append(bytes(self._buffer[: self._end]))
        del self._buffer[: self._end]
        self._end = self._seen = 0
        self._line_end = False
        return True
