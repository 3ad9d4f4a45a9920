"""A router that took over what had not changed answers like one that was compiled from nothing."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.properties.routing.worlds import HashedUsage, World

from trunkline.config.schema import AccountConfig, Plan, Platform, Tier
from trunkline.engine.routing.facts import facts_of
from trunkline.engine.routing.router import compile_router

pytestmark = [pytest.mark.property, pytest.mark.usefixtures("small_blocks")]


def changed(config: AccountConfig, other: AccountConfig, random: Random) -> AccountConfig:
    """`config` with some of its objects as they are in `other`, where the same keys stand for other things."""

    def some_of(mine: tuple, theirs: tuple) -> tuple:  # type: ignore[type-arg]
        named = {each.key: each for each in theirs}
        return tuple(named.get(each.key, each) if random.random() < 0.2 else each for each in mine)

    def tier_of(tier: Tier, theirs: Tier) -> Tier:
        routes = list(some_of(tier.routes, theirs.routes))
        if random.random() < 0.3:
            new = structs.replace(random.choice(theirs.routes), key=f"new-{random.getrandbits(32)}")
            routes.insert(random.randrange(len(routes) + 1), new)
        if random.random() < 0.3 and len(routes) > 1:
            routes.pop(random.randrange(len(routes)))
        guards = theirs if random.random() < 0.1 else tier
        return structs.replace(guards, key=tier.key, routes=tuple(routes))

    def plan_of(plan: Plan, theirs: Plan) -> Plan:
        guards = theirs if random.random() < 0.1 else plan
        tiers = [tier_of(tier, random.choice(theirs.tiers)) for tier in plan.tiers]
        return structs.replace(guards, key=plan.key, tiers=tuple(tiers), fallback=plan.fallback)

    named = {target.key for target in config.targets}
    others = tuple(target for target in other.targets if target.key in named)
    plans = tuple(plan_of(plan, theirs) for plan, theirs in zip(config.plans, other.plans, strict=True))
    plans = tuple(
        structs.replace(
            plan,
            tiers=tuple(
                structs.replace(tier, routes=tuple(route for route in tier.routes if route.target in named))
                for tier in plan.tiers
            ),
        )
        for plan in plans
    )
    return structs.replace(
        config,
        account=other.account if random.random() < 0.1 else config.account,
        buyers=some_of(config.buyers, other.buyers),
        buyer_groups=some_of(config.buyer_groups, other.buyer_groups),
        targets=some_of(config.targets, others),
        plans=plans,
    )


@settings(max_examples=150)
@given(st.integers(0, 2**48))
def test_what_is_taken_over_decides_like_what_is_made_anew(seed: int) -> None:
    world, random = World(seed), Random(seed)
    config = world.account()
    router = compile_router(config, Platform(), "one")
    queries = [world.query() for _ in range(3)]
    first = [router.explain(query, HashedUsage(seed)) for query in queries]
    for generation in range(3):
        config = changed(config, World(seed + 1 + generation).account(), random)
        facts = facts_of(world.down(config))
        before, router = router, compile_router(config, Platform(), "two", earlier=router)
        fresh = compile_router(config, Platform(), "two")
        for query in queries:
            usage = HashedUsage(seed + generation)
            assert router.explain(query, usage, facts) == fresh.explain(query, usage, facts)
            assert router.eligible(query, facts).routes() == fresh.eligible(query, facts).routes()
        if generation == 0:  # the calls that go on by the router before notice nothing
            assert [before.explain(query, HashedUsage(seed)) for query in queries] == first
