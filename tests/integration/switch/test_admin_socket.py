"""The admin socket, real, with a real journal; of the switch only stores, clock and configuration are there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.cli import admin
from trunkline.cli.main import main
from trunkline.config.load import load_sources
from trunkline.config.lookup import AccountIndex
from trunkline.config.reading import Source
from trunkline.events.entry import Event
from trunkline.events.switch import CommandDone
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import open_journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.errors import ExitCode
from trunkline.kernel.leases import CounterId, Demand
from trunkline.switch.commands import executor, server
from trunkline.switch.commands.command import Args, Command, Done
from trunkline.switch.commands.executor import Executor
from trunkline.switch.commands.registry import COMMANDS
from trunkline.switch.commands.server import AdminSocket
from trunkline.switch.commands.wire import LINE_BYTES_MAX
from trunkline.switch.facts import FactBoard
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.integration

NOW = Instant(1, 1_795_363_200_000)
"""2026-11-22 16:00 UTC."""
CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
buyers:
  - key: ace
    funding: {mode: prepaid, limit: "100.00"}
    limits: [{measure: live, max: 3}, {measure: connect, per: day, max: 5}, {measure: spend, per: month, max: "900.00"}]
  - {key: deuce}
"""
CONNECTS = CounterId("acme", "buyer", "ace", "connect", "day", "both")
MIDNIGHT = 1_795_323_600_000
DAY_MS = 86_400_000


class Desk:
    """A switch that only takes commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        loaded = load_sources([Source("account.yaml", CONFIG)], "/")
        assert loaded.snapshot is not None, loaded.problems
        self.journal, self.state = open_journal(folder, "sw1", os.urandom, now_ms=NOW.utc_ms, min_free_mb=1)
        plant: Any = Plant.__new__(Plant)
        plant.journal, plant.clock = self.journal, lambda: NOW
        plant.capacity = MemoryCapacity()
        plant.capacity.restore(self.state, NOW)
        plant.facts = FactBoard()
        plant.world = SimpleNamespace(
            accounts={each.account.key: AccountIndex(each) for each in loaded.snapshot.accounts}
        )
        self.plant = plant
        self.socket = AdminSocket(folder, Executor(plant, folder, COMMANDS), idle_s=5)

    def used(self) -> int:
        """Connects of the buyer today."""
        return self.plant.capacity.used(CONNECTS, MIDNIGHT)  # type: ignore[no-any-return]

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

    asyncio.run(asyncio.wait_for(run(), 30))


async def exchange(folder: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Send lines over one connection; the answers until it is closed, or as many as there were lines."""
    reader, writer = await asyncio.open_unix_connection(str(folder / "admin.sock"), limit=LINE_BYTES_MAX)
    writer.write(b"".join(lines))
    answers = []
    for _ in lines:
        answer = await reader.readline()
        if not answer:
            break
        answers.append(json.loads(answer))
    writer.close()
    return answers


def request(command: str, key: str | None = None, **args: Any) -> bytes:
    named = {} if key is None else {"key": key, "actor": "tester@here"}
    return json.dumps({"command": command, "args": args} | named).encode() + b"\n"


RESET = "counters.reset"
ADJUST = "counters.adjust"
COUNTER = "buyer/ace:connect:day"


