"""The part of the worker that keeps the views up with the journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from trunkline.worker.part import GoOn, in_thread, long_in_thread
from trunkline.worker.projections.projector import Projector
from trunkline.worker.projections.store import ViewsUnusable
from trunkline.worker.tail import Tail

log = logging.getLogger("trunkline.worker")

AGAIN_S: Final = 5.0
"""How long a disk that took no writes is left alone."""
TELL_EVERY_S: Final = 300.0
"""How often the log says where the views are."""


class Projecting:
    """Opens the tables of one plan, which may mean making them anew, and follows the journal with them.

    `opened` resolves to how far they are when they are there.
    """

    def __init__(self, name: str, open_: Callable[[GoOn], Projector], tail: Tail) -> None:
        self.name = name
        self.opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._open = open_
        self._tail = tail

    async def run(self) -> None:
        """Go on until cancelled. A disk that is full is waited for; other errors end the worker."""
        projector = await long_in_thread(self._open)
        self.opened.set_result(projector.seq)
        try:
            await self._follow(projector)
        finally:
            projector.close()

    async def _follow(self, projector: Projector) -> None:
        loop = asyncio.get_running_loop()
        told_s = loop.time()
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
