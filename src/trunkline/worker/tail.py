"""The end of the journal, looked at once for all parts that follow it."""

from __future__ import annotations

import asyncio
from typing import Final

from trunkline.journal.reader import JournalReader
from trunkline.worker.part import in_thread

POLL_S: Final = 0.1
"""How often the journal is looked at: what a part does with an event begins within that time."""


class Tail:
    """Wakes whoever waits for the journal to go on. It is a part itself: somebody has to run it."""

    name = "tail"

    def __init__(self, reader: JournalReader, poll_s: float = POLL_S) -> None:
        """`reader` is for it alone; parts read with readers of their own."""
        self._reader = reader
        self._poll_s = poll_s
        self._moved = asyncio.Condition()
        self.seq = reader.end().seq

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._poll_s)
            seq = (await in_thread(self._reader.end)).seq
            if seq != self.seq:
                self.seq = seq
                async with self._moved:
                    self._moved.notify_all()

    async def beyond(self, seq: int) -> int:
        """Wait until the journal has events after `seq`; how far it goes then."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.seq > seq)
        return self.seq
