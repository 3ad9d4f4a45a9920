"""Bidders in a process of their own: as many ports, each answering every ping after its own time, or never.

`python -m bench.load.bidders 10,20,…,never` prints the ports in that order, one line, and serves until its input ends.
They are as light as can be, so that what is measured is who asks. The `ping_id` of an answer is how long the bidder
really held the question, in microseconds: its own timers are late, too, and nobody who asks can be blamed for that.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop
from bench.load.machine import LOAD_CORE, pinned

NEVER: Final = -1
_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class _Bidder(asyncio.Protocol):
    """One connection: one question at a time, as clients without pipelining ask."""

    def __init__(self, delay_s: float, bid: bytes) -> None:
        self._delay_s = delay_s
        self._bid = bid
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = bytes(self._read).partition(b"\r\n\r\n")
        if not found:
            return
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(body) < length:
            return
        self._read.clear()
        if self._delay_s >= 0:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer, time.perf_counter_ns())

    def _answer(self, since_ns: int) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        held_us = (time.perf_counter_ns() - since_ns) // 1000
        body = b'{"bid":"%s","ping_id":"%d"}' % (self._bid, held_us)
        self._transport.write(_HEAD % len(body) + body)


@contextmanager
def bidders(delays_ms: Sequence[int]) -> Iterator[list[int]]:
    """Start bidders that answer after so many milliseconds (`NEVER`: not at all); their ports, until the block ends."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "bench.load.bidders", ",".join(map(str, delays_ms))]
    with pinned(LOAD_CORE):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert child.stdout is not None
        yield [int(port) for port in child.stdout.readline().split()]
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


async def _serve(delays_ms: Sequence[int]) -> None:
    loop = asyncio.get_running_loop()
    ports = []
    for place, delay_ms in enumerate(delays_ms):
        bid = b"%d.00" % (10 + place)
        server = await loop.create_server(lambda d=delay_ms, b=bid: _Bidder(d / 1000, b), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve([int(text) for text in sys.argv[1].split(",")]))
