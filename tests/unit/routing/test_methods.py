"""How routes of a tier compete: shares of weighted draws, exact turns of round robin, draws that repeat."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.routing.accounts import Caller, query, router

from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.routing.draw import Draws, nth_set_bit, text_hash
from trunkline.engine.routing.offer import Offer
from trunkline.engine.routing.router import Router

pytestmark = pytest.mark.unit

CHI_SQUARE_MAX = {1: 10.83, 2: 13.82, 4: 18.47, 9: 27.88, 49: 85.35}
"""By degrees of freedom, what one fair draw in a thousand exceeds."""


def tier(method: str, weights: list[int], priority: str = "") -> Router:
    targets = "\n".join(f'  - {{key: x{n}, buyer: ann, dial: "sip:x{n}@127.0.0.1"}}' for n in range(len(weights)))
    routes = ", ".join(
        f'{{target: x{n}, price: "1.00", weight: {weight}{priority}}}' for n, weight in enumerate(weights)
    )
    return router(
        f"targets:\n{targets}\nplans: [{{key: main, tiers: [{{key: t, method: {method}, routes: [{routes}]}}]}}]"
    )


def first(asked: Router, seed: int, capacity: MemoryCapacity | None = None) -> int:
    offer = Caller(asked, query(seed=seed), capacity).next()
    assert isinstance(offer, Offer)
    return int(offer.candidate.target[1:])


@pytest.mark.parametrize("weights", [[1, 1], [1, 2, 7], [5, 1, 1, 1, 2], [1] * 10, list(range(1, 51))])
@pytest.mark.parametrize("method", ["weighted", "priority"])
def test_weighted_shares_follow_the_weights(weights: list[int], method: str) -> None:
    asked, draws = tier(method, weights), 4_000
    seen = Counter(first(asked, seed) for seed in range(draws))
    expected = [draws * weight / sum(weights) for weight in weights]
    chi_square = sum((seen[n] - share) ** 2 / share for n, share in enumerate(expected))
    assert chi_square < CHI_SQUARE_MAX[len(weights) - 1]


def test_second_places_are_drawn_from_what_is_left() -> None:
    asked, seconds = tier("weighted", [1, 2, 7]), Counter[str]()
    for seed in range(4_000):
        order = Caller(asked, query(seed=seed)).routes()
        assert len(set(order)) == 3
        if order[0].endswith("x2"):
            seconds[order[1]] += 1
    share = seconds["main.t.x1"] / sum(seconds.values())
    assert 0.63 < share < 0.70  # two thirds


def test_a_draw_does_not_move_when_another_tier_is_added() -> None:
    tier_t = '{key: t, method: weighted, routes: [{target: a1, price: "1.00"}, {target: b1, price: "1.00"}]}'
    tier_s = '{key: s, method: weighted, routes: [{target: a2, price: "1.00"}]}'
    alone = router(f"plans: [{{key: main, tiers: [{tier_t}]}}]")
    behind = router(f"plans: [{{key: main, tiers: [{tier_s}, {tier_t}]}}]")
    for seed in range(50):
        assert Caller(alone, query(seed=seed)).routes() == Caller(behind, query(seed=seed)).routes()[1:]


def test_round_robin_is_exact() -> None:
    asked, capacity = tier("round_robin", [1, 1, 1]), MemoryCapacity()
    assert [first(asked, seed, capacity) for seed in range(9)] == [0, 1, 2] * 3


def test_a_skipped_route_keeps_its_place() -> None:
    asked = router(
        """
        plans: [{key: main, tiers: [{key: t, method: round_robin, routes: [
          {target: a1, price: "1.00", limits: [{measure: live, max: 1}]},
          {target: a2, price: "1.00"}, {target: b1, price: "1.00"}]}]}]
        """
    )
    capacity = MemoryCapacity()
    held = Caller(asked, query(), capacity).next()
    assert isinstance(held, Offer)
    others = [Caller(asked, query(), capacity).next() for _ in range(3)]
    assert [each.candidate.target for each in others if isinstance(each, Offer)] == ["a2", "b1", "a2"]
    capacity.release(held.lease.id, query().now)
    following = Caller(asked, query(), capacity).next()
    assert isinstance(following, Offer)
    assert following.candidate.target == "a1"


def test_draws_repeat_and_differ_by_name() -> None:
    assert Draws(7, text_hash("a")).below(2**64) == Draws(7, text_hash("a")).below(2**64)
    assert Draws(7, text_hash("a")).below(2**64) != Draws(7, text_hash("b")).below(2**64)


def test_the_generator_is_splitmix64() -> None:
    """The first outputs for state 1234567 in the reference implementation (prng.di.unimi.it/splitmix64.c)."""
    draws = Draws(0, 0)
    draws._state = 1_234_567
    assert [draws.below(2**64) for _ in range(3)] == [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
    ]


@pytest.mark.parametrize("mask", [1, 0b1010, 0b111, 1 << 9_999 | 1, (1 << 777) - 1, 0b1011 << 500])
def test_nth_set_bit(mask: int) -> None:
    positions = [at for at in range(mask.bit_length()) if mask >> at & 1]
    assert [nth_set_bit(mask, nth) for nth in range(len(positions))] == positions
