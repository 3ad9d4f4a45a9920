"""Long work on the loop in slices, so that no call waits for more than one of them."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

SLICE_S: Final = 0.001
"""How long a slice lasts before it stops at the next step; what a step takes comes on top."""
PAUSE_S: Final = 0.002
"""How long calls have the loop to themselves between two slices."""


def finished(steps: Generator[None, None, T]) -> T:
    """Take all of `steps` at once; gives what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result


class Slices:
    """Keeps account of how long the loop has been held."""

    def __init__(self) -> None:
        self._until_s = time.perf_counter() + SLICE_S

    async def pause_if_due(self) -> None:
        """Let others go on when the slice is over."""
        if self.due:
            await asyncio.sleep(PAUSE_S)
            self._until_s = time.perf_counter() + SLICE_S

    @property
    def due(self) -> bool:
        """Whether the slice is over."""
        return time.perf_counter() >= self._until_s

    async def run(self, steps: Generator[None, None, T]) -> T:
        """Take all of `steps`, with pauses; gives what they return."""
        while True:
            try:
                while True:
                    next(steps)
                    if self.due:
                        break
            except StopIteration as done:
                result: T = done.value
                return result
            await self.pause_if_due()


@contextmanager
def uncollected() -> Iterator[None]:
    """What is made inside stays for long, and the garbage collector does not look at it: neither now nor later.

    A look at what a large configuration is made of would hold the loop for tens of milliseconds. Its objects refer to
    each other one way only, so they go when nobody needs them, without the collector.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
