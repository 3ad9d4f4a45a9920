"""How the routes of one auction or performance tier compete for one caller.

A stage makes a contest when it comes to such a tier, and only then: other tiers do not pay for it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

import msgspec

from trunkline.config.schema import Performance
from trunkline.engine.routing.auction import Bid, Entrant, Fate, Standing, judge_bid, judged, settle
from trunkline.engine.routing.case import Case
from trunkline.engine.routing.deadlines import DEADLINE_MS
from trunkline.engine.routing.performance import Contender, Odds, propensity, ranked
from trunkline.engine.routing.program import Band, Line
from trunkline.kernel.leases import Usage

MILLION: Final = 1_000_000
"""Chances are configured in millionths."""
_DEFAULTS: Final = Performance()
_LOOKED_UP_MAX: Final = 256


class Held(msgspec.Struct, frozen=True):
    """An auction that was settled: its tier, and everybody's standing, best first."""

    plan: str
    tier: str
    standings: tuple[tuple[str, Standing], ...]
    """By route."""

    @property
    def bid_for(self) -> bool:
        """Whether anybody who bids took part; static prices alone need no entry in the journal."""
        return any(each.entrant.price is None for _, each in self.standings)

    def fates(self, offered: Container[str]) -> list[tuple[str, Standing, Fate]]:
        """What became of each in the end: the first that had room and was offered has won, whoever bid more."""
        winner = next((route for route, _ in self.standings if route in offered), None)
        return [
            (route, each, Fate.WON if route == winner else Fate.LOST if each.fate is Fate.WON else each.fate)
            for route, each in self.standings
        ]


def deadline_ms(line: Line) -> int:
    """How long the auction of this route's tier waits for bids."""
    return line.tier.deadline_ms or DEADLINE_MS


def counted_bid(line: Line, case: Case) -> tuple[Fate, Bid | None, int | None]:
    """What a bidder in an auction has answered; the amount (minor units) only of a bid that counts."""
    bids = case.query.bids
    bid = None if bids is None else bids.get(line.target.key)
    currency = case.shared.account.currency
    fate, minor = judge_bid(bid, 0, deadline_ms(line), currency, simulated=simulated(line))
    return fate, bid, minor if fate is Fate.LOST else None


def simulated(line: Line) -> bool:
    """Whether the route's bidder is asked, but never sold to."""
    return line.target.bid is not None and line.target.bid.simulate


def hold_auction(lines: Sequence[Line], case: Case, usage: Usage) -> Held:
    """Settle among `lines` of one tier."""
    above, price, penalties = case.entrance.guards.floor, case.entrance.price, case.facts.penalties
    bids, terms = case.query.bids or {}, (deadline_ms(lines[0]), case.shared.account.currency)
    entrants: list[Entrant] = []
    routes: dict[int, str] = {}
    filtered: list[Standing] = []
    for line in lines:
        assert line.turn is not None, "routes of an auction keep their turns"
        routes[line.rank] = line.id
        entrant = Entrant(
            place=line.rank,
            target=line.target.key,
            price=line.price_for(price),
            floor=max(line.guards.floor, above),
            priority=line.route.priority,
            turn=usage.turn(line.turn),
            penalty=penalties.get(line.target.key, 0),
            simulated=simulated(line),
        )
        if line.min_scores and below_score(line, case) is not None:
            standing = judged(entrant, bids, *terms)
            fate = Fate.FILTERED if standing.fate is Fate.LOST else standing.fate
            filtered.append(Standing(entrant, fate, standing.bid))
        else:
            entrants.append(entrant)
    standings = (*settle(entrants, bids, *terms), *filtered)
    return Held(lines[0].plan, lines[0].tier.key or "", tuple((routes[each.entrant.place], each) for each in standings))


def chance(line: Line, case: Case) -> tuple[float, str, float, int]:
    """The chance that an offer to the route converts, how it is known, and its decayed and plain number of offers."""
    query = case.query
    score = None if query.scores is None else query.scores.get(line.target.key)
    if score is not None:
        return score, "model", 0.0, 0
    settings = line.tier.performance or _DEFAULTS
    found = case.facts.rates.posterior(line.plan, line.buyer.key, line.id, query.source, settings.min_samples)
    return found.p, found.own, found.weight, found.offers


def below_score(line: Line, case: Case) -> str | None:
    """The level whose `min_score` the route's chance does not reach. A route with too few offers is not judged."""
    p, basis, weight, _ = chance(line, case)
    if basis != "model" and weight < (line.tier.performance or _DEFAULTS).min_samples:
        return None
    return next((level for level, least in line.min_scores if p * MILLION < least), None)


class Race:
    """The order of a performance tier for one caller, and the odds of each offer that is made of it."""

    __slots__ = ("_case", "_contenders", "_settings", "_trial", "order")

    def __init__(self, lines: Sequence[Line], band: Band, case: Case) -> None:
        self._case = case
        self._settings = (lines[0].tier.performance if lines else None) or _DEFAULTS
        known = self._looked_up(band)
        self._contenders = {
            line.rank: known.get(line.rank) or known.setdefault(line.rank, self._contender(line)) for line in lines
        }
        self.order, self._trial = ranked(
            list(self._contenders.values()), case.query.seed, band.name_hash, self._settings.trial_share / MILLION
        )

    def _looked_up(self, band: Band) -> dict[int, Contender]:
        """Contenders that callers like this one have met before. With scores every caller is another."""
        if self._case.query.scores is not None:
            return {}
        key = (self._case.facts.rates, self._case.query.source, self._case.entrance.price)
        if len(band.contenders) >= _LOOKED_UP_MAX and key not in band.contenders:
            band.contenders.clear()
        return band.contenders.setdefault(key, {})

    def _contender(self, line: Line) -> Contender:
        price = line.price_for(self._case.entrance.price)
        assert price is not None, f"{line.id} has no price"
        query = self._case.query
        score = None if query.scores is None else query.scores.get(line.target.key)
        if score is not None:
            return Contender(line.rank, price, line.name_hash, score)
        found = self._case.facts.rates.posterior(
            line.plan, line.buyer.key, line.id, query.source, self._settings.min_samples
        )
        on_trial = found.offers < self._settings.trial_offers
        return Contender(line.rank, price, line.name_hash, None, found.alpha, found.beta, on_trial)

    def odds(self, line: Line, left: int, *, first: bool) -> Odds:
        """What the offer to `line` rests on when `left` are the ranks that still wait, its own among them.

        `first`: no other route of the tier was offered before.
        """
        p, basis, _, offers = chance(line, self._case)
        waiting = [each for rank, each in self._contenders.items() if left >> rank & 1]
        share = self._settings.trial_share / MILLION if first else None
        trial = self._trial and line.rank == self.order[0]
        return Odds(p, basis, offers, propensity(line.rank, waiting, share), trial)
