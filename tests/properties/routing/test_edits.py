"""After any edits, a router that took over what had not changed answers like a new one and like the naive reference."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.properties.routing.reference import Reference
from tests.properties.routing.worlds import HashedUsage, World

from trunkline.config.schema import AccountConfig, AttributeType, Method, Plan, Platform, Tier
from trunkline.config.trunks import Trunk
from trunkline.engine.routing.router import compile_router

pytestmark = [pytest.mark.property, pytest.mark.usefixtures("small_blocks")]

T = TypeVar("T")
BUYERS = 3
TARGETS = 3


class Editor:
    """Makes one change after another, as people do who edit a file. New names are never used again."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.names = 0

    def edit(self, config: AccountConfig) -> AccountConfig:
        change: Callable[[AccountConfig], AccountConfig] = self.random.choice(
            [self.group, self.groups, self.buyer, self.target, self.moved_target, self.order, self.account,
             self.entrance, self.plan, self.new_plan, self.tier, self.tiers, self.method, self.route, self.new_route,
             self.gone_route, self.moved_route]
        )  # fmt: skip
        return change(config)

    def name(self) -> str:
        self.names += 1
        return f"new{self.names}"

    def one(self, things: tuple[T, ...], change: Callable[[T], T]) -> tuple[T, ...]:
        chosen = self.random.randrange(len(things))
        return tuple(change(each) if place == chosen else each for place, each in enumerate(things))

    def shuffled(self, things: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(self.random.sample(things, len(things)))

    def guarded(self, thing: T, *names: str) -> T:
        return structs.replace(thing, **self.world.guards(*names))  # type: ignore[type-var]

    def of_plan(self, config: AccountConfig, change: Callable[[Plan], Plan]) -> AccountConfig:
        return structs.replace(config, plans=self.one(config.plans, change))

    def of_tier(self, config: AccountConfig, change: Callable[[Tier], Tier]) -> AccountConfig:
        return self.of_plan(config, lambda plan: structs.replace(plan, tiers=self.one(plan.tiers, change)))

    def group(self, config: AccountConfig) -> AccountConfig:
        def change(group: Any) -> Any:
            if self.random.random() < 0.5:
                return self.guarded(group, "criteria", "limits", "timezone")
            return structs.replace(
                group, buyers=tuple(each.key for each in config.buyers if self.random.random() < 0.5)
            )

        return structs.replace(config, buyer_groups=self.one(config.buyer_groups, change))

    def groups(self, config: AccountConfig) -> AccountConfig:
        return structs.replace(config, buyer_groups=self.shuffled(config.buyer_groups))

    def buyer(self, config: AccountConfig) -> AccountConfig:
        return structs.replace(config, buyers=self.one(config.buyers, lambda each: self.world.buyer(each.key)))

    def target(self, config: AccountConfig) -> AccountConfig:
        made = self.one(config.targets, lambda each: self.world.target(each.key, BUYERS))
        return structs.replace(config, targets=made)

    def moved_target(self, config: AccountConfig) -> AccountConfig:
        buyer = self.random.choice(config.buyers).key
        return structs.replace(
            config, targets=self.one(config.targets, lambda each: structs.replace(each, buyer=buyer))
        )

    def order(self, config: AccountConfig) -> AccountConfig:
        return structs.replace(
            config,
            buyers=self.shuffled(config.buyers),
            targets=self.shuffled(config.targets),
            plans=self.shuffled(config.plans),
        )

    def account(self, config: AccountConfig) -> AccountConfig:
        return structs.replace(config, account=self.guarded(config.account, "criteria", "limits", "timezone"))

    def entrance(self, config: AccountConfig) -> AccountConfig:
        (campaign,) = config.campaigns
        types = tuple(each for each in campaign.attributes if each.name != "tag.other")
        if self.random.random() < 0.3:  # nobody asks it, and yet everything is compiled anew
            types += (AttributeType(name="tag.other", type="number"),)
        campaign = structs.replace(
            self.guarded(campaign, "criteria", "limits", "timezone", "price"), attributes=types,
            duplicates=self.world.duplicates(),
        )  # fmt: skip
        (publisher,), (number,) = config.publishers, config.numbers
        return structs.replace(
            config, campaigns=(campaign,), publishers=(self.guarded(publisher, "limits"),),
            numbers=(self.guarded(number, "criteria"),),
        )  # fmt: skip

    def plan(self, config: AccountConfig) -> AccountConfig:
        return self.of_plan(config, lambda plan: self.guarded(plan, "criteria", "timezone", "price"))

    def new_plan(self, config: AccountConfig) -> AccountConfig:
        made = self.world.plan(self.name(), None, TARGETS)
        first, *others = config.plans
        return structs.replace(config, plans=(structs.replace(first, fallback=made.key), *others, made))

    def tier(self, config: AccountConfig) -> AccountConfig:
        return self.of_tier(config, lambda tier: self.guarded(tier, "criteria"))

    def tiers(self, config: AccountConfig) -> AccountConfig:
        made = structs.replace(self.world.plan("any", None, TARGETS).tiers[0], key=self.name())
        return self.of_plan(config, lambda plan: structs.replace(plan, tiers=self.shuffled((*plan.tiers[:3], made))))

    def method(self, config: AccountConfig) -> AccountConfig:
        method = self.random.choice(list(Method))
        return self.of_tier(
            config, lambda tier: structs.replace(tier, method=method, performance=None, deadline_ms=None)
        )

    def route(self, config: AccountConfig) -> AccountConfig:
        def change(tier: Tier) -> Tier:
            routes = self.one(tier.routes, lambda each: self.world.route(each.key or "", TARGETS))
            return structs.replace(tier, routes=self.shuffled(routes))

        return self.of_tier(config, change)

    def new_route(self, config: AccountConfig) -> AccountConfig:
        made = self.world.route(self.name(), TARGETS)
        return self.of_tier(config, lambda tier: structs.replace(tier, routes=(made, *tier.routes)))

    def gone_route(self, config: AccountConfig) -> AccountConfig:
        return self.of_tier(config, lambda tier: structs.replace(tier, routes=tier.routes[1:] or tier.routes))

    def moved_route(self, config: AccountConfig) -> AccountConfig:
        """From the first tier of a plan to its last, under another name where the name is taken."""

        def change(plan: Plan) -> Plan:
            first, *between, last = plan.tiers
            moved = structs.replace(first.routes[-1], key=self.name())
            first = structs.replace(first, routes=first.routes[:-1] or first.routes)
            return structs.replace(plan, tiers=(first, *between, structs.replace(last, routes=(*last.routes, moved))))

        return self.of_plan(config, lambda plan: plan if len(plan.tiers) < 2 else change(plan))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**48))
