"""Imports of the numbering plan by commands over the real admin socket, with a real journal and files."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.cli import admin
from trunkline.cli.main import main
from trunkline.engine.geo.overlay import NO_OVERLAY
from trunkline.engine.routing.attributes import Origin, derive
from trunkline.events.entry import Event
from trunkline.events.switch import CommandDone
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import open_journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.errors import ExitCode
from trunkline.switch.commands.executor import Executor
from trunkline.switch.commands.registry import COMMANDS
from trunkline.switch.commands.server import AdminSocket
from trunkline.switch.geo import UNKNOWN_SHOWN, Geo
from trunkline.switch.geo_store import KEPT_MAX, GeoStore, ImportUnreadable
from trunkline.switch.metrics import Metrics
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.integration

NOW = Instant(1, 1_795_363_200_000)
CODES = "State\tNPA-NXX\tRateCenter\tUse\nTX\t512-237\tSMITHVILLE\tAS\nTX\t512-238\tNOWHEREVLE\tAS\nTX\t512-239\t\tUA\n"
REPORT = "NPA_ID,LOCATION,COUNTRY,OVERLAY_COMPLEX\n222,TX,US,512/737/222\n512,TX,US,512/737/222\n"


class Desk:
    """A switch that only takes commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal, state = open_journal(folder, "sw1", os.urandom, now_ms=NOW.utc_ms, min_free_mb=1)
        plant: Any = Plant.__new__(Plant)
        plant.journal, plant.clock, plant.metrics = self.journal, lambda: NOW, Metrics()
        plant.capacity = MemoryCapacity()
        plant.capacity.restore(state, NOW)
        self.geo = plant.geo = Geo(folder, plant.metrics)
        self.geo.load()
        self.metrics: Metrics = plant.metrics
        self.socket = AdminSocket(folder, Executor(plant, folder, COMMANDS), idle_s=20)

    def city(self) -> str | None:
        """Where a caller from 512-237 is."""
        origin = Origin(zone="UTC", caller="+15122370100", publisher="p", overlay=self.geo.overlay)
        return derive(origin, {}, 0)["geo.city"].value or None

    def events(self) -> list[Event]:
        """All that was written."""
        with JournalReader(self.folder) as reader:
            return [record.event for record in reader.tail(None)]


def in_loop(folder: Path, work: Callable[[Desk], Awaitable[None]]) -> None:
    async def run() -> None:
        desk = Desk(folder)
        await desk.socket.open()
        try:
            await work(desk)
        finally:
            await desk.socket.close()
            await desk.journal.close()

    asyncio.run(asyncio.wait_for(run(), 60))


async def tell(folder: Path, command: str, key: str | None = None, **args: Any) -> Any:
    return await asyncio.to_thread(admin.tell, folder, command, args, key)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "codes.txt").write_text(CODES)
    (folder / "report.csv").write_text(REPORT)
    (folder / "nothing.csv").write_text("name,colour\nann,red\n")
    return folder


