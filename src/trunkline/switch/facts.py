"""The facts of each account as the switch knows them at this moment, from whoever finds them out.

Decisions ask for them at each route node. What is asked for is one frozen object, made anew when something changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

import msgspec

from trunkline.engine.routing.facts import NO_FACTS, Facts, facts_of
from trunkline.engine.scoring.rate_book import RateBook, Rates
from trunkline.events.changes import RatesPut


class FactBoard:
    """What is known that is not configuration."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}

    def of(self, account: str) -> Facts:
        """The facts of an account."""
        return self._facts.get(account, NO_FACTS)

    def restore(self, rates: Iterable[RatesPut]) -> None:
        """Take over what the journal kept."""
        for each in rates:
            self.publish(each.account, RateBook(msgspec.json.decode(each.book, type=Rates)))

    def put_down(self, account: str, targets: Set[str]) -> Facts:
        """These targets are out of service and no others; the facts that follow."""
        known = self.of(account)
        return self._put(account, facts_of(targets, known.rates, known.penalties))

    def publish(self, account: str, rates: RateBook) -> Facts:
        """Decisions rest on this rate book; the facts that follow."""
        known = self.of(account)
        return self._put(account, facts_of(known.down, rates, known.penalties))

    def _put(self, account: str, facts: Facts) -> Facts:
        self._facts[account] = facts
        return facts
