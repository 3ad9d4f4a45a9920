"""The facts of each account as the switch knows them at this moment, from whoever finds them out.

Decisions ask for them at each route node. What is asked for is one frozen object, made anew when something changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from trunkline.engine.routing.facts import NO_FACTS, Facts, changed
from trunkline.engine.scoring.rate_book import RateBook, Rates
from trunkline.events.changes import PenaltiesPut, RatesPut


class FactBoard:
    """What is known that is not configuration."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._down: dict[tuple[str, str], frozenset[str]] = {}
        """Targets out of service, by account and by who has found that out."""

    def of(self, account: str) -> Facts:
        """The facts of an account."""
        return self._facts.get(account, NO_FACTS)

    def restore(self, rates: Iterable[RatesPut], penalties: Iterable[PenaltiesPut] = ()) -> None:
        """Take over what the journal kept."""
        for each in rates:
            self.change(each.account, rates=RateBook(msgspec.json.decode(each.book, type=Rates)))
        for kept in penalties:
            self.change(kept.account, penalties=msgspec.json.decode(kept.penalties, type=dict[str, int]))

    def change(self, account: str, **fields: Any) -> Facts:
        """Put other values into these fields of `Facts`; all of the account's facts that follow."""
        facts = self._facts[account] = changed(self.of(account), **fields)
        return facts

    def take_down(self, account: str, finder: str, targets: frozenset[str]) -> tuple[list[str], list[str], str]:
        """These targets are out of service as `finder` sees it: `servers` that cannot be reached, or `bidders`.

        Those that are out of service now and were not, those that are in service again, and the facts' version.
        """
        if targets:
            self._down[account, finder] = targets
        else:
            self._down.pop((account, finder), None)
        down: frozenset[str] = frozenset().union(
            *(found for (owner, _), found in self._down.items() if owner == account)
        )
        before = self.of(account).down
        facts = self.change(account, down=down)
        return sorted(down - before), sorted(before - down), facts.version
