"""What of a decision others than the operator may see: a buyer its own routes, a publisher the fate of its caller.

Both are told public codes only (`reasons.py`), never names of plans, tiers or routes, never numbers of limits, values
of callers or anything of others. A place in the order would tell how many others there are, so nobody is told one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from trunkline.engine.routing.reasons import ROUTE_WORDS, UNSOLD_WORDS, Reason
from trunkline.engine.routing.routes import RouteTrace
from trunkline.kernel.money import Money

_ANYTHING = "no_buyer"
"""What is said where nothing more may be."""


_OF_ROUTES: Final = {each.value: words.publisher for each, words in ROUTE_WORDS.items()}
_OF_UNSOLD: Final = {each.value: words.publisher for each, words in UNSOLD_WORDS.items()}
"""What a publisher is told of the reason of a route, and of a caller's being unsold."""


class BuyerSees(msgspec.Struct, frozen=True, kw_only=True):
    """One of the buyer's own routes. `code` says why it was not offered, `price` what an offer made to it cost."""

    target: str
    outcome: Literal["offered", "not_offered"]
    code: str | None = None
    price: str | None = None
    currency: str | None = None


class PublisherSees(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the publisher's caller; `reason` and `reasons` only where it was not sold."""

    outcome: str
    reason: str | None = None
    reasons: tuple[str, ...] = ()


def for_buyer(buyer: str, routes: Iterable[RouteTrace]) -> tuple[BuyerSees, ...]:
    """The buyer's own routes, by target; of routes to one target that say the same, one."""
    seen = {_own(route): None for route in routes if route.buyer == buyer}
    return tuple(sorted(seen, key=lambda each: (each.target, each.outcome != "offered", each.code or "")))


def for_publisher(outcome: str, reason: str | None, rejected: Sequence[str]) -> PublisherSees:
    """How routing ended; unsold, also its public code and those of the routes, whose reasons are `rejected`."""
    if outcome != "unsold":
        return PublisherSees(outcome="sold" if outcome == "sold" else "not_sold")
    codes = {_OF_ROUTES.get(each, _ANYTHING) for each in rejected}
    named = _OF_UNSOLD.get(reason or "", _ANYTHING)
    return PublisherSees(outcome="unsold", reason=named, reasons=tuple(sorted(codes or {named})))


def _own(route: RouteTrace) -> BuyerSees:
    if route.outcome == "offered":
        price: Money | None = route.price
        return BuyerSees(
            target=route.target,
            outcome="offered",
            price=None if price is None else str(price),
            currency=None if price is None else price.currency,
        )
    known = {each.value for each in Reason}
    told = None if route.rejection is None else route.rejection.reason
    if route.outcome == "waiting" and told is None:
        told = Reason.OUT_OF_PATIENCE.value
    code = ROUTE_WORDS[Reason(told)].buyer if told in known else _ANYTHING
    return BuyerSees(target=route.target, outcome="not_offered", code=code)