def test_any_edits_are_seen_as_by_a_router_made_anew(seed: int) -> None:
    world = World(seed)
    editor = Editor(world, seed)
    config = world.account()
    queries = [world.query() for _ in range(2)]
    router = compile_router(config, Platform(), "digest")
    for generation in range(5):
        for _ in range(editor.random.choice([1, 1, 3])):
            config = editor.edit(config)
        router = compile_router(config, Platform(), "digest", earlier=router)
        fresh = compile_router(config, Platform(), "digest")
        facts = world.facts(config)
        for query in queries:
            usage = HashedUsage(seed + generation, query.now.utc_ms)
            found = router.explain(query, usage, facts)
            assert found == fresh.explain(query, usage, facts)
            expected = Reference(config, query, usage, facts).run()
            assert [offer.route for offer in found.offers] == expected.offers
            assert {each.route: (each.reason, each.level) for each in found.rejected} == {
                route: why[:2] for route, why in expected.rejected.items()
            }


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**48))
def test_trunks_that_are_paused_and_taken_up_again_close_and_open_their_targets(seed: int) -> None:
    world = World(seed)
    config = world.account()
    targets = tuple(
        structs.replace(each, trunk=("left", "right")[: world.random.randint(0, 2)]) if each.dial else each
        for each in config.targets
    )
    config, query = structs.replace(config, targets=targets), world.query()
    router = None
    for _ in range(4):
        paused = [world.maybe(0.6), world.maybe(0.6)]
        trunks = tuple(Trunk(key=key, paused=each) for key, each in zip(("left", "right"), paused, strict=True))
        platform = Platform(trunks=trunks)
        router = compile_router(config, platform, "digest", earlier=router)
        usage = HashedUsage(seed, query.now.utc_ms)
        assert router.explain(query, usage) == compile_router(config, platform, "digest").explain(query, usage)
