"""What came of a simulation, counted as it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.engine.terms.terms import Terms
from trunkline.kernel.leases import FUNDS, CounterId, Demand, Usage
from trunkline.kernel.money import Money

_MONEY = frozenset({"spend", FUNDS})


class BuyerTally:
    """One buyer's part. `revenue` is what it owes, in minor units."""

    __slots__ = ("connected", "converted", "offers", "revenue")

    def __init__(self) -> None:
        self.offers = 0
        self.connected = 0
        self.converted = 0
        self.revenue = 0


class AccountTally:
    """What came of one account's traffic. Amounts in minor units."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.calls = 0
        self.sold = 0
        self.unsold: dict[str, int] = {}
        self.revenue = 0
        self.payout = 0
        self.buyers: dict[str, BuyerTally] = {}
        self._peaks: dict[CounterId, list[int]] = {}

    def buyer(self, key: str) -> BuyerTally:
        """The buyer's part, from nothing when it is new."""
        tally = self.buyers.get(key)
        if tally is None:
            tally = self.buyers[key] = BuyerTally()
        return tally

    def held(self, demands: Sequence[Demand], usage: Usage) -> None:
        """Seats were taken: note how full the limits are now."""
        for demand in demands:
            used = usage.used(demand.counter, demand.window_start_ms)
            peak = self._peaks.get(demand.counter)
            if peak is None:
                self._peaks[demand.counter] = [used, demand.max]
            elif used > peak[0]:
                peak[0] = used

    def lost(self, reason: str) -> None:
        """A caller was not sold."""
        self.unsold[reason] = self.unsold.get(reason, 0) + 1

    def owed(self, buyer: BuyerTally, terms: Terms) -> None:
        """A sale has converted."""
        buyer.converted += 1
        buyer.revenue += terms.price.minor
        self.revenue += terms.price.minor

    def document(self) -> dict[str, Any]:
        """The answer of `simulate --json`."""
        return {
            "calls": self.calls,
            "sold": self.sold,
            "unsold": dict(sorted(self.unsold.items(), key=lambda item: (-item[1], item[0]))),
            "currency": self.currency,
            "revenue": self._amount(self.revenue),
            "payout": self._amount(self.payout),
            "buyers": {
                key: {
                    "offers": tally.offers,
                    "connected": tally.connected,
                    "converted": tally.converted,
                    "revenue": self._amount(tally.revenue),
                }
                for key, tally in sorted(self.buyers.items(), key=lambda item: (-item[1].revenue, item[0]))
            },
            "limits": [self._limit(counter, *peak) for counter, peak in sorted(self._peaks.items())],
        }

    def _limit(self, counter: CounterId, peak: int, most: int) -> dict[str, Any]:
        money = counter.measure in _MONEY
        return {
            "level": counter.level,
            "key": counter.key,
            "measure": counter.measure,
            "per": counter.per or None,
            "peak": self._amount(peak) if money else peak,
            "max": self._amount(most) if money else most,
        }

    def _amount(self, minor: int) -> str:
        return str(Money(minor, self.currency))
