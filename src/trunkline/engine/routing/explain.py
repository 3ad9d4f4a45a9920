"""Answers "what would happen to this caller, and why": the production cursor, asked to the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trunkline.config.schema import Measure
from trunkline.engine.routing.auction import Fate
from trunkline.engine.routing.contest import Held
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Attribute, Attributes, Auction, Candidate, Exhausted, Query
from trunkline.events.calls import Rejection, Versions
from trunkline.kernel.clock import iso
from trunkline.kernel.leases import FUNDS, CounterId, Lease, TurnId, Usage
from trunkline.kernel.money import Money

CHANCES_SHOWN: Final = 20
"""How many counties or cities of an area code are listed with their probabilities."""

_MONEY = frozenset({Measure.SPEND.value, FUNDS})


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Offers in order, every other route with its reason, and what the answer rests on.

    `unsold` is the reason the caller would have if every offer were refused; `duplicate` says that the campaign marks
    the contact as one that it has seen before; `open_until` when the hours of offered routes close (UTC milliseconds).
    """

    plan: str
    offers: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...]
    unsold: str
    duplicate: bool
    attributes: Attributes
    versions: Versions
    seed: int
    currency: str
    auctions: tuple[Held, ...] = ()
    open_until: Mapping[str, int] = msgspec.field(default_factory=dict)


def explain(cursor: Cursor, query: Query, usage: Usage, currency: str) -> Explanation:
    """Take every candidate as offered and refused, with no time passing and `usage` as it is."""
    offers: list[Candidate] = []
    while not isinstance(found := cursor.candidate(usage, query.now), Exhausted):
        if isinstance(found, Auction):  # nobody is asked
            cursor.settle({})
            continue
        offers.append(found)
        cursor.take(found, Lease("", query.account, "", "", found.demands, query.now.utc_ms))
    return Explanation(
        plan=cursor.decision().plan,
        offers=tuple(offers),
        rejected=found.rejected,
        unsold=found.reason,
        duplicate=cursor.duplicate,
        attributes=query.attributes,
        versions=cursor.decision().versions,
        seed=query.seed,
        currency=currency,
        auctions=cursor.auctions(),
        open_until={offer.route: end for offer in offers if (end := cursor.open_until(offer)) is not None},
    )


