"""A configuration that changes while calls go on: taken when it is valid, refused and told when it is not."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.peer.lab import configuration, target

from trunkline.codec import wav
from trunkline.config.flows import Prompt
from trunkline.config.schema import Snapshot
from trunkline.events.switch import SnapshotLoaded, SnapshotRefused
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.switch import reload
from trunkline.switch.clock import read_clock
from trunkline.switch.metrics import Metrics
from trunkline.switch.plant import Plant
from trunkline.switch.reload import ConfigurationRefused, Reloader, first_world
from trunkline.switch.world import World

pytestmark = pytest.mark.integration

WAIT_S_MAX = 10.0


def with_target(name: str, **sections: Any) -> str:
    return configuration(target(name, "127.0.0.1:5081"), **sections)


class Site:
    """A configuration on disk and the reloader that watches it; journal and listener are played."""

    def __init__(self, path: Path, data: Path) -> None:
        self.path = path
        self.written: list[object] = []
        self.used: list[World] = []
        plant: Any = Plant.__new__(Plant)
        plant.data, plant.clock, plant.metrics = data, read_clock, Metrics()
        plant.world = first_world(path, data)
        plant.write = lambda entries, changes=(): self.written.extend(entry.event for entry in entries)
        self.plant = plant
        self.reloader = Reloader(plant, path, self._use)

    def _use(self, world: World) -> None:
        self.plant.world = world
        self.used.append(world)

    @property
    def targets(self) -> list[str]:
        """The targets that calls are offered to."""
        snapshot: Snapshot = self.plant.world.snapshot
        return [each.key for config in snapshot.accounts for each in config.targets]

    def count(self, result: str) -> float:
        """Reloads by result."""
        found = self.plant.metrics.registry.get_sample_value("trunkline_reloads_total", {"result": result})
        return found or 0.0

    def watch(self, work: Callable[[Site], Awaitable[None]]) -> None:
        """Run `work` while the files are watched."""

        async def run() -> None:
            watching = asyncio.create_task(self.reloader.run())
            try:
                await work(self)
                assert not watching.done(), watching
            finally:
                watching.cancel()

        asyncio.run(run())

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not condition():  # noqa: ASYNC110 - the watcher tells nobody
                await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _watches_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "WATCH_S", 0.01)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = tmp_path / "config.yaml"
    path.write_text(with_target("first"))
    return Site(path, tmp_path / "data")


def replace(path: Path, text: str) -> None:
    """Put another file in the place of one, in one step."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


# -- valid changes ---------------------------------------------------------------------------------------------------


def test_a_changed_file_is_in_force_and_journaled(site: Site) -> None:
    async def work(site: Site) -> None:
        replace(site.path, with_target("second"))
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.targets == ["second"]
    (event,) = site.written
    assert isinstance(event, SnapshotLoaded)
    assert event.snapshot == site.plant.world.snapshot.digest
    assert (site.count("loaded"), site.count("refused")) == (1, 0)


