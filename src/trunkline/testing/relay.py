"""A bad line between two programs: a UDP port that passes on what it gets, some of it late, twice or not at all.

Peers must speak to the relay and name it in their Contact, so that all of a call takes this way.
"""

from __future__ import annotations

import heapq
import socket
import threading
import time
from types import TracebackType
from typing import Self

from trunkline.testing.lossy import Line
from trunkline.testing.ports import HOST

DATAGRAM_MAX = 65_535
BUFFER_BYTES = 4 * 1024 * 1024


class UdpRelay:
    """Passes on between `toward` and whoever else sends to it, by one line for each direction, in a thread.

    The other side is the last that has sent: there must be one alone.
    """

    def __init__(self, toward: tuple[str, int], there: Line, back: Line) -> None:
        """`toward` is an address on this machine; `there` the line to it, `back` the one from it."""
        self.there, self.back = there, back
        self._toward = toward
        self._other: tuple[str, int] | None = None
        self._queue: list[tuple[float, int, bytes, tuple[str, int]]] = []
        self._count = 0
        self._closing = threading.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind((HOST, 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self._thread = threading.Thread(target=self._run, name=f"relay {self.address[1]}", daemon=True)

    def __enter__(self) -> Self:
        """Passing on."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gone; what was under way is lost."""
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            wait_s = 0.1 if not self._queue else min(0.1, self._queue[0][0] - time.monotonic())
            self._socket.settimeout(max(wait_s, 0.0005))
            try:
                data, source = self._socket.recvfrom(DATAGRAM_MAX)
            except (TimeoutError, ConnectionRefusedError):
                pass  # nobody said anything, or a peer is not there yet or any more
            else:
                self._take(data, source)
            self._deliver()

    def _take(self, data: bytes, source: tuple[str, int]) -> None:
        line, destination = self.there, self._toward
        if source == self._toward:
            if self._other is None:
                return
            line, destination = self.back, self._other
        else:
            self._other = source
        for after_s in line.arrivals(data):
            self._count += 1
            heapq.heappush(self._queue, (time.monotonic() + after_s, self._count, data, destination))

    def _deliver(self) -> None:
        while self._queue and self._queue[0][0] <= time.monotonic():
            _, _, data, destination = heapq.heappop(self._queue)
            self._socket.sendto(data, destination)
