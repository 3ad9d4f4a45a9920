"""The part of the worker that keeps the views up with the journal."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from trunkline.worker.part import in_thread
from trunkline.worker.projections.projector import Projector
from trunkline.worker.projections.store import ViewsUnusable
from trunkline.worker.tail import Tail

log = logging.getLogger("trunkline.worker")

AGAIN_S: Final = 5.0
"""How long a disk that took no writes is left alone."""
TELL_EVERY_S: Final = 300.0
"""How often the log says where the views are."""


class Projecting:
    """Follows the journal with the tables of one projector, which it closes when it ends."""

    def __init__(self, name: str, projector: Projector, tail: Tail) -> None:
        self.name = name
        self._projector = projector
        self._tail = tail

    async def run(self) -> None:
        """Go on until cancelled. A disk that is full is waited for; other errors end the worker."""
        projector, loop = self._projector, asyncio.get_running_loop()
        told_s = loop.time()
        try:
            while True:
                await self._tail.beyond(projector.seq)
                try:
                    await in_thread(projector.step)
                except ViewsUnusable as error:
                    log.error("%s; trying again in %.0f s (%s)", error.message, AGAIN_S, error.hint)
                    await asyncio.sleep(AGAIN_S)
                if loop.time() - told_s >= TELL_EVERY_S:
                    told_s = loop.time()
                    behind = self._tail.seq - projector.seq
                    log.info("%s has the journal up to event %d, %d behind", self.name, projector.seq, max(0, behind))
        finally:
            projector.close()
