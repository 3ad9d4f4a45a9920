"""`listeners.show`: where this switch takes HTTP, for programs on the same machine."""

from __future__ import annotations

from typing import Any, Final

from trunkline.kernel.clock import Instant
from trunkline.switch.commands.command import Args, Command, Done
from trunkline.switch.plant import Plant

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Listening on all addresses, a switch is reached from its own machine by loopback."""


class ShowListeners(Args, frozen=True, kw_only=True):
    """Nothing to say."""


async def show(plant: Plant, _args: ShowListeners, _now: Instant) -> Done:
    """HOST:PORT of the public listener (`http`) and of the one for health and metrics (`admin`)."""
    return Done({name: _reachable(*address) for name, address in plant.listeners.items()})


COMMANDS: Final[tuple[Command[Any], ...]] = (Command("listeners.show", ShowListeners, show, changes=False),)


def _reachable(host: str, port: int) -> str:
    host = _ANY.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
