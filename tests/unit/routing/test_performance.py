"""By expected revenue: what is drawn, who is tried, and how likely each offer was."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from tests.unit.routing.accounts import Caller, query, router

from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.routing.facts import Facts, facts_of
from trunkline.engine.routing.offer import Offer
from trunkline.engine.routing.performance import Contender, propensity, ranked
from trunkline.engine.scoring.rate_book import Rate, RateBook, Rates

pytestmark = pytest.mark.unit

ROUTES = '[{target: a1, price: "10.00"}, {target: a2, price: "20.00"}, {target: b1, price: "40.00"}]'


def plan(settings: str = "trial_share: 0", more: str = "") -> str:
    tier = f"{{key: t, method: performance, performance: {{{settings}}}, {more}routes: {ROUTES}}}"
    return f"plans: [{{key: main, tiers: [{tier}]}}]"


def facts(**rates: Rate) -> Facts:
    routes = {f"main.t.{target}": rate for target, rate in rates.items()}
    return facts_of(rates=RateBook(Rates(account="acme", at_ms=0, routes=routes)))


def contender(rank: int, price: int, alpha: float, beta: float, *, on_trial: bool = False) -> Contender:
    return Contender(rank, price, 1_000 + rank, None, alpha, beta, on_trial)


def offers(text: str, known: Facts, seed: int) -> list[Offer]:
    asked = router(text)
    cursor, capacity, found = asked.cursor(query(seed=seed), known), MemoryCapacity(), []
    while isinstance(offer := cursor.next(capacity, f"l{len(found)}", f"a{len(found)}", "c", query().now), Offer):
        found.append(offer)
    return found


def test_well_known_routes_come_by_price_times_rate() -> None:
    known = facts(
        a1=Rate(90_000, 90_000.0, 72_000.0), a2=Rate(90_000, 90_000.0, 17_100.0), b1=Rate(90_000, 90_000.0, 9_000.0)
    )
    for seed in range(20):
        made = offers(plan(), known, seed)
        assert [offer.candidate.target for offer in made] == ["a1", "b1", "a2"]  # 8.00, 4.00, 3.80
        odds = made[0].candidate.odds
        assert odds is not None
        assert (round(odds.p, 3), odds.basis, odds.samples, odds.trial) == (0.8, "route", 90_000, False)
        assert odds.propensity > 0.99


def test_little_known_routes_are_tried_as_often_as_they_may_be_the_best() -> None:
    """Thompson: the share of a route is the chance that it is the best; the propensity says the same."""
    contenders = [contender(0, 1_000, 12, 28), contender(1, 1_000, 3, 5), contender(2, 2_000, 1, 9)]
    seen = Counter(ranked(contenders, seed, 5, 0.0)[0][0] for seed in range(4_000))
    for rank in range(3):
        said = propensity(rank, contenders, 0.0)
        assert abs(seen[rank] / 4_000 - said) < 0.11, (rank, seen[rank], said)
    assert abs(sum(propensity(rank, contenders, 0.0) for rank in range(3)) - 1) < 1e-9


def test_each_route_on_trial_is_first_for_its_share() -> None:
    contenders = [contender(0, 9_000, 900, 100), *(contender(n, 100, 1, 99, on_trial=True) for n in (1, 2))]
    seen = Counter(ranked(contenders, seed, 5, 0.02)[0][0] for seed in range(10_000))
    for rank in (1, 2):
        assert 140 < seen[rank] < 265
        assert abs(propensity(rank, contenders, 0.02) - 0.02) < 0.003
    assert abs(propensity(0, contenders, 0.02) - 0.96) < 0.003
    assert propensity(1, contenders, None) < 0.01
    many = [contender(n, 100, 1, 99, on_trial=True) for n in range(100)]
    assert abs(sum(propensity(n, many, 0.02) for n in range(100)) - 1) < 0.01


def test_a_route_alone_is_certain_and_no_trial() -> None:
    assert ranked([contender(0, 1, 1, 1, on_trial=True)], 3, 5, 1.0) == ([0], False)
    assert propensity(0, [contender(0, 1, 1, 1, on_trial=True)], 1.0) == 1.0


def test_a_hopeless_route_among_many_has_a_propensity_that_is_not_zero() -> None:
    contenders = [contender(n, 1_000, 500, 500) for n in range(200)] + [contender(200, 1, 1, 9_999)]
    assert 0 < propensity(200, contenders, None) < 0.001
    assert abs(sum(propensity(n, contenders, None) for n in range(201)) - 1) < 1e-6


def test_renaming_and_reordering_leave_other_draws_where_they_are() -> None:
    known = facts(a1=Rate(40, 40.0, 10.0), a2=Rate(40, 40.0, 5.0), b1=Rate(40, 40.0, 3.0))
    turned = plan().replace(
        '{target: a1, price: "10.00"}, {target: a2, price: "20.00"}',
        '{target: a2, price: "20.00"}, {target: a1, price: "10.00"}',
    )
    for seed in range(40):
        one, other = offers(plan(), known, seed), offers(turned, known, seed)
        assert [offer.candidate.target for offer in one] == [offer.candidate.target for offer in other]


def test_the_trial_ends_with_enough_offers_in_the_book() -> None:
    settings = "trial_offers: 30, trial_share: 1"
    poor = Rate(29, 29.0, 0.0)
    rich = Rate(90_000, 90_000.0, 80_000.0)
    made = offers(plan(settings), facts(a1=poor, a2=rich, b1=rich), 1)
    tried = [
        seed
        for seed in range(60)
        if offers(plan(settings), facts(a1=poor, a2=rich, b1=rich), seed)[0].candidate.target == "a1"
    ]
    assert 15 < len(tried) < 45, "half of the callers at most"
    first = offers(plan(settings), facts(a1=poor, a2=rich, b1=rich), tried[0])[0].candidate.odds
    assert first is not None
    assert first.trial
    assert abs(first.propensity - 0.5) < 0.01
    assert {offer.candidate.target for offer in made} == {"a1", "a2", "b1"}
    enough = Rate(30, 30.0, 0.0)
    firsts = {
        offers(plan(settings), facts(a1=enough, a2=rich, b1=rich), seed)[0].candidate.target for seed in range(60)
    }
    assert firsts == {"b1"}


def test_a_score_counts_before_the_book_and_is_no_trial() -> None:
    asked, capacity = router(plan("trial_share: 1")), MemoryCapacity()
    question = msgspec.structs.replace(query(), scores={"a1": 0.9, "a2": 0.2, "b1": 0.15})
    explained = asked.explain(question, capacity)
    assert [offer.target for offer in explained.offers] == ["a1", "b1", "a2"]
    odds = [offer.odds for offer in explained.offers]
    assert [(each.p, each.basis, each.propensity) for each in odds if each is not None] == [
        (0.9, "model", 1.0),
        (0.15, "model", 1.0),
        (0.2, "model", 1.0),
    ]


def test_min_score_judges_what_is_known_well_enough() -> None:
    text = plan(more="min_score: 0.3, ")
    bad, unsure = Rate(500, 31.0, 1.0), Rate(500, 29.0, 1.0)
    explained = router(text).explain(query(), MemoryCapacity(), facts(a1=bad, a2=unsure))
    assert [(each.target, each.reason, each.level) for each in explained.rejected] == [("a1", "score", "tier")]
    assert {offer.target for offer in explained.offers} == {"a2", "b1"}


def test_capacity_is_asked_as_by_any_method() -> None:
    text = plan().replace(
        '{target: b1, price: "40.00"}', '{target: b1, price: "40.00", limits: [{measure: live, max: 1}]}'
    )
    known = facts(b1=Rate(90_000, 90_000.0, 80_000.0))
    capacity = MemoryCapacity()
    asked = router(text)
    firsts = []
    for number in range(2):
        offer = asked.cursor(query(), known).next(capacity, f"l{number}", f"a{number}", "c", query().now)
        assert isinstance(offer, Offer)
        firsts.append(offer.candidate.target)
    assert firsts[0] == "b1" != firsts[1]


def test_equal_facts_have_equal_versions() -> None:
    assert facts(a1=Rate(1, 1.0, 0.0)) == facts(a1=Rate(1, 1.0, 0.0))
    assert facts(a1=Rate(1, 1.0, 0.0)).version != facts(a1=Rate(1, 1.0, 1.0)).version
    assert Caller(router(plan()), query()).routes(), "and without any book it works too"
