"""A bidder in a thread with a loop of its own, for tests and programs that are no coroutines.

with answering({"/ping": bids("25.00")}) as bidder:
    ...  # start a switch whose configuration names bidder.url
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from trunkline.testing.bidders.server import Bidder, Script, serving

START_S_MAX: Final = 10.0
STOP_S_MAX: Final = 10.0


class BidderFailed(Exception):
    """The bidder's thread did not start, or did not end, in time."""


@contextmanager
def answering(
    script: Script | Mapping[str, Script], *, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Bidder]:
    """A bidder that answers until the block ends. What it has received can be read at any time. Raises BidderFailed."""
    started = Event()
    found: list[Bidder] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        over = asyncio.Event()
        async with serving(script, tls=tls, port=port) as bidder:
            found.append(bidder)
            loops.append((asyncio.get_running_loop(), over))
            started.set()
            await over.wait()

    thread = Thread(target=lambda: asyncio.run(run()), name="bidder", daemon=True)
    thread.start()
    if not started.wait(START_S_MAX):
        raise BidderFailed(f"the bidder does not listen after {START_S_MAX:g} s; is its port taken?")
    try:
        yield found[0]
    finally:
        loop, over = loops[0]
        loop.call_soon_threadsafe(over.set)
        thread.join(STOP_S_MAX)
        if thread.is_alive():
            raise BidderFailed(f"the bidder still runs after {STOP_S_MAX:g} s")
