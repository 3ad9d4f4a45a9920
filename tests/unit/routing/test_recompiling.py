"""What a changed configuration makes the compiler do again, and what it takes over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from trunkline.cli.bench import load
from trunkline.config.schema import AccountConfig, Platform, Publisher, Route
from trunkline.engine.routing import compiler
from trunkline.engine.routing.program import Line
from trunkline.engine.routing.router import Router, compile_router, compiling
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

ROUTES = 600


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    """Blocks of 50 to 200 routes, so that a small market has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "_BLOCK_MIN", 50)
        patch.setattr(compiler, "_BLOCK_MAX", 200)
        patch.setattr(compiler, "_BLOCK_ENDS", 50)
        yield


@pytest.fixture(scope="module")
def config() -> AccountConfig:
    load("routing")  # makes bench.load importable
    from bench.load.market import account_of, market

    made: AccountConfig = account_of(market(ROUTES))
    return made


@pytest.fixture(scope="module")
def router(config: AccountConfig) -> Router:
    return compile_router(config, Platform(), "one")


def blocks(router: Router) -> list[Any]:
    return [block for _, block in router.programs["injury"].blocks()]


def with_route(config: AccountConfig, place: int, *routes: Route) -> AccountConfig:
    """The market with the route at `place` of its large tier replaced by `routes`."""
    plan = config.plans[0]
    tier = plan.tiers[1]
    tier = structs.replace(tier, routes=(*tier.routes[:place], *routes, *tier.routes[place + 1 :]))
    return structs.replace(config, plans=(structs.replace(plan, tiers=(plan.tiers[0], tier, plan.tiers[2])),))


def test_a_large_plan_has_several_blocks_with_all_its_routes_in_rank_order(router: Router) -> None:
    program = router.programs["injury"]
    assert len(blocks(router)) > 1
    assert [line for block in blocks(router) for line in block.lines] == program.lines
    assert [line.rank for line in program.lines] == list(range(ROUTES))


def test_an_equal_configuration_takes_over_every_block_and_line(config: AccountConfig, router: Router) -> None:
    again = compile_router(structs.replace(config), Platform(), "two", earlier=router)
    assert blocks(again) == blocks(router)
    assert again.programs["injury"].lines == router.programs["injury"].lines
    assert again.versions.snapshot == "two"


@pytest.mark.parametrize("change", ["price", "new", "gone"])
def test_one_changed_route_costs_its_own_block_alone(config: AccountConfig, router: Router, change: str) -> None:
    route = config.plans[0].tiers[1].routes[50]
    routes = {
        "price": (structs.replace(route, price=Money(99_900, "USD")),),
        "new": (route, structs.replace(route, key="another")),
        "gone": (),
    }[change]
    again = compile_router(with_route(config, 50, *routes), Platform(), "two", earlier=router)
    new = [block for block in blocks(again) if block not in blocks(router)]
    assert len(new) == 1
    program = again.programs["injury"]
    assert [line.rank for line in program.lines] == list(range(ROUTES + len(routes) - 1))
    assert router.programs["injury"].lines[-1].rank == ROUTES - 1


def test_a_line_at_another_rank_says_what_it_said(router: Router) -> None:
    line = router.programs["injury"].lines[3]
    moved = line.moved(7)
    assert (line.rank, moved.rank) == (3, 7)
    for name in Line.__slots__:
        assert name == "rank" or getattr(moved, name) is getattr(line, name)


def test_another_price_keeps_the_tables_and_other_criteria_make_new_ones(config: AccountConfig, router: Router) -> None:
    route = config.plans[0].tiers[1].routes[50]
    dearer = structs.replace(route, price=Money(99_900, "USD"))
    again = compile_router(with_route(config, 50, dearer), Platform(), "two", earlier=router)
    mine = {id(table) for block in blocks(router) for table in block.tables}
    assert {id(table) for block in blocks(again) for table in block.tables} == mine

    wider = structs.replace(route, criteria=None)
    again = compile_router(with_route(config, 50, wider), Platform(), "two", earlier=router)
    changed = [block for block in blocks(again) if block not in blocks(router)]
    assert all(id(table) not in mine for block in changed for table in block.tables)


def test_routes_that_have_gone_at_the_end_are_in_no_block(config: AccountConfig, router: Router) -> None:
    plan = config.plans[0]
    last = structs.replace(plan.tiers[2], routes=plan.tiers[2].routes[:-1])
    plan = structs.replace(plan, tiers=(*plan.tiers[:2], last))
    again = compile_router(structs.replace(config, plans=(plan,)), Platform(), "two", earlier=router)
    assert [line for block in blocks(again) for line in block.lines] == again.programs["injury"].lines
    back = compile_router(config, Platform(), "three", earlier=again)
    assert [line.id for line in back.programs["injury"].lines] == [line.id for line in router.programs["injury"].lines]
    assert blocks(back)[:-1] == blocks(router)[: len(blocks(back)) - 1]


def test_a_changed_buyer_is_seen_in_all_its_routes(config: AccountConfig, router: Router) -> None:
    buyers = (structs.replace(config.buyers[0], paused=True), *config.buyers[1:])
    again = compile_router(structs.replace(config, buyers=buyers), Platform(), "two", earlier=router)
    paused = [line.id for line in again.programs["injury"].lines if line.guards.paused is not None]
    assert paused == [line.id for line in again.programs["injury"].lines if line.buyer.key == config.buyers[0].key]
    assert paused


def test_what_no_route_depends_on_compiles_nothing(config: AccountConfig, router: Router) -> None:
    more = structs.replace(config, publishers=(*config.publishers, Publisher(key="another")))
    assert blocks(compile_router(more, Platform(), "two", earlier=router)) == blocks(router)


def test_another_zone_of_the_account_takes_over_nothing(config: AccountConfig, router: Router) -> None:
    moved = structs.replace(config, account=structs.replace(config.account, timezone="America/Denver"))
    assert not set(blocks(compile_router(moved, Platform(), "two", earlier=router))) & set(blocks(router))


def test_compiling_stops_often_enough_for_others_to_go_on(config: AccountConfig) -> None:
    assert sum(1 for _ in compiling(config, Platform(), "one")) > ROUTES // 8
