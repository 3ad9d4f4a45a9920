"""Every command there is, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trunkline.switch.commands import (
    configuration,
    counters,
    deliveries,
    geo,
    held,
    keys,
    listeners,
    lists,
    penalties,
    rates,
    returns,
    targets,
)
from trunkline.switch.commands.command import Command

COMMANDS: Final[Mapping[str, Command[Any]]] = {
    command.name: command
    for commands in (
        counters.COMMANDS,
        configuration.COMMANDS,
        deliveries.COMMANDS,
        geo.COMMANDS,
        held.COMMANDS,
        listeners.COMMANDS,
        keys.COMMANDS,
        lists.COMMANDS,
        penalties.COMMANDS,
        rates.COMMANDS,
        returns.COMMANDS,
        targets.COMMANDS,
    )
    for command in commands
}