def test_a_command_is_done_once_answered_when_durable_and_told_with_who_and_what(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        first, again = await exchange(
            tmp_path, request(ADJUST, "k1", counter=COUNTER, by="3"), request(ADJUST, "k1", counter=COUNTER, by="3")
        )
        assert first == again
        assert first["ok"]
        assert (first["result"]["before"], first["result"]["after"], desk.used()) == (0, 3, 3)
        (done,) = desk.events()
        assert isinstance(done, CommandDone)
        assert (done.actor, done.key, done.command) == ("tester@here", "k1", ADJUST)
        assert done.args == {"counter": COUNTER, "by": "3", "account": None}
        assert (done.result["before"], done.result["after"]) == (0, 3)

    in_loop(tmp_path, work)


def test_a_key_is_known_after_a_restart_and_so_is_the_counter(tmp_path: Path) -> None:
    async def before(_desk: Desk) -> None:
        (answer,) = await exchange(tmp_path, request(RESET, "k1", counter=COUNTER, to="4"))
        assert answer["ok"]

    async def after(desk: Desk) -> None:
        assert desk.used() == 4
        desk.plant.capacity.recount(CONNECTS, MIDNIGHT, MIDNIGHT + DAY_MS, to=1)
        repeated, other = await exchange(
            tmp_path, request(RESET, "k1", counter=COUNTER, to="4"), request(RESET, "k1", counter=COUNTER, to="5")
        )
        assert (repeated["result"]["after"], desk.used()) == (4, 1), "the answer of before, and nothing done"
        assert not other["ok"]
        assert "was used for something else" in other["error"]["message"]
        assert other["error"]["fault"] == "operator"

    in_loop(tmp_path, before)
    in_loop(tmp_path, after)


def test_one_key_from_many_at_once_is_done_once(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        line = request(ADJUST, "same", counter=COUNTER, by="1")
        other = request(ADJUST, "same", counter=COUNTER, by="2")
        answers = await asyncio.gather(*(exchange(tmp_path, line) for _ in range(16)), exchange(tmp_path, other))
        assert all(answer == answers[0] for answer in answers[:16])
        assert not answers[16][0]["ok"]
        assert desk.used() == 1
        assert len(desk.events()) == 1

    in_loop(tmp_path, work)


def test_what_is_refused_says_what_there_is_and_leaves_nothing(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        refused = [
            (request(RESET, "k", counter="buyer/ace:convert:day"), "buyer/ace:connect:day, buyer/ace:spend:month"),
            (request(RESET, "k", counter="buyer/act:live"), "did you mean buyer/ace?"),
            (request(RESET, "k", counter="buyer/ace:live"), "hang up the call"),
            (request(RESET, "k", counter=COUNTER, to="-1"), "0 or more"),
            (request(RESET, "k", counter=COUNTER, to="many"), "a whole number"),
            (request(ADJUST, "k", counter=COUNTER, by="-1"), "sets it to 0"),
            (request(ADJUST, "k", counter="buyer/ace:spend:month", by="1.234"), "an amount of money"),
            (request(RESET, "k", counter=COUNTER, account="other"), "there are: acme"),
            (request(RESET, "k", count=COUNTER), "docs/reference/admin.md"),
            (request("counters.resett", "k"), "counters.adjust, counters.reset"),
            (request(RESET, counter=COUNTER), ""),
            (b"{]\n", "docs/reference/admin.md"),
            (b'{"command": "counters.show", "wrong": 1}\n', "docs/reference/admin.md"),
        ]
        answers = await exchange(tmp_path, *(line for line, _ in refused))
        for answer, (line, hint) in zip(answers, refused, strict=True):
            assert not answer["ok"], line
            assert hint in answer["error"]["hint"], answer
            assert answer["error"]["message"]
        assert desk.events() == []
        (allowed,) = await exchange(tmp_path, request(RESET, "k", counter=COUNTER, to="2"))
        assert allowed["ok"], "a key whose command was refused is free"

    in_loop(tmp_path, work)


def test_held_seats_and_money_are_shown_and_left_alone(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        funds = CounterId("acme", "buyer", "ace", "funds", "", "both")
        demands = (Demand(CONNECTS, 1, 5, MIDNIGHT, MIDNIGHT + DAY_MS), Demand(funds, 2_500, 10_000))
        desk.plant.capacity.reserve("l", "acme", "c", "a", demands, None, NOW)
        reset, shown, money = await exchange(
            tmp_path,
            request(RESET, "k", counter=COUNTER),
            request("counters.show", object="buyer/ace"),
            request(ADJUST, "m", counter="buyer/ace:funds", by="12.50"),
        )
        assert (reset["result"]["used"], reset["result"]["held"]) == (0, 1)
        rows = {row["counter"]: row for row in shown["result"]["counters"]}
        assert set(rows) == {f"buyer/ace:{each}" for each in ("live", "connect:day", "spend:month", "funds")}
        assert rows[COUNTER]["window"] == {"from": "2026-11-22T05:00:00.000Z", "until": "2026-11-23T05:00:00.000Z"}
        assert (rows["buyer/ace:funds"]["held"], rows["buyer/ace:funds"]["max"]) == ("25.00", "100.00")
        assert (money["result"]["before"], money["result"]["after"]) == ("0.00", "12.50")
        desk.plant.capacity.settle("l", "connect", NOW)
        assert desk.used() == 1

    in_loop(tmp_path, work)


def test_what_the_disk_refuses_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        def fails(*_args: Any, **_kwargs: Any) -> asyncio.Future[Any]:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(JournalUnavailable("the disk is full"))
            return future

        with monkeypatch.context() as patched:
            patched.setattr(desk.journal, "append", fails)
            (answer,) = await exchange(tmp_path, request(RESET, "k", counter=COUNTER, to="4"))
        assert answer["error"]["message"] == "the disk is full"
        assert desk.used() == 0
        (answer,) = await exchange(tmp_path, request(RESET, "k", counter=COUNTER, to="3"))
        assert answer["ok"]
        assert desk.used() == 3

    in_loop(tmp_path, work)


def test_nobody_else_may_open_it_and_it_is_gone_when_the_switch_is(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"

    async def work(_desk: Desk) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_ISSOCK(path.stat().st_mode)

    path.write_text("left behind")
    in_loop(tmp_path, work)
    assert not path.exists()


def test_a_folder_too_deep_for_a_socket_address_will_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / ("d" * 90) / ("e" * 90)
    folder.mkdir(parents=True)

    async def work(_desk: Desk) -> None:
        done = await asyncio.to_thread(main, ["counters", "show", "--data", str(folder), "--all", "--json"])
        assert done == ExitCode.DONE

    in_loop(folder, work)
    assert len(json.loads(capsys.readouterr().out)["counters"]) == 4


def test_lines_and_connections_have_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 2)
    path = str(tmp_path / "admin.sock")

    async def work(_desk: Desk) -> None:
        (answer,) = await exchange(tmp_path, b"x" * (LINE_BYTES_MAX + 1))
        assert f"at most {LINE_BYTES_MAX} bytes" in answer["error"]["message"]
        held = [await asyncio.open_unix_connection(path) for _ in range(2)]
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_unix_connection(path)
        assert "connected already" in json.loads(await reader.readline())["error"]["message"]
        assert await reader.read() == b"", "closed"
        for _, each in (*held, (reader, writer)):
            each.close()

    in_loop(tmp_path, work)


def test_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.socket._idle_s = 0.05
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "admin.sock"))
        assert await reader.read() == b""
        writer.close()

    in_loop(tmp_path, work)


def test_the_commands_say_what_was_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def counters(*words: str) -> str:
        assert main(["counters", *words, "--data", str(tmp_path)]) == ExitCode.DONE
        return capsys.readouterr().out

    async def work(_desk: Desk) -> None:
        run = asyncio.to_thread
        assert "nothing is taken" in await run(counters, "show")
        assert await run(counters, "reset", COUNTER, "--to", "4") == f"{COUNTER}: used 0 -> 4\n"
        assert await run(counters, "adjust", COUNTER, "--by=-1", "--key", "k") == f"{COUNTER}: used 4 -> 3\n"
        assert await run(counters, "adjust", COUNTER, "--by=-1", "--key", "k") == f"{COUNTER}: used 4 -> 3\n"
        assert COUNTER in await run(counters, "show", "buyer/ace")
        assert await run(main, ["counters", "reset", "buyer/nobody:live", "--data", str(tmp_path)]) == ExitCode.WRONG
        assert "has no limits" in capsys.readouterr().err

    in_loop(tmp_path, work)


def test_without_a_switch_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["counters", "show", "--data", str(folder)]) == ExitCode.ENVIRONMENT
        assert "no switch is running" in capsys.readouterr().err


def test_a_switch_that_goes_before_it_answers_may_have_done_it(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        async def mute(_line: bytes) -> bytes:
            raise ConnectionResetError

        desk.socket._executor.answer = mute  # type: ignore[method-assign]
        with pytest.raises(admin.AnswerMissing) as caught:
            await asyncio.to_thread(admin.tell, tmp_path, RESET, {"counter": COUNTER}, "k7")
        assert "--key k7" in caught.value.hint

    in_loop(tmp_path, work)


def test_who_does_not_read_answers_is_let_go(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.socket._idle_s = 0.2
        before = len(os.listdir("/proc/self/fd"))
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, str(tmp_path / "admin.sock"))
            sending = asyncio.ensure_future(
                asyncio.get_running_loop().sock_sendall(client, request("counters.show", all=True) * 40_000)
            )
            async with asyncio.timeout(10):
                while not desk.socket._connections:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                while len(os.listdir("/proc/self/fd")) > before + 1:  # noqa: ASYNC110 - the socket tells nobody
                    await asyncio.sleep(0.02)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    in_loop(tmp_path, work)


def test_a_number_of_thousands_of_digits_is_no_count(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        (answer,) = await exchange(tmp_path, request(ADJUST, "k1", counter=COUNTER, by="9" * 5_000))
        assert answer["error"]["message"].endswith("is no count")

    in_loop(tmp_path, work)


def test_a_stop_does_not_wait_for_ever_and_takes_no_more_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "FINISH_S", 0.1)

    async def work(desk: Desk) -> None:
        begun = asyncio.Event()

        async def never(_plant: Plant, _args: Args, _now: Instant) -> Done:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

        desk.socket._executor = Executor(desk.plant, tmp_path, {"never": Command("never", Args, never)})
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "admin.sock"))
        writer.write(request("never", "k1"))
        await begun.wait()
        writer.write(request("never", "k2"))
        await desk.socket.close()
        assert await reader.read() == b""
        writer.close()

    in_loop(tmp_path, work)
