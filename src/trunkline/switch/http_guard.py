"""What one HTTP connection may cost: uvicorn's protocol, with the limits that it leaves to a proxy in front of it.

Without them a stranger could hold connections open for ever by saying nothing, until health checks are refused, fill
the memory with the head of one request, and the log with a line for each piece of nonsense.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S_MAX: Final = 5
"""From the connection, or the first byte of a further request, to the last byte of the request."""
HEAD_BYTES_MAX: Final = 32_768
CONNECTIONS_MAX: Final = 800
CONNECTIONS_PER_SOURCE_MAX: Final = 200
"""Of one address. A proxy on this machine may have all."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Made for each listener by `guarded`, which sets what is shared."""

    of_source: Counter[str]
    refused: Callable[[str], None]
    _host = ""
    _head_bytes = 0
    _in_head = True
    _whole = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Connected. What is beyond the limits is cut off at once."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        self.of_source[self._host] += 1
        if len(self.connections) > CONNECTIONS_MAX:
            self._cut("too_many_connections")
        elif self.of_source[self._host] > CONNECTIONS_PER_SOURCE_MAX and not _is_here(self._host):
            self._cut("too_many_connections_of_source")
        else:
            self._await_request()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._deadline is None and not self._whole and not self.transport.is_closing():
            self._await_request()
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._cut("head_too_large")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_head = self._whole = True
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self.refused("malformed")
        super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._stop_waiting()
        self.of_source[self._host] -= 1
        if not self.of_source[self._host]:
            del self.of_source[self._host]
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_S_MAX, self._cut, "slow")

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self, why: str) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.refused(why)
            self.transport.abort()


def guarded(refused: Callable[[str], None]) -> type[GuardedProtocol]:
    """The protocol for one listener; `refused` is told why a connection was cut off or answered with 400."""
    return type("GuardedProtocol", (GuardedProtocol,), {"of_source": Counter(), "refused": staticmethod(refused)})


def _is_here(host: str) -> bool:
    return bool(host) and ip_address(host).is_loopback
