"""When the interpreter looks for garbage that holds itself.

A call leaves none: what it was made of is freed with the last that refers to it (`switch.part`, and the structs that
the collector does not know at all, `gc=False`). Looking through live calls and waiting transactions finds nothing, but
took a twelfth of the processor at 500 calls a second, in pauses of 24 ms. So whatever exists is put out of the
collector's sight twice a second, which costs nothing however much it is.

Other parts, connections above all, may leave cycles. They are looked for when what was put out of sight has grown by
more than calls explain, sooner when there are none that would wait meanwhile (docs/decisions/0034).
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Final

HIDE_EVERY_S: Final = 0.5
COUNT_EVERY: Final = 120
"""Counting walks over all objects, some milliseconds: once a minute."""
YOUNG_MAX: Final = 50_000
"""New objects between two turns at which the interpreter looks through them by itself: a flood, not calls."""
GROWN_QUIET_MAX: Final = 50_000
"""Objects more than after the last look that are looked through while there are no calls."""
GROWN_MAX: Final = 1_000_000
"""Likewise in any case: 600 calls a second with their transactions are half of that."""


class Collector:
    """Keeps the collector of this process from looking at what lives. `calls` tells how many calls there are."""

    def __init__(self, calls: Callable[[], int]) -> None:
        self._calls = calls
        self._hidden = 0

    async def run(self) -> None:
        """Work until cancelled. Whoever starts it has looked through before there were calls: that holds the loop."""
        gc.set_threshold(YOUNG_MAX, 10, 10)
        while True:
            for _ in range(COUNT_EVERY):
                await asyncio.sleep(HIDE_EVERY_S)
                gc.freeze()
            self.tend()

    def tend(self) -> None:
        """Look through everything if there is reason to."""
        grown = gc.get_freeze_count() - self._hidden
        if grown > (GROWN_MAX if self._calls() else GROWN_QUIET_MAX):
            self.look_through()

    def look_through(self) -> None:
        """Free all garbage, whatever it holds, and put the rest out of sight: a third of a second for 10,000 routes."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._hidden = gc.get_freeze_count()