def test_an_import_is_in_force_journaled_and_there_after_a_restart(tmp_path: Path, tables: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()

    async def work(desk: Desk) -> None:
        assert desk.city() is None
        first = await tell(data, "geo.import", "k1", file=str(tables / "codes.txt"))
        assert (first["kind"], first["rows"], first["skipped"], first["wrong"]) == ("exchanges", 2, 1, 0)
        assert desk.city() == "Smithville, TX"
        assert await tell(data, "geo.import", "k1", file=str(tables / "codes.txt")) == first, "done once"
        second = await tell(data, "geo.import", "k2", file=str(tables / "report.csv"))
        assert (second["kind"], second["before"]) == ("area_codes", first["version"])
        assert desk.city() == "Smithville, TX", "the other kind stays"
        assert desk.geo.overlay.area_code("222") is not None
        done = [event for event in desk.events() if isinstance(event, CommandDone)]
        assert [(event.command, event.result["version"]) for event in done] == [
            ("geo.import", first["version"]),
            ("geo.import", second["version"]),
        ]
        assert done[0].result["sha256"] == first["sha256"]

    in_loop(data, work)

    async def after(desk: Desk) -> None:
        assert desk.city() == "Smithville, TX"
        shown = await asyncio.to_thread(admin.ask, data, "geo.show", {})
        assert shown["imports"]["exchanges"]["name"] == "codes.txt"
        assert shown["version"] == desk.geo.overlay.version != ""
        dropped = await tell(data, "geo.drop", kind="exchanges")
        assert dropped["dropped"] == ["exchanges"]
        assert desk.city() is None
        assert desk.geo.overlay.area_code("222") is not None
        assert (await tell(data, "geo.drop"))["dropped"] == ["area_codes"]
        assert desk.geo.overlay.version == ""

    in_loop(data, after)
    assert GeoStore(data).load() is NO_OVERLAY


def test_what_cannot_be_taken_is_refused_and_changes_nothing(tmp_path: Path, tables: Path) -> None:
    async def work(desk: Desk) -> None:
        for file, why in (
            ("codes.txt", "no absolute path"),
            (str(tables / "nothing.csv"), "names a column"),
            (str(tables / "missing.csv"), "cannot be read"),
            (str(tables), "cannot be read"),
        ):
            with pytest.raises(admin.Refused, match=why):
                await tell(tmp_path, "geo.import", file=file)
        with pytest.raises(admin.Refused, match="no kind"):
            await tell(tmp_path, "geo.drop", kind="planets")
        assert desk.events() == []
        assert desk.geo.overlay is NO_OVERLAY

    in_loop(tmp_path, work)


def test_when_the_journal_takes_nothing_the_import_before_stays(tmp_path: Path, tables: Path) -> None:
    async def work(desk: Desk) -> None:
        first = await tell(tmp_path, "geo.import", file=str(tables / "codes.txt"))
        append = desk.journal.append

        def refuse(*_args: Any, **_named: Any) -> asyncio.Future[Any]:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(JournalUnavailable("the disk is full"))
            return future

        desk.journal.append = refuse  # type: ignore[method-assign]
        with pytest.raises(admin.Refused, match="the disk is full"):
            await tell(tmp_path, "geo.import", file=str(tables / "report.csv"))
        desk.journal.append = append  # type: ignore[method-assign]
        assert desk.geo.overlay.version == first["version"]
        assert GeoStore(tmp_path).current() == first["version"]

    in_loop(tmp_path, work)


def test_a_damaged_import_is_told_and_calls_are_taken_without_it(tmp_path: Path, tables: Path) -> None:
    async def work(desk: Desk) -> None:
        await tell(tmp_path, "geo.import", file=str(tables / "codes.txt"))

    in_loop(tmp_path, work)
    version = GeoStore(tmp_path).current()
    path = tmp_path / "geo" / f"{version}.bin"
    path.write_bytes(path.read_bytes()[:-5])

    async def after(desk: Desk) -> None:
        assert desk.geo.overlay is NO_OVERLAY
        assert version in (await asyncio.to_thread(admin.ask, tmp_path, "geo.show", {}))["problem"]

    in_loop(tmp_path, after)
    for content in (b"\xff\xfe", b"../../etc/passwd\n"):
        (tmp_path / "geo" / "current").write_bytes(content)
        with pytest.raises(ImportUnreadable):
            GeoStore(tmp_path).load()


def test_old_versions_are_kept_but_not_for_ever(tmp_path: Path) -> None:
    store = GeoStore(tmp_path)
    for number in range(KEPT_MAX + 5):
        version = f"{number:016x}"
        store.keep(NO_OVERLAY.contents, version)
        os.utime(tmp_path / "geo" / f"{version}.bin", ns=(number, number))
    store.tidy("0" * 16)
    left = {path.stem for path in (tmp_path / "geo").glob("*.bin")}
    assert len(left) == KEPT_MAX
    assert {"0" * 16, f"{KEPT_MAX + 4:016x}"} <= left


def test_unknown_area_codes_are_counted_and_the_last_ones_named(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        def call(number: str) -> None:
            desk.geo.notice(derive(Origin(zone="UTC", caller=number, publisher="p"), {}, 0))

        for number in ("+15125550100", "+18335550100", "+442071838750", "+12225550100", "+12225550101"):
            call(number)
        assert list(desk.geo.unknown.items()) == [("222", 2)]
        for code in [f"{number}" for number in range(290, 300)] * 8:
            call(f"+1{code}5550100")
        shown = await asyncio.to_thread(admin.ask, tmp_path, "geo.show", {})
        assert shown["unknown_area_codes"][0] == {"code": "299", "calls": 8}
        assert len(shown["unknown_area_codes"]) <= UNKNOWN_SHOWN
        counted = desk.metrics.registry.get_sample_value("trunkline_unknown_area_codes_total")
        assert counted == 2 + 80

    in_loop(tmp_path, work)


def test_the_command_line(tmp_path: Path, tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def run(code: ExitCode, *words: str) -> str:
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["geo", *words]) == code
        return capsys.readouterr().out

    async def work(desk: Desk) -> None:
        data = ("--data", str(tmp_path))
        codes = str(tables / "codes.txt")
        assert "nothing was changed" in await run(ExitCode.DONE, "import", codes, "--dry-run")
        assert "names a column" in await run(ExitCode.WRONG, "import", str(tables / "nothing.csv"), "--dry-run")
        assert desk.events() == []
        assert "2 exchanges taken" in await run(ExitCode.DONE, "import", codes, *data)
        shown = json.loads(await run(ExitCode.DONE, "show", "512-237", *data, "--json"))
        assert shown["imported"]["city"] == "Smithville, TX"
        shown = json.loads(await run(ExitCode.DONE, "show", "+15122370100", "--geo", codes, "--json"))
        assert shown["imported"]["counties"] == [["Bastrop, TX", 1.0]]
        assert "codes.txt" in await run(ExitCode.DONE, "show", *data)
        assert "dropped: exchanges" in await run(ExitCode.DONE, "drop", *data)

    in_loop(tmp_path, work)


def test_show_needs_no_switch(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for place, known in (("512", True), ("222", False), ("78701", True), ("00000", False), ("+442071838750", True)):
        assert main(["geo", "show", place, "--json"]) == (ExitCode.DONE if known else ExitCode.WRONG)
        assert json.loads(capsys.readouterr().out)["known"] is known
    assert main(["geo", "show", "512"]) == ExitCode.DONE
    assert "Travis, TX 57" in capsys.readouterr().out
    assert main(["geo", "show"]) == ExitCode.DONE
    assert "2026-05-11" in capsys.readouterr().out
    assert main(["geo", "show", "nowhere"]) == ExitCode.USAGE
    assert main(["geo", "import", "x.csv"]) == ExitCode.USAGE
    assert main(["geo", "show", "512", "--geo", str(tmp_path / "missing")]) == ExitCode.USAGE
