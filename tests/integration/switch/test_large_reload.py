"""A large configuration that is replaced under calls: none is lost, each is decided by the old world or the new one."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.bench import load
from trunkline.config.load import Loaded
from trunkline.switch import reading
from trunkline.switch.config_files import load_path
from trunkline.switch.parcels import Failure, Unpacking, packed, parcels_of
from trunkline.switch.parting import Parting
from trunkline.switch.reading import Unreadable, read_beside
from trunkline.switch.reload import first_world
from trunkline.switch.slices import Slices, finished
from trunkline.switch.world import World, building
from trunkline.testing.peers import Buyer, Caller
from trunkline.testing.scripts import answers
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ROUTES = 400
CALLS_MAX = 3_000


@pytest.fixture(scope="module")
def text() -> str:
    load("reload")  # makes bench.load importable
    from bench.load.market import text_of
    from bench.load.reloading import live_market

    return text_of(live_market(ROUTES, "127.0.0.1:5081"))


@pytest.fixture
def path(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.json"
    path.write_text(text)
    return path


def nothing(account: str, collection: str, key: str) -> None:
    """A switch that has nothing yet."""


# -- parcels ---------------------------------------------------------------------------------------------------------


def unpacked(loaded: Loaded, world: World | None = None) -> Unpacking:
    unpacking = Unpacking(nothing if world is None else world.known)
    for parcel in parcels_of(loaded, {}, ()):
        unpacking.take(packed(parcel)[4:])
    return unpacking


def test_a_configuration_arrives_as_it_was_read(path: Path) -> None:
    loaded = load_path(path)
    unpacking = unpacked(loaded)
    assert unpacking.complete
    assert unpacking.snapshot() == loaded.snapshot


def test_what_the_switch_has_already_is_taken_from_there(path: Path, text: str, tmp_path: Path) -> None:
    world = first_world(path, tmp_path / "data")
    path.write_text(text.replace('"key":"route-7"', '"key":"route-x"'))
    loaded = load_path(path)
    (config,) = unpacked(loaded, world).snapshot().accounts
    (before,) = world.snapshot.accounts
    assert loaded.snapshot is not None
    assert config == loaded.snapshot.accounts[0]
    assert all(mine is its for mine, its in zip(config.targets, before.targets, strict=True))
    old = {id(route) for tier in before.plans[0].tiers for route in tier.routes}
    routes = [route for tier in config.plans[0].tiers for route in tier.routes]
    assert [route.key for route in routes if id(route) not in old] == ["route-x"]


def test_reading_beside_gives_what_reading_in_the_switch_gives(path: Path, tmp_path: Path) -> None:
    read = asyncio.run(read_beside(path, tmp_path / "data", nothing))
    assert read.loaded.snapshot == load_path(path).snapshot
    assert read.sounds == reading.read_configuration(path, tmp_path / "data").sounds


def test_a_process_that_ends_early_is_told_of(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading.sys, "executable", "/bin/false")
    with pytest.raises(Unreadable, match="ended with code 1"):
        asyncio.run(read_beside(path, tmp_path, nothing))


def test_an_error_of_ours_in_that_process_has_its_words(tmp_path: Path) -> None:
    unpacking = Unpacking(nothing)
    unpacking.take(packed(Failure("an error of ours: KeyError('x')", ours=True))[4:])
    assert unpacking.failure is not None
    assert not unpacking.complete
    with pytest.raises(Unreadable, match="there is no file or folder"):
        asyncio.run(read_beside(tmp_path / "missing.json", tmp_path, nothing))


def test_reading_that_takes_too_long_is_given_up(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READING_S_MAX", 0.0)
    with pytest.raises(Unreadable, match="took more than"):
        asyncio.run(read_beside(path, tmp_path, nothing))


# -- worlds ----------------------------------------------------------------------------------------------------------


def test_a_world_goes_when_its_last_call_has_gone_without_the_collector(path: Path, tmp_path: Path) -> None:
    gc.disable()
    try:
        world = first_world(path, tmp_path / "data")
        later = finished(building(world.snapshot, {}, {}, world))
        parting = Parting(world)
        assert not parting.over
        del world
        assert parting.over
        assert sum(1 for _ in parting.taking_apart()) > ROUTES // 16
        assert len(later.routers["acme"].programs["injury"].lines) == ROUTES
    finally:
        gc.enable()


def test_long_work_lets_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.switch.slices.SLICE_S", 0.0)
    monkeypatch.setattr("trunkline.switch.slices.PAUSE_S", 0.0)
    turns: list[str] = []

    def steps() -> Any:
        for _ in range(3):
            turns.append("work")
            yield
        return "done"

    async def others() -> None:
        for _ in range(3):
            turns.append("others")
            await asyncio.sleep(0)

    async def both() -> str:
        other = asyncio.create_task(others())
        found: str = await Slices().run(steps())
        await other
        return found

    assert asyncio.run(both()) == "done"
    assert turns.index("others") < len(turns) - 1 - turns[::-1].index("work")


# -- under calls -----------------------------------------------------------------------------------------------------


def test_calls_go_on_and_each_is_decided_by_one_world_whole(tmp_path: Path) -> None:
    calls = asyncio.run(_called_while_all_changes(tmp_path))
    assert [call["outcome"] for call in calls] == ["sold"] * len(calls)
    seen = [(call["price"], call["payout"]) for call in calls]
    assert set(seen) == {("20.00", "8.00"), ("30.00", "9.00")}, "a call with the terms of two worlds, or all of one"
    assert seen == sorted(seen), "the old world was used after the new one"


async def _called_while_all_changes(folder: Path) -> list[dict[str, Any]]:
    """Calls one after another: some before every price and payout is changed, some until after that counts."""
    from bench.load.market import NUMBER, text_of
    from bench.load.reloading import live_market
    from bench.load.script import caller_number

    async with Buyer(answers(0.01)) as buyer, Caller() as caller:
        document = live_market(ROUTES, f"{buyer.host}:{buyer.port}")

        def at(price: str, payout: str) -> str:
            document["campaigns"][0]["payouts"][0]["amount"] = payout
            document["campaigns"][0]["conversion"] = {"call": {"event": "connect"}}
            for tier in document["plans"][0]["tiers"]:
                for route in tier["routes"]:
                    route["price"] = price
            return text_of(document)

        with SwitchProcess(at("20.00", "8.00"), folder) as switch:
            made = after = 0
            while after < 3:
                call = caller.dial(f"sip:{NUMBER}@{switch.sip}", caller_number(made))
                await call.wait_answered()
                call.hang_up()
                await call.wait_over()
                made += 1
                if made == 3:
                    switch.write_config(at("30.00", "9.00"))
                after += await asyncio.to_thread(switch.metric, "trunkline_reloads_total", result="loaded") > 0
                assert made < CALLS_MAX, switch.log()
            return await asyncio.to_thread(switch.ended_calls, made)
