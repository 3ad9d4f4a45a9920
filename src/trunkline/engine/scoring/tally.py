"""Makes rate books from events: every offer once, when its outcome can no longer change.

Events come in the order of the journal and are not kept. What is kept is one entry for each call that goes on, and one
for each plan, buyer, route and source on a route: so a journal of any length is counted in the memory of its
configuration. The age of an offer is known from the start, since the book's instant is; each adds 2^(-age/half-life).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from trunkline.engine.scoring.rate_book import DAY_MS, HALF_LIFE_DAYS, Rate, Rates
from trunkline.events.calls import AttemptEnded, CallEnded, CallReceived, Converted, OfferReserved
from trunkline.events.entry import Event

OPEN_CALLS_MAX: Final = 200_000
"""Calls that have not ended, or whose outcome may still change; the oldest beyond that are left out."""
SOURCES_MAX: Final = 100_000
"""Sources on routes of one account: strangers may name sources. Those beyond count for their route alone."""
FADED: Final = 0.001
"""What weighs less than this is left out of a book: its route begins anew."""
_NOT_THE_BUYERS: Final = frozenset({"interrupted", "capacity_lost"})

HalfLife = Callable[[str, str], int]
"""Account, and `PLAN.TIER` or `PLAN`, to days."""


class _Offer:
    """One attempt."""

    __slots__ = ("at_ms", "buyer", "converted", "counts", "id", "route")

    def __init__(self, event: OfferReserved) -> None:
        self.id = event.attempt
        self.at_ms = event.at_ms
        self.route = event.route
        self.buyer = event.buyer
        self.counts = False
        self.converted = False


class _Call:
    """One call that may still change."""

    __slots__ = ("account", "ended_ms", "id", "offers", "source")

    def __init__(self, event: CallReceived) -> None:
        self.id = event.call
        self.account = event.account
        self.source = event.source
        self.offers: list[_Offer] = []
        self.ended_ms = 0


class _Sum:
    """One level's experience so far."""

    __slots__ = ("converted", "offers", "weight")

    def __init__(self) -> None:
        self.offers = 0
        self.weight = 0.0
        self.converted = 0.0

    def add(self, weight: float, *, converted: bool) -> None:
        self.offers += 1
        self.weight += weight
        if converted:
            self.converted += weight

    def rate(self) -> Rate:
        return Rate(self.offers, round(self.weight, 6), round(self.converted, 6))


class _Account:
    """One account's experience so far."""

    __slots__ = ("buyers", "half_lives", "plans", "routes", "sources")

    def __init__(self) -> None:
        self.plans: dict[str, _Sum] = {}
        self.buyers: dict[tuple[str, str], _Sum] = {}
        self.routes: dict[str, _Sum] = {}
        self.sources: dict[tuple[str, str], _Sum] = {}
        self.half_lives: dict[str, int] = {}