class StatedUsage:
    """Capacity as somebody states it: what is not stated is unused. Use given at one level is not spread to others.

    `live` is by (level, key), `used` by (level, key, measure, per), `spoken_for` money by buyer, all of it in seats
    or minor units; `offered` says by (level, key) when the last offer was made (UTC milliseconds).
    """

    def __init__(
        self,
        live: Mapping[tuple[str, str], int],
        used: Mapping[tuple[str, str, str, str], int],
        spoken_for: Mapping[str, int],
        offered: Mapping[tuple[str, str], int],
    ) -> None:
        self._live = live
        self._used = used
        self._spoken_for = spoken_for
        self._offered = offered

    def used(self, counter: CounterId, window_start_ms: int) -> int:
        """Seats (or minor units) stated for the counter, whatever its `applies_to` and window."""
        if counter.measure in {Measure.LIVE, Measure.IN_FLIGHT}:
            return self._live.get((counter.level, counter.key), 0)
        if counter.measure == FUNDS:
            return self._spoken_for.get(counter.key, 0)
        return self._used.get((counter.level, counter.key, counter.measure, counter.per), 0)

    def offered(self, counter: CounterId) -> int | None:
        """When an offer last passed the limits of the object, whichever of them."""
        return self._offered.get((counter.level, counter.key))

    def turn(self, turn: TurnId) -> int:
        """Nobody states turns: every route counts as never offered."""
        return 0


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The document that `trunkline explain --json` prints."""
    return {
        "plan": explanation.plan,
        "offers": [
            _offer(rank, offer, explanation.open_until.get(offer.route))
            for rank, offer in enumerate(explanation.offers, start=1)
        ],
        "rejected": [rejection_json(rejection, explanation.currency) for rejection in explanation.rejected],
        "unsold_reason": None if explanation.offers else explanation.unsold,
        "duplicate": explanation.duplicate,
        "attributes": {name: attribute_json(fact) for name, fact in sorted(explanation.attributes.items())},
        "auctions": [_auction(held, explanation) for held in explanation.auctions],
        "versions": msgspec.to_builtins(explanation.versions),
        "seed": explanation.seed,
    }


def attribute_json(fact: Attribute) -> dict[str, Any]:
    """One attribute; of many chances the likeliest, with the number of the others."""
    said: dict[str, Any] = {"value": fact.value or None, "basis": fact.basis, "confidence": fact.confidence}
    if fact.chances:
        said["chances"] = [{"value": value, "p": share} for value, share in fact.chances[:CHANCES_SHOWN]]
        said["chances_more"] = len(fact.chances) - len(said["chances"])
    return said


def _offer(rank: int, offer: Candidate, open_until: int | None) -> dict[str, Any]:
    return {
        "rank": rank,
        "route": offer.route,
        "target": offer.target,
        "buyer": offer.buyer,
        "plan": offer.plan,
        "tier": offer.tier,
        "method": offer.method,
        "price": str(offer.terms.price),
        "currency": offer.terms.price.currency,
        "conversion": offer.terms.rule,
        "payout": None if offer.terms.payout is None else offer.terms.payout.rule,
        "not_paid": offer.terms.not_paid,
        "bid": None if offer.bid is None else str(offer.terms.price),
        "open_until": None if open_until is None else iso(open_until),
        **_odds(offer),
    }


def _odds(offer: Candidate) -> dict[str, Any]:
    """What an offer by performance rests on; nothing for others."""
    odds = offer.odds
    if odds is None:
        return {}
    expected = offer.terms.price.minor * odds.p  # for people to read: the offer's price stays what it is
    return {
        "p": round(odds.p, 6),
        "p_basis": odds.basis,
        "samples": odds.samples,
        "expected_revenue": str(Money(round(expected), offer.terms.price.currency)),
        "propensity": round(odds.propensity, 6),
        "trial": odds.trial,
    }


def _auction(held: Held, explanation: Explanation) -> dict[str, Any]:
    """What became of everybody: those that took part, and those that guards had left out before."""
    took_part = {route for route, _ in held.standings}
    left_out = [
        each
        for each in explanation.rejected
        if each.route.startswith(f"{held.plan}.{held.tier}.") and each.route not in took_part
    ]
    reasons = {each.route: each.reason for each in explanation.rejected}
    offered = {offer.route for offer in explanation.offers}
    return {
        "plan": held.plan,
        "tier": held.tier,
        "routes": [
            {
                "route": route,
                "target": each.entrant.target,
                "fate": fate.value,
                "reason": reasons.get(route),
                "bid": None if each.bid is None else str(Money(each.bid, explanation.currency)),
                "penalty_percent": each.entrant.penalty / 100,
            }
            for route, each, fate in held.fates(offered)
        ]
        + [
            {
                "route": each.route,
                "target": each.target,
                "fate": Fate.FILTERED.value,
                "reason": each.reason,
                "bid": None,
                "penalty_percent": None,
            }
            for each in left_out
        ],
    }


def rejection_json(rejection: Rejection, currency: str) -> dict[str, Any]:
    """A rejection as documents have it: amounts of `currency` are texts."""
    money = rejection.measure in _MONEY

    def amount(value: int | None) -> int | str | None:
        return str(Money(value, currency)) if money and value is not None else value

    return {
        "route": rejection.route,
        "target": rejection.target,
        "reason": rejection.reason,
        "level": rejection.level,
        "measure": rejection.measure,
        "per": rejection.per,
        "max": amount(rejection.max),
        "used": amount(rejection.used),
        "detail": rejection.detail,
    }
