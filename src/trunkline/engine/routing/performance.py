"""Who comes first by expected revenue: price times the chance that the offer converts.

The chance is a model's score where there is one. Otherwise it is drawn anew for each caller from what the rate book
believes of the route (Thompson sampling): a route that is known well gets about what it has earned, one that is known
badly sometimes gets the benefit of the doubt, and so becomes known. Sampling stops trying what looks bad after few
offers, so routes with fewer than `trial_offers` offers are also put first for a share of the callers each.

All draws come from the caller's seed and the names of the routes. Every offer says how likely it was to be made, so
that other ways of choosing can later be judged by what this one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import Final

import msgspec

from trunkline.engine.routing.draw import Draws, mix
from trunkline.engine.scoring.beta import draw_beta

TRIAL_SHARES_MAX: Final = 0.5
"""All routes on trial together come first for at most this share of the callers."""
_DRAWS_MAX: Final = 400
_ROUNDS_MIN: Final = 16
_CONTENDERS_MAX: Final = 32
_SPREAD: Final = 4.0
_TRIAL_NAME: Final = 0x7472_6961_6C00
_ROUNDS_NAME: Final = 0x726F_756E_6473


class Contender(msgspec.Struct, frozen=True, gc=False):
    """A route that competes. `price` in minor units; `name_hash` seeds its draws.

    The chance is `score` when that is known, else Beta(alpha, beta). `on_trial`: it has had too few offers.
    """

    rank: int
    price: int
    name_hash: int
    score: float | None
    alpha: float = 1.0
    beta: float = 1.0
    on_trial: bool = False

    @property
    def mean(self) -> float:
        """The chance that is believed in."""
        return self.alpha / (self.alpha + self.beta) if self.score is None else self.score


class Odds(msgspec.Struct, frozen=True, gc=False):
    """What an offer by performance rests on.

    `p` is the chance that it converts, known by `basis` (`model`, or the rate book's level); `samples` the offers of
    the route so far; `propensity` the chance that this route, of those then left, was to be offered.
    """

    p: float
    basis: str
    samples: int
    propensity: float
    trial: bool = False


def ranked(contenders: Sequence[Contender], seed: int, name_hash: int, trial_share: float) -> tuple[list[int], bool]:
    """Ranks by expected revenue, best first, and whether the first is there on trial. Equal ones in plan order."""
    worth = sorted((-each.price * _chance(each, seed), each.rank) for each in contenders)
    order = [rank for _, rank in worth]
    share, trials = _trials(contenders, trial_share)
    if trials:
        slot = int(Draws(seed, name_hash ^ _TRIAL_NAME).unit() / share)
        if slot < len(trials):
            order.remove(trials[slot].rank)
            order.insert(0, trials[slot].rank)
            return order, True
    return order, False


def propensity(chosen: int, contenders: Sequence[Contender], trial_share: float | None) -> float:
    """The chance that the route of rank `chosen` comes first among `contenders`, over all seeds.

    Estimated by repeating the draws, the same way each time it is asked; never 0. Without `trial_share` nobody is
    put first on trial.
    """
    of_draws = _first_by_draws(tuple(contenders)).get(chosen, 0.0)
    if trial_share is None:
        return of_draws
    share, trials = _trials(contenders, trial_share)
    tried = share if any(each.rank == chosen for each in trials) else 0.0
    return (1.0 - share * len(trials)) * of_draws + tried


def _trials(contenders: Sequence[Contender], trial_share: float) -> tuple[float, list[Contender]]:
    """The share of callers that each route on trial gets first, and these routes in the order of their names."""
    trials = [each for each in contenders if each.on_trial]
    if not trials or trial_share <= 0.0 or len(contenders) == 1:
        return 0.0, []
    trials.sort(key=lambda each: each.name_hash)
    return min(trial_share, TRIAL_SHARES_MAX / len(trials)), trials


def _chance(contender: Contender, seed: int) -> float:
    if contender.score is not None:
        return contender.score
    return draw_beta(contender.alpha, contender.beta, Draws(seed, contender.name_hash))


@lru_cache(maxsize=4_096)
def _first_by_draws(contenders: tuple[Contender, ...]) -> dict[int, float]:
    """For each rank the chance of the best draw. Callers like each other ask the same, so it is mostly remembered."""
    count = len(contenders)
    serious = _serious(contenders)
    if len(serious) == 1 or all(each.score is not None for each in contenders):
        best = min(contenders, key=lambda each: (-each.price * each.mean, each.rank))
        rest = 0.0 if all(each.score is not None for each in contenders) else 1.0 / (count * (_DRAWS_MAX + 1))
        return {each.rank: 1.0 - rest * (count - 1) if each is best else rest for each in contenders}
    rounds = max(_ROUNDS_MIN, _DRAWS_MAX // len(serious))
    wins = dict.fromkeys((each.rank for each in contenders), 0)
    for number in range(rounds):
        seed = mix(_ROUNDS_NAME + number)
        best = min(serious, key=lambda each: (-each.price * _chance(each, seed), each.rank))
        wins[best.rank] += 1
    return {rank: (won + 1.0 / count) / (rounds + 1) for rank, won in wins.items()}


def _serious(contenders: Sequence[Contender]) -> list[Contender]:
    """Those whose best draws reach the worst ones of the best, at most `_CONTENDERS_MAX`."""
    spans = [(each, *_span(each)) for each in contenders]
    least = max(low for _, low, _ in spans)
    reaching = [(each, high) for each, _, high in spans if high >= least]
    if len(reaching) > _CONTENDERS_MAX:
        reaching = sorted(reaching, key=lambda each: -each[1])[:_CONTENDERS_MAX]
    return [each for each, _ in reaching]


def _span(contender: Contender) -> tuple[float, float]:
    """Expected revenue, less and more by some standard deviations."""
    mean = contender.mean
    if contender.score is not None:
        return contender.price * mean, contender.price * mean
    whole = contender.alpha + contender.beta
    spread = _SPREAD * sqrt(mean * (1.0 - mean) / (whole + 1.0))
    return contender.price * (mean - spread), contender.price * (mean + spread)