class RateTally:
    """Counts events up to `at_ms`, the instant that its books are for.

    An offer counts when its call ended `mature_ms` before that: `decide_within` at most. `half_life` says how fast each
    tier forgets, and each plan with its buyers.
    """

    def __init__(self, at_ms: int, half_life: HalfLife | None = None, mature_ms: int = 0) -> None:
        self._at_ms = at_ms
        self._half_life = half_life or (lambda _account, _tier: HALF_LIFE_DAYS)
        self._mature_ms = mature_ms
        self._open: dict[str, _Call] = {}
        self._ripening: deque[_Call] = deque()
        self._accounts: dict[str, _Account] = {}
        self.counted = 0
        """Offers that are in a book."""
        self.left_out = 0
        """Offers of ended calls that came to nothing through us, or of calls beyond `OPEN_CALLS_MAX`."""

    def take(self, event: Event) -> None:
        """The next event."""
        if isinstance(event, OfferReserved):
            call = self._open.get(event.call)
            if call is not None:
                call.offers.append(_Offer(event))
        elif isinstance(event, AttemptEnded | Converted):
            self._change(event)
        elif isinstance(event, CallReceived):
            if len(self._open) >= OPEN_CALLS_MAX:
                self.left_out += len(self._open.pop(next(iter(self._open))).offers)
            self._open[event.call] = _Call(event)
        elif isinstance(event, CallEnded):
            self._ended(event)

    def waiting(self) -> int:
        """Offers of calls that go on, or that ended too lately."""
        return sum(len(call.offers) for call in self._open.values())

    def book(self, account: str) -> Rates:
        """The account's book; empty when nothing of it has counted."""
        self._ripen(self._at_ms)
        mine = self._accounts.get(account) or _Account()
        buyers: dict[str, dict[str, Rate]] = {}
        for (plan, buyer), each in mine.buyers.items():
            if each.weight >= FADED:
                buyers.setdefault(plan, {})[buyer] = each.rate()
        sources: dict[str, dict[str, Rate]] = {}
        for (route, source), each in mine.sources.items():
            if each.weight >= FADED:
                sources.setdefault(route, {})[source] = each.rate()
        return Rates(
            account=account,
            at_ms=self._at_ms,
            plans={plan: each.rate() for plan, each in mine.plans.items() if each.weight >= FADED},
            buyers=buyers,
            routes={route: each.rate() for route, each in mine.routes.items() if each.weight >= FADED},
            sources=sources,
            half_lives={tier: days for tier, days in mine.half_lives.items() if days != HALF_LIFE_DAYS},
        )

    def accounts(self) -> list[str]:
        """The accounts that have had offers that count."""
        self._ripen(self._at_ms)
        return sorted(self._accounts)

    def _change(self, event: AttemptEnded | Converted) -> None:
        call = self._open.get(event.call)
        offer = None if call is None else next((each for each in call.offers if each.id == event.attempt), None)
        if offer is None:
            return
        if isinstance(event, Converted):
            offer.converted = True
        else:
            offer.counts = event.outcome not in _NOT_THE_BUYERS

    def _ended(self, event: CallEnded) -> None:
        call = self._open.get(event.call)
        if call is None:
            return
        call.ended_ms = event.at_ms
        if not call.offers:
            del self._open[event.call]
        elif self._mature_ms:
            self._ripening.append(call)
            self._ripen(event.at_ms)
        else:
            self._count(call)

    def _ripen(self, now_ms: int) -> None:
        while self._ripening and self._ripening[0].ended_ms + self._mature_ms <= now_ms:
            self._count(self._ripening.popleft())

    def _count(self, call: _Call) -> None:
        if self._open.pop(call.id, None) is None:
            return  # it was one too many
        account = self._accounts.setdefault(call.account, _Account())
        for offer in call.offers:
            if offer.counts or offer.converted:
                self._add(call, account, offer)
            else:
                self.left_out += 1

    def _add(self, call: _Call, account: _Account, offer: _Offer) -> None:
        self.counted += 1
        plan, _, rest = offer.route.partition(".")
        tier = f"{plan}.{rest.partition('.')[0]}"
        days = account.half_lives.get(tier)
        if days is None:
            days = account.half_lives[tier] = self._half_life(call.account, tier)
        age_ms = max(0, self._at_ms - offer.at_ms)
        weight, above = _weight(age_ms, days), _weight(age_ms, self._half_life(call.account, plan))
        converted = offer.converted
        account.plans.setdefault(plan, _Sum()).add(above, converted=converted)
        account.buyers.setdefault((plan, offer.buyer), _Sum()).add(above, converted=converted)
        account.routes.setdefault(offer.route, _Sum()).add(weight, converted=converted)
        if call.source is None:
            return
        key = (offer.route, call.source)
        if key in account.sources or len(account.sources) < SOURCES_MAX:
            account.sources.setdefault(key, _Sum()).add(weight, converted=converted)


def _weight(age_ms: int, half_life_days: int) -> float:
    return float(0.5 ** (age_ms / (half_life_days * DAY_MS)))
