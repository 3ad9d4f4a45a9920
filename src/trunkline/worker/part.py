"""What a part of the worker is, and the work it does beside the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("trunkline.worker")

GoOn = Callable[[], bool]
"""Whether long work is still wanted."""

Tell = Callable[[str, dict[str, Any], str | None], Awaitable[Any]]
"""Have the switch do a command: its name, its arguments, and its idempotency key; None for one that only shows.

Gives its result. Raises TrunklineError: retryable or of the environment when the switch is not there, else its refusal.
"""


class Part(Protocol):
    """Something that the worker keeps doing beside other things. It follows the journal at a position of its own.

    `name` is for the log. `run` goes on until it is cancelled, and has let go of everything when it returns; an error
    that it raises ends the worker, so it catches those that pass.
    """

    @property
    def name(self) -> str:
        """What the log calls it."""

    async def run(self) -> None:
        """Work until cancelled."""


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what blocks in a thread. Who is cancelled meanwhile goes on being so when the work is done, and not before.

    So files are closed after the last work with them.
    """
    doing = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await _finished(doing)
        raise


async def long_in_thread(work: Callable[[GoOn], T]) -> T:
    """The same for work that takes minutes: it asks what it is given now and then, and ends when that says no."""
    stop = Event()
    doing = asyncio.ensure_future(asyncio.to_thread(work, lambda: not stop.is_set()))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        stop.set()
        await _finished(doing)
        raise


async def _finished(doing: asyncio.Future[Any]) -> None:
    await asyncio.wait([doing])
    if not doing.cancelled() and (error := doing.exception()) is not None:
        log.debug("nobody waits any more for what has failed: %r", error)
