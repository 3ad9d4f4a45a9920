"""How routes of a tier compete: shares of weighted draws, exact turns of round robin, draws that repeat."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from tests.unit.routing.accounts import Caller, query, router

from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.routing.draw import Draws, nth_set_bit, text_hash
from trunkline.engine.routing.offer import Offer
from trunkline.engine.routing.router import Router
from trunkline.kernel.leases import CounterSet, Lease, OfferedSet, TurnId, TurnSet

pytestmark = pytest.mark.unit


class Kept(msgspec.Struct, frozen=True):
    """What a journal gives back of turns."""

    turns: tuple[TurnSet, ...]
    counters: tuple[CounterSet, ...] = ()
    leases: tuple[Lease, ...] = ()
    offered: tuple[OfferedSet, ...] = ()


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


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30, 120, 333, 500])
def test_shares_are_those_of_the_weights_however_many_routes_there_are(count: int) -> None:
    """Routes are counted together until five draws are expected of each; z = 3.1 is one fair sample in a thousand."""
    weights = [(place * 7) % 5 for place in range(count - 1)] + [2]
    asked, draws = tier("weighted", weights), 3_000
    seen = Counter(first(asked, seed) for seed in range(draws))
    assert all(weights[route] for route in seen), "weight 0 is paused"
    chi_square, cells, found, expected = 0.0, 0, 0, 0.0
    for route, weight in enumerate(weights):
        found += seen[route]
        expected += draws * weight / sum(weights)
        if expected >= 5 or route == count - 1:
            chi_square += (found - expected) ** 2 / expected
            cells, found, expected = cells + 1, 0, 0.0
    if cells > 1:
        share = 2 / (9 * (cells - 1))
        assert chi_square < (cells - 1) * (1 - share + 3.1 * share**0.5) ** 3  # Wilson and Hilferty's approximation


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


def two_tiers(first_tier: list[str], second_tier: list[str]) -> Router:
    """Texans get to the first tier, others to the second; another plan has a tier of the same name."""

    def routes(keys: list[str], name: str) -> str:
        return ", ".join(f'{{target: {key}, key: {name}-{key}, price: "1.00"}}' for key in keys)

    texans = (
        f"{{key: t, method: round_robin, criteria: {{attr: geo.state, eq: TX}}, routes: [{routes(first_tier, 't')}]}}"
    )
    others = f"{{key: s, method: round_robin, routes: [{routes(second_tier, 's')}]}}"
    plan = f"{{key: t, method: round_robin, routes: [{routes(first_tier, 't')}]}}"
    return router(f"plans: [{{key: main, tiers: [{texans}, {others}]}}, {{key: other, tiers: [{plan}]}}]")


def test_tiers_and_plans_take_turns_apart_and_reordering_moves_nothing() -> None:
    capacity, offered = MemoryCapacity(), []
    before, after = two_tiers(["a1", "a2", "b1"], ["a1", "b1"]), two_tiers(["b1", "a1", "a2"], ["b1", "a1"])
    for number in range(6):
        asked = before if number % 2 else after
        questions = (query(geo__state="TX"), query(), msgspec.structs.replace(query(), plan="other"))
        offers = [Caller(asked, question, capacity).next() for question in questions]
        offered.append(" ".join(each.candidate.target for each in offers if isinstance(each, Offer)))
    # At first nobody was offered, and places decide; from then on turns alone do.
    assert offered == ["b1 b1 b1", "a1 a1 a1", "a2 b1 a2", "b1 a1 b1", "a1 b1 a1", "a2 a1 a2"]


def test_turns_go_on_after_a_restart() -> None:
    asked, capacity = tier("round_robin", [1] * 5), MemoryCapacity()
    turns: dict[TurnId, TurnSet] = {}
    order = []
    for number in range(23):
        order.append(first(asked, number, capacity))
        turns |= {change.turn: change for change in capacity.take_changes() if isinstance(change, TurnSet)}
        if number % 3 == 0:  # the switch ends, and another one begins with what the journal kept
            capacity = MemoryCapacity()
            capacity.restore(Kept(tuple(turns.values())), query().now)
    assert order == [number % 5 for number in range(23)]


def test_many_searches_at_once_share_the_turns_evenly() -> None:
    """Each caller has looked before any of them reserves; whoever is offered moves to the end in the same step."""
    asked, capacity = tier("round_robin", [1] * 4), MemoryCapacity()
    callers = [Caller(asked, query(seed=seed), capacity) for seed in range(64)]
    offered = Counter[str]()
    for caller in callers:
        offer = caller.next()
        assert isinstance(offer, Offer)
        offered[offer.candidate.target] += 1
    assert set(offered.values()) == {16}


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
