"""What the facts of one account were, found in the journal: one state after another, as its events changed them.

A decision names the version of its facts, and the version follows from the contents: a state that has that version is
the one that the decision rested on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from trunkline.events.entry import Event
from trunkline.events.switch import (
    CommandDone,
    PenaltiesPublished,
    RatesPublished,
    SwitchStarted,
    TargetDown,
    TargetStatus,
    TargetUp,
)

FACT_EVENTS: Final = (
    "switch.started",
    "target.down",
    "target.up",
    "target.status",
    "rates.published",
    "penalties.published",
    "command.done",
)
"""The types of the events that facts follow from."""
STATES_MAX: Final = 1_000
"""The newest states that are kept: facts change while a caller is being offered."""


class FactState(msgspec.Struct, frozen=True):
    """The facts after one event; rate book and loaded lists (by key) by their versions and digests.

    `until_ms` says when the status of a target in `unavailable` ends by itself, where that is known.
    """

    down: frozenset[str] = frozenset()
    unavailable: dict[str, str] = {}
    until_ms: dict[str, int] = {}
    rates: str | None = None
    lists: dict[str, str] = {}
    penalties: dict[str, int] = {}


class FactLog:
    """Takes the events in order."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._states = [FactState()]

    def take(self, event: Event) -> None:
        """Read on; events of other accounts change nothing."""
        now = self._states[-1]
        if not isinstance(event, SwitchStarted) and self._whose(event) != self._account:
            return
        match event:
            case SwitchStarted():  # circuits are closed again, nobody wraps up a call, and pauses may be over
                left = {
                    target: why
                    for target, why in now.unavailable.items()
                    if why != "wrap_up" and now.until_ms.get(target, event.at_ms + 1) > event.at_ms
                }
                now = msgspec.structs.replace(now, down=frozenset(), unavailable=left)
            case TargetDown():
                now = msgspec.structs.replace(now, down=now.down | {event.target})
            case TargetUp():
                now = msgspec.structs.replace(now, down=now.down - {event.target})
            case TargetStatus():
                others = {target: why for target, why in now.unavailable.items() if target != event.target}
                said = {} if event.status == "available" else {event.target: event.status}
                ends = {target: at_ms for target, at_ms in now.until_ms.items() if target in others}
                if said and event.until_ms is not None:
                    ends[event.target] = event.until_ms
                now = msgspec.structs.replace(now, unavailable=others | said, until_ms=ends)
            case RatesPublished():
                now = msgspec.structs.replace(now, rates=event.rates)
            case PenaltiesPublished():
                now = msgspec.structs.replace(now, penalties=event.penalties)
            case CommandDone(command="lists.load"):
                now = msgspec.structs.replace(now, lists=now.lists | {event.result["list"]: event.result["digest"]})
            case CommandDone(command="lists.drop"):
                left = {key: digest for key, digest in now.lists.items() if key != event.result["list"]}
                now = msgspec.structs.replace(now, lists=left)
            case _:
                return
        self._states.append(now)
        del self._states[:-STATES_MAX]

    def newest_first(self) -> Iterator[FactState]:
        """The states that have been, the present one first."""
        return reversed(self._states)

    @staticmethod
    def _whose(event: Event) -> Any:
        if isinstance(event, CommandDone):
            return event.result.get("account") if isinstance(event.result, dict) else None
        return getattr(event, "account", None)
