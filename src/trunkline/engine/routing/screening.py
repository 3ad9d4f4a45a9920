"""Whom lists and laws keep away: what a level asks of them, and what they say of one caller.

A level may name lists that a caller must not be on (`suppress`), and lists of which it must be on one
(`require_listed`). A list that is not loaded keeps everybody away in either case: nobody can know who is on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.calling_hours import closed_by, opens
from trunkline.engine.routing.offer import Attributes


class Screen(msgspec.Struct, frozen=True):
    """One thing that a level asks: of a list to suppress, of several of which one is required, of a country's laws."""

    asks: Literal["suppress", "require_listed", "calling_hours"]
    names: tuple[str, ...]


def screens_of(thing: object) -> tuple[Screen, ...]:
    """What an object of the configuration asks, in the order in which it is judged."""
    suppress: tuple[str, ...] = getattr(thing, "suppress", ())
    require: tuple[str, ...] = getattr(thing, "require_listed", ())
    found = [Screen("suppress", (name,)) for name in suppress]
    if require:
        found.append(Screen("require_listed", require))
    country: str | None = getattr(thing, "calling_hours", None)
    if country is not None:
        found.append(Screen("calling_hours", (country,)))
    return tuple(found)


class Screening:
    """One caller before the lists of its account: each list is asked once, and only when something asks for it.

    `number` is E.164, None when withheld; `day` the ordinal of the account's date, on which entries may have expired.
    `where` is what is known of the caller and the instant (UTC milliseconds); without, laws on hours are not asked.
    """

    __slots__ = ("_day", "_lists", "_number", "_on", "_verdicts", "_where")

    def __init__(
        self,
        number: str | None,
        lists: Mapping[str, ContactList],
        day: int,
        where: tuple[Attributes, int] | None = None,
    ) -> None:
        self._number = number
        self._lists = lists
        self._day = day
        self._where = where
        self._on: dict[str, bool | None] = {}
        self._verdicts: dict[Screen, str | None] = {}

    def stopped(self, screen: Screen) -> str | None:
        """Why the caller is kept away, None when it is not."""
        try:
            return self._verdicts[screen]
        except KeyError:
            why = self._verdicts[screen] = self._judge(screen)
            return why

    def opening(self, screen: Screen) -> str | None:
        """When the caller is let through by a question that time answers; None for all others."""
        if screen.asks != "calling_hours" or self._where is None:
            return None
        return opens(*self._where)

    def _judge(self, screen: Screen) -> str | None:
        if screen.asks == "calling_hours":
            return None if self._where is None else closed_by(*self._where)
        known = [(name, self._is_on(name)) for name in screen.names]
        if screen.asks == "suppress":
            for name, on in known:
                if on is not False:
                    return f"on list {name}" if on else f"list {name} is not loaded"
            return None
        if any(on for _, on in known):
            return None
        missing = [name for name, on in known if on is None]
        return f"list {missing[0]} is not loaded" if missing else f"not on list {', '.join(screen.names)}"

    def _is_on(self, name: str) -> bool | None:
        """Whether the caller is on a list; None when the list is not loaded."""
        if name not in self._on:
            held = self._lists.get(name)
            self._on[name] = None if held is None else held.holds(self._number, self._day)
        return self._on[name]
