"""The lines of callers who are held: whose turn it is, and that nobody's trouble is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.switch import queues
from trunkline.switch.queues import Queues
from trunkline.switch.searching import Searching

pytestmark = pytest.mark.unit


class Caller:
    """One who waits; `serve` says what happens at its turn."""

    def __init__(self, name: str, tried: list[str], serve: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self._tried = tried
        self._serve = serve

    def try_again(self) -> None:
        """Its turn."""
        self._tried.append(self.name)
        self._serve()


def waiting(lines: Queues, line: str, *callers: Any) -> None:
    for caller in callers:
        lines.join(caller, ("acme", line), lines.ticket())


async def turns(until: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not until():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


def test_who_came_first_is_tried_first_in_whichever_line() -> None:
    async def run() -> None:
        tried: list[str] = []
        lines = Queues(asyncio.get_running_loop())
        for name in ("a1", "b1", "a2", "b2"):
            waiting(lines, name[0], Caller(name, tried))
        lines.freed()
        lines.freed()
        await turns(lambda: len(tried) >= 4)
        await asyncio.sleep(0)
        assert tried == ["a1", "b1", "a2", "b2"]

    asyncio.run(run())


def test_long_rounds_let_others_have_the_loop_and_miss_no_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "SLICE_S", 0.0)  # each search is a slice

    async def run() -> None:
        tried: list[str] = []
        lines = Queues(asyncio.get_running_loop())

        def frees() -> None:
            if tried.count("b") == 1:
                lines.freed()  # what the second gave back comes in the middle of the round

        waiting(lines, "l", Caller("a", tried), Caller("b", tried, frees), Caller("c", tried))
        lines.freed()
        await turns(lambda: len(tried) >= 6)
        assert tried == ["a", "b", "c"] * 2

    asyncio.run(run())


class Waits(Searching):
    """A live call as far as it waits."""

    def __init__(self, lines: Queues) -> None:
        self.told: list[i.Input | None] = []
        errors = SimpleNamespace(inc=lambda: None)
        self.plant: Any = SimpleNamespace(queues=lines, clock=lambda: None, metrics=SimpleNamespace(call_errors=errors))
        self.machine: Any = SimpleNamespace(context=SimpleNamespace(account="acme", call="call", campaign="camp"))
        self._router: Any = SimpleNamespace(no_buyer=lambda plan: plan)
        self._cursor = None
        self._inbox: Any = []
        self._waits_for = None

    def tell(self, event: i.Input | None) -> None:
        self.told.append(event)


def test_a_search_that_fails_ends_its_own_call_and_nobody_elses(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        lines, tried = Queues(asyncio.get_running_loop()), list[str]()
        call = Waits(lines)  # what it waits for is not known: an error of ours
        waiting(lines, "l", call, Caller("behind", tried))
        lines.freed()
        await turns(lambda: bool(tried))
        assert call.told == [i.HangUp("internal_error", fault=True)]
        assert len(lines) == 1

    asyncio.run(run())
    assert "no room can be looked for" in caplog.text


def test_who_has_waited_too_long_need_not_have_been_looked_for() -> None:
    async def run() -> None:
        lines = Queues(asyncio.get_running_loop())
        call = Waits(lines)
        waiting(lines, "main", call)
        call._waits_for = c.Enqueue("main", 10, fresh=True, hop=0, again=False)
        call._dequeue(c.Dequeue("waited_too_long"), None)  # type: ignore[arg-type]
        assert call._inbox == [i.Exhausted("waited_too_long", "main")]  # type: ignore[arg-type]
        assert len(lines) == 0

    asyncio.run(run())


def test_timers_that_come_due_as_a_search_ends_change_nothing() -> None:
    """The machine fires them before it takes the news of the search, when the call has left the line already."""

    async def run() -> None:
        lines = Queues(asyncio.get_running_loop())
        call = Waits(lines)
        waiting(lines, "main", call)
        call._waits_for = c.Enqueue("main", 10, fresh=True, hop=0, again=False)
        assert lines.leave(call)
        call._tell_place(c.TellPlace(), None)  # type: ignore[arg-type]
        call._dequeue(c.Dequeue("waited_too_long"), None)  # type: ignore[arg-type]
        assert not call._inbox

    asyncio.run(run())
