"""What bidders do: bid, decline, dawdle, hang, drip, flood, point elsewhere, talk nonsense, break off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from trunkline.testing.bidders.server import Behaviour, Peer, Received

FLOOD_BYTES: Final = 1 << 30
_PIECE: Final = b" " * 65_536


def bids(amount: str, **more: Any) -> Behaviour:
    """A bid in our own format; `more` are further keys of the answer (`number`, `terms`, `expires_at`…).

    The bid's id is its number in the order of requests: `bid-1`, `bid-2`…
    """
    count = 0

    async def behave(peer: Peer, request: Received) -> None:
        nonlocal count
        count += 1
        await peer.json(200, {"status": "bid", "ping_id": f"bid-{count}", "bid": amount, "currency": "USD", **more})

    return behave


def no_bid(reason: str = "no capacity") -> Behaviour:
    """A well-formed answer without a bid."""
    return says({"status": "no_bid", "reasons": [reason]})


def says(value: Any, status: int = 200) -> Behaviour:
    """Any JSON."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.json(status, value)

    return behave


def writes(body: bytes, content_type: str = "application/json", status: int = 200) -> Behaviour:
    """Any bytes: JSON that is none, XML, an HTML page of errors."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.answer(status, body, {"Content-Type": content_type})

    return behave


def fails(status: int = 503, headers: Mapping[str, str] | None = None) -> Behaviour:
    """An error of HTTP."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.answer(status, b"", headers)

    return behave


def after(seconds: float, then: Behaviour) -> Behaviour:
    """The same, later: a slow bidder, or one whose answer comes after the deadline."""

    async def behave(peer: Peer, request: Received) -> None:
        await asyncio.sleep(seconds)
        await then(peer, request)

    return behave


def hangs() -> Behaviour:
    """Nothing, until the other side gives up."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.until_left()

    return behave


def drips(every_s: float = 0.05) -> Behaviour:
    """A bid that comes byte by byte and would take minutes: each byte in time, the whole never."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nContent-Type: application/json\r\n\r\n")
        while True:
            await peer.say(b" ")
            await asyncio.sleep(every_s)

    return behave


def floods(total_bytes: int = FLOOD_BYTES) -> Behaviour:
    """A body of a gigabyte, as fast as it is taken."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.say(f"HTTP/1.1 200 OK\r\nContent-Length: {total_bytes}\r\n\r\n".encode())
        for _ in range(total_bytes // len(_PIECE)):
            await peer.say(_PIECE)

    return behave


def redirects(status: int = 307) -> Behaviour:
    """A redirect to itself, for ever."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.answer(status, b"", {"Location": request.target})

    return behave


def breaks_off() -> Behaviour:
    """The connection is broken off in the middle of the answer."""

    async def behave(peer: Peer, request: Received) -> None:
        await peer.say(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"bid": ')
        peer.drop()

    return behave
