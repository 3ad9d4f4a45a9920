"""A world that has been replaced, on its way out.

When its last call has ended, ten thousand routes and all that was compiled of them would go in one moment, and hold the
loop for as long as it takes to free them. So their pieces are held here until then, and let go a few at a time.
"""

from __future__ import annotations

import weakref
from collections.abc import Generator
from typing import Any, Final

from trunkline.switch.world import World

_PIECES_A_STEP: Final = 16


class Parting:
    """The pieces of one world."""

    def __init__(self, world: World) -> None:
        self._world = weakref.ref(world)
        self._pieces: list[Any] = []
        for index in world.accounts.values():
            config = index.config
            self._pieces += (config.numbers, config.buyers, config.targets)
            self._pieces += (tier.routes for plan in config.plans for tier in plan.tiers)
        for router in world.routers.values():
            for program in router.programs.values():
                self._pieces += (program.lines, *(block for _, block in program.blocks()))

    @property
    def over(self) -> bool:
        """Whether no call is left that began in this world."""
        return self._world() is None

    def taking_apart(self) -> Generator[None, None, None]:
        """Let everything go in small steps."""
        while self._pieces:
            piece = self._pieces.pop()
            rest = list(piece) if isinstance(piece, tuple | list) else [piece]
            del piece
            while rest:
                del rest[-_PIECES_A_STEP:]
                yield
