"""The worker's life: all its parts beside each other, until somebody tells it to stop or one of them cannot go on."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence

from trunkline.worker.part import Part

log = logging.getLogger("trunkline.worker")


async def run_worker(parts: Sequence[Part], ready_line: str) -> None:
    """Run all parts until SIGTERM or SIGINT. Raises what a part raises, when the others have ended."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = {loop.create_task(part.run(), name=part.name) for part in parts}
    stopping = loop.create_task(stop.wait())
    print(ready_line, flush=True)
    ended, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    for task in ended - {stopping}:
        log.error("the worker's part %r has ended by itself; stopping", task.get_name())
    for task in (stopping, *running):
        task.cancel()
    await asyncio.gather(stopping, *running, return_exceptions=True)
    for task in ended - {stopping}:
        task.result()
    log.info("stopped")
