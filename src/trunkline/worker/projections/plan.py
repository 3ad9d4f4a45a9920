"""What is made of the journal: tables, the events that change them, and the version of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from trunkline.events.entry import Event
from trunkline.worker.projections import attempts, auctions, calls, deliveries, leads, pings, returns
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Table

VERSION: Final = 7
"""Of the tables below. A change of what stands in them, or of how it is made, is a new one: it has them made anew."""


class Plan(msgspec.Struct, frozen=True, eq=False):
    """Tables in one file of the data folder. Handlers of one event are called in their order."""

    file: str
    version: int
    tables: tuple[Table[Any], ...]
    handlers: Mapping[type, tuple[Handler, ...]]

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the events that change anything, as the journal names them."""
        return tuple(str(kind.__struct_config__.tag) for kind in self.handlers)  # type: ignore[attr-defined]

    def fold(self, views: Views, told: Iterable[tuple[int, str | None, Event]]) -> None:
        """Change rows by events, each with its sequence number and its contact, in the order of the journal.

        Events that no table is about change nothing.
        """
        handlers = self.handlers
        for _, contact, event in told:
            for handle in handlers.get(type(event), ()):
                handle(views, event, contact)


def together(*nouns: Mapping[type, Handler]) -> dict[type, tuple[Handler, ...]]:
    """The handlers of several tables as those of a plan."""
    found: dict[type, tuple[Handler, ...]] = {}
    for noun in nouns:
        for kind, handler in noun.items():
            found[kind] = (*found.get(kind, ()), handler)
    return found


VIEWS: Final = Plan(
    file="views.db",
    version=VERSION,
    tables=(
        calls.CALLS,
        leads.LEADS,
        attempts.ATTEMPTS,
        auctions.AUCTIONS,
        auctions.BIDS,
        deliveries.DELIVERIES,
        returns.RETURNS,
        pings.PINGS,
    ),
    handlers=together(
        calls.HANDLERS,
        leads.HANDLERS,
        attempts.HANDLERS,
        auctions.HANDLERS,
        deliveries.HANDLERS,
        returns.HANDLERS,
        pings.HANDLERS,
    ),
)
"""The tables that dashboards and reports ask."""
