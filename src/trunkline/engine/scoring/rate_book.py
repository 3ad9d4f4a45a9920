"""The rate book: how often offers have converted, and how sure that is.

For each level (plan; buyer in the plan; route; source on the route) it has the number of offers and of those that
converted, where an offer counts half as much for every half-life that has passed. A level's estimate is a Beta
distribution: what its parent would have said, with the weight of `PARENT_OFFERS` offers, and its own experience on
top. So a new route starts where its buyer stands, and speaks for itself as offers come in.

    overall  Beta(1, 1)
    plan     -> buyer -> route -> (route, source)      the last one only from `min_samples` offers

Offers whose outcome could still change are not in the book; who makes one sees to that. A book is a fact like any
other: it is published as a whole, its version follows from what it says, and decisions name it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

PARENT_OFFERS: Final = 8.0
"""How many offers of one's own weigh as much as the parent's word."""
HALF_LIFE_DAYS: Final = 14
DAY_MS: Final = 86_400_000
_POSTERIORS_MAX: Final = 100_000
_TINY: Final = 1e-6


class Rate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Experience at one level: offers in all, and decayed by age the offers and conversions among them."""

    offers: int
    weight: float
    converted: float


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a book, as it is printed, published and stored.

    `at_ms` is the instant that ages are counted from. Routes are `PLAN.TIER.ROUTE`; `half_lives` (days, by
    `PLAN.TIER`) are those that routes and sources were decayed with where it was not `HALF_LIFE_DAYS`; plans and
    buyers go by the longest of their plan.
    """

    account: str
    at_ms: int
    plans: dict[str, Rate] = msgspec.field(default_factory=dict)
    buyers: dict[str, dict[str, Rate]] = msgspec.field(default_factory=dict)
    routes: dict[str, Rate] = msgspec.field(default_factory=dict)
    sources: dict[str, dict[str, Rate]] = msgspec.field(default_factory=dict)
    half_lives: dict[str, int] = msgspec.field(default_factory=dict)


class Posterior(msgspec.Struct, frozen=True, gc=False):
    """Beta(alpha, beta) of an offer's converting. `weight` decayed and `offers` plain ones of the route are behind it.

    `own` says which level spoke last: `source`, `route`, `buyer`, `plan` or `none`.
    """

    alpha: float
    beta: float
    weight: float
    offers: int
    own: str

    @property
    def p(self) -> float:
        """The mean."""
        return self.alpha / (self.alpha + self.beta)


class RateBook:
    """A book ready to be asked. Two books with the same contents are equal."""

    __slots__ = ("_posteriors", "rates", "version")

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.version = version_of(rates)
        self._posteriors: dict[tuple[str, str, str | None, int], Posterior] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RateBook) and other.version == self.version

    def __hash__(self) -> int:
        return hash(self.version)

    def posterior(self, plan: str, buyer: str, route: str, source: str | None, min_samples: int) -> Posterior:
        """What is believed of an offer to `route`; `source` counts from `min_samples` (decayed) offers of its own."""
        key = (buyer, route, source, min_samples)  # a reload may give the route to another buyer
        found = self._posteriors.get(key)
        if found is None:
            if len(self._posteriors) >= _POSTERIORS_MAX:
                self._posteriors.clear()
            found = self._posteriors[key] = _posterior(self.rates, plan, buyer, route, source, min_samples)
        return found


def check_rates(rates: Rates) -> None:
    """Raise ValueError for a book that no journal can give: of nobody, or with more conversions than offers."""
    if not rates.account:
        raise ValueError("it does not say whose it is")
    nested = (*rates.buyers.values(), *rates.sources.values())
    for levels in (rates.plans, rates.routes, *nested):
        for name, rate in levels.items():
            if not 0.0 <= rate.converted <= rate.weight * (1 + _TINY) + _TINY <= rate.offers * (1 + _TINY) + 2 * _TINY:
                raise ValueError(f"{name!r} has {rate.converted} conversions in {rate.weight} of {rate.offers} offers")


def version_of(rates: Rates) -> str:
    """The version of a book: a digest of what it says, whatever the order it was made in."""
    if not (rates.plans or rates.routes):
        return "none"
    return hashlib.sha256(msgspec.json.encode(rates, order="sorted")).hexdigest()[:16]


def _posterior(rates: Rates, plan: str, buyer: str, route: str, source: str | None, min_samples: int) -> Posterior:
    own = rates.routes.get(route)
    levels: list[tuple[str, Rate | None]] = [
        ("plan", rates.plans.get(plan)),
        ("buyer", rates.buyers.get(plan, _NOTHING).get(buyer)),
        ("route", own),
    ]
    if source is not None:
        of_source = rates.sources.get(route, _NOTHING).get(source)
        levels.append(("source", of_source if of_source is not None and of_source.weight >= min_samples else None))
    mean, strength, last = 0.5, 2.0, "none"
    alpha, beta = 1.0, 1.0
    for level, rate in levels:
        if rate is None or rate.weight <= 0.0:
            continue
        alpha = max(_TINY, mean * strength + rate.converted)
        beta = max(_TINY, (1.0 - mean) * strength + rate.weight - rate.converted)
        mean, strength, last = alpha / (alpha + beta), PARENT_OFFERS, level
    if last in {"plan", "buyer"}:  # nobody has offered here yet: the parent's word and no more
        alpha, beta = max(_TINY, mean * strength), max(_TINY, (1.0 - mean) * strength)
    return Posterior(alpha, beta, 0.0 if own is None else own.weight, 0 if own is None else own.offers, last)


_NOTHING: Final[Mapping[str, Rate]] = {}
NO_RATES: Final = RateBook(Rates(account="", at_ms=0))
"""A book without any experience: everything is as likely as not, and nobody is sure."""
