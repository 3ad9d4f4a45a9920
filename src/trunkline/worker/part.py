"""What a part of the worker is, and the work it does beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

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
        await asyncio.wait([doing])
        raise
