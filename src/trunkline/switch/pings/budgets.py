"""How many pings a publisher may send: so many a minute, so many a day.

Days are those of the publisher's zone, else the account's, and are counted where limits are counted: a restart forgets
none. A minute's worth may come at once; what a restart forgets of that is a minute.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.kernel.clock import SECOND
from trunkline.kernel.leases import CounterId
from trunkline.kernel.windows import Per, window_at
from trunkline.sip.rates import Rates

if TYPE_CHECKING:
    from trunkline.config.schema import Account, Publisher
    from trunkline.kernel.clock import Instant
    from trunkline.kernel.leases import Capacity

MINUTE_S: Final = 60


class Spent(msgspec.Struct, frozen=True):
    """There is no ping left for now: which of the two it is that is used up, and when to ask again."""

    code: str
    retry_s: int


class Budgets:
    """The pings of all publishers."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._rates: dict[int, Rates] = {}

    def take(self, account: Account, publisher: Publisher, now: Instant) -> Spent | None:
        """Count one ping of the publisher; why it may not be sent when it may not."""
        counter = CounterId(account.key, "publisher", publisher.key, "ping", Per.DAY.value, "both")
        day = window_at(Per.DAY, now.utc_ms, publisher.timezone or account.timezone)
        budget = publisher.ping_budget
        if budget is not None and self._capacity.used(counter, day.start_ms) >= budget:
            return Spent("ping_budget", math.ceil((day.end_ms - now.utc_ms) / 1000))
        limit = publisher.pings_per_minute
        if limit is not None and (spent := self._too_many(limit, f"{account.key}/{publisher.key}", now)) is not None:
            return spent
        if budget is not None:
            self._capacity.recount(counter, day.start_ms, day.end_ms, by=1)
        return None

    def _too_many(self, limit: int, source: str, now: Instant) -> Spent | None:
        if limit == 0:
            return Spent("pings_per_minute", MINUTE_S)
        rates = self._rates.get(limit)
        if rates is None:
            rates = self._rates[limit] = Rates(limit / MINUTE_S, MINUTE_S)
        now_s = now.mono_ns / SECOND
        if rates.take(source, now_s):
            return None
        return Spent("pings_per_minute", max(1, math.ceil(rates.wait_s(source, now_s))))
