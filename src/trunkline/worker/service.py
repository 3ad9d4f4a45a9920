"""The worker's life: all its parts beside each other, until somebody tells it to stop or one of them cannot go on."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Sequence

from trunkline.worker.part import Part

log = logging.getLogger("trunkline.worker")


async def run_worker(parts: Sequence[Part], ready: Awaitable[str]) -> None:
    """Run all parts until SIGTERM or SIGINT, and print the line that `ready` gives when it does.

    Raises what a part raises, when the others have ended.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = {loop.create_task(part.run(), name=part.name) for part in parts}
    stopping = loop.create_task(stop.wait())
    telling = asyncio.ensure_future(ready)
    telling.add_done_callback(_tell)
    ended, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    for task in ended - {stopping}:
        log.error("the worker's part %r has ended by itself; stopping", task.get_name())
    for each in (stopping, telling, *running):
        each.cancel()
    await asyncio.gather(stopping, telling, *running, return_exceptions=True)
    for task in ended - {stopping}:
        task.result()
    log.info("stopped")


def _tell(ready: asyncio.Future[str]) -> None:
    if not ready.cancelled() and ready.exception() is None:
        print(ready.result(), flush=True)