def test_being_asked_reloads_a_file_that_looks_unchanged(site: Site) -> None:
    stat = site.path.stat()

    async def work(site: Site) -> None:
        site.path.write_text(with_target("f1rst"))
        os.utime(site.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        site.reloader.ask()
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.targets == ["f1rst"]


def test_a_file_that_says_the_same_in_other_words_changes_and_journals_nothing(site: Site) -> None:
    async def work(site: Site) -> None:
        replace(site.path, with_target("first") + "\n\n")
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.written == []
    assert site.count("loaded") == 0


def test_a_new_recording_of_a_prompt_is_played_after_being_asked(tmp_path: Path) -> None:
    path, sound = tmp_path / "config.yaml", tmp_path / "hello.wav"
    nodes = {"start": {"play": {"file": "hello.wav"}, "next": "sell"}, "sell": {"route": {}}}
    path.write_text(with_target("first", nodes=nodes))
    sound.write_bytes(wav.write(wav.Encoding.ULAW, 1, b"\x10" * 800))
    site = Site(path, tmp_path / "data")
    before = site.plant.world.sounds[Prompt(file="hello.wav")]

    async def work(site: Site) -> None:
        sound.write_bytes(wav.write(wav.Encoding.ULAW, 1, b"\x20" * 800))
        site.reloader.ask()
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.plant.world.sounds[Prompt(file="hello.wav")] != before


def test_a_call_that_goes_on_keeps_the_world_it_began_with(site: Site) -> None:
    began_with = site.plant.world

    async def work(site: Site) -> None:
        replace(site.path, with_target("second"))
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.plant.world is not began_with
    assert [each.key for each in began_with.snapshot.accounts[0].targets] == ["first"]


# -- changes that are refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "version: 1", "{", "version: 2\n", with_target("first").replace('"sell"', '"nowhere"').replace("5081", "0")],
    ids=["empty", "no account", "no YAML", "another version", "an impossible port"],
)
def test_an_invalid_file_keeps_the_one_before_and_says_so(
    site: Site, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(site: Site) -> None:
        replace(site.path, text)
        await site.until(lambda: site.written)

    site.watch(work)
    assert (site.targets, site.used) == (["first"], [])
    (event,) = site.written
    assert isinstance(event, SnapshotRefused)
    assert event.errors >= 1
    assert event.first
    assert (site.count("loaded"), site.count("refused")) == (0, 1)
    assert "the one before stays" in caplog.text


def test_a_file_that_is_gone_keeps_the_one_before_until_it_is_back(site: Site) -> None:
    async def work(site: Site) -> None:
        site.path.unlink()
        await site.until(lambda: site.written)
        assert site.targets == ["first"]
        site.path.write_text(with_target("second"))
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.targets == ["second"]
    assert [type(event) for event in site.written][-1] is SnapshotLoaded


def test_a_folder_that_cannot_be_looked_into_keeps_the_one_before_until_it_can_be(tmp_path: Path) -> None:
    whole = json.loads(with_target("first"))
    (tmp_path / "etc" / "accounts").mkdir(parents=True)
    (tmp_path / "etc" / "platform.json").write_text(json.dumps({"version": 1, "trunks": whole.pop("trunks")}))
    (tmp_path / "etc" / "accounts" / "acme.json").write_text(json.dumps(whole))
    site = Site(tmp_path / "etc", tmp_path)

    accounts, away = tmp_path / "etc" / "accounts", tmp_path / "away"

    async def work(site: Site) -> None:
        accounts.rename(away)
        accounts.symlink_to(accounts)  # leads nowhere, for whatever user the tests run as
        await site.until(lambda: site.written)
        assert site.targets == ["first"]
        (event,) = site.written
        assert isinstance(event, SnapshotRefused)
        accounts.unlink()
        away.rename(accounts)
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.targets == ["first"]


def test_a_list_that_criteria_name_is_read_again_when_it_changes(site: Site) -> None:
    """A file that is missing is looked for until it is there; then what it says counts, and what it says next."""
    criteria = {"attr": "geo.zip", "in": {"file": "z.txt"}}
    listed = with_target("second", publishers=[{"key": "adwave", "criteria": criteria}])
    file = site.path.parent / "z.txt"

    async def work(site: Site) -> None:
        replace(site.path, listed)
        await site.until(lambda: site.written)
        replace(file, "78701\n")
        await site.until(lambda: len(site.used) == 1)
        replace(file, "78701\n78702\n")
        await site.until(lambda: len(site.used) == 2)

    site.watch(work)
    assert [type(event) for event in site.written] == [SnapshotRefused, SnapshotLoaded, SnapshotLoaded]


def test_an_invalid_file_is_told_once_and_not_at_every_look(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    look, looks = reload._state_of, []
    monkeypatch.setattr(reload, "_state_of", lambda *of: looks.append(of) or look(*of))  # type: ignore[func-returns-value]

    async def work(site: Site) -> None:
        replace(site.path, "{")
        await site.until(lambda: site.written)
        looks.clear()
        await site.until(lambda: len(looks) > 3)
        replace(site.path, with_target("second"))
        await site.until(lambda: site.used)

    site.watch(work)
    assert [type(event) for event in site.written] == [SnapshotRefused, SnapshotLoaded]


def test_an_error_of_ours_while_loading_ends_neither_the_watching_nor_the_switch(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> object:
        raise RuntimeError("a bug of ours")

    async def work(site: Site) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(reload, "building", fails)
            replace(site.path, with_target("second"))
            await site.until(lambda: site.written)
        replace(site.path, with_target("third"))
        await site.until(lambda: site.used)

    site.watch(work)
    assert site.targets == ["third"]
    assert "a bug of ours" in caplog.text


# -- folders ---------------------------------------------------------------------------------------------------------


def folder_of(tmp_path: Path) -> Path:
    """A configuration in the folder form, with one account."""
    folder = tmp_path / "config"
    (folder / "accounts").mkdir(parents=True)
    (folder / "platform.yaml").write_text('version: 1\ntrunks: [{key: carrier, allow: ["127.0.0.0/8"]}]\n')
    write_account(folder, "acme", "+18335550100")
    return folder


def write_account(folder: Path, key: str, number: str) -> None:
    whole = json.loads(with_target(f"{key}-desk", account={"key": key, "currency": "USD", "timezone": "UTC"}))
    del whole["trunks"]
    (folder / "accounts" / f"{key}.yaml").write_text(json.dumps(whole).replace("+18335550100", number))


def accounts(site: Site) -> list[str]:
    return [config.account.key for config in site.plant.world.snapshot.accounts]


def test_an_account_that_is_added_to_the_folder_or_removed_from_it_is_noticed(tmp_path: Path) -> None:
    site = Site(folder_of(tmp_path), tmp_path / "data")

    async def work(site: Site) -> None:
        write_account(site.path, "bolt", "+18335550199")
        await site.until(lambda: accounts(site) == ["acme", "bolt"])
        (site.path / "accounts" / "acme.yaml").unlink()
        await site.until(lambda: accounts(site) == ["bolt"])

    site.watch(work)
    assert [type(event) for event in site.written] == [SnapshotLoaded] * 2


def test_a_second_account_with_the_number_of_the_first_is_refused(tmp_path: Path) -> None:
    site = Site(folder_of(tmp_path), tmp_path / "data")

    async def work(site: Site) -> None:
        write_account(site.path, "bolt", "+18335550100")
        await site.until(lambda: site.written)

    site.watch(work)
    assert accounts(site) == ["acme"]
    (event,) = site.written
    assert isinstance(event, SnapshotRefused)
    assert "+18335550100" in event.first


def test_files_that_are_no_configuration_do_not_reload_anything(tmp_path: Path) -> None:
    site = Site(folder_of(tmp_path), tmp_path / "data")

    async def work(site: Site) -> None:
        (site.path / "accounts" / "notes.txt").write_text("hello")
        (site.path / "accounts" / ".acme.yaml.swp.yaml").write_text("{")
        write_account(site.path, "bolt", "+18335550199")
        await site.until(lambda: site.used)

    site.watch(work)
    assert len(site.written) == 1


# -- the start -------------------------------------------------------------------------------------------------------


def test_a_switch_does_not_start_with_errors_and_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(with_target("first").replace('"injury"', '"other"', 1))
    with pytest.raises(ConfigurationRefused) as caught:
        first_world(path, tmp_path / "data")
    assert "error" in caught.value.message
    assert "trunkline check" in caught.value.hint
    assert caught.value.exit_code == ExitCode.WRONG


def test_a_switch_does_not_start_without_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file or folder"):
        first_world(tmp_path / "missing.yaml", tmp_path / "data")
