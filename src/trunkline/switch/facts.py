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
