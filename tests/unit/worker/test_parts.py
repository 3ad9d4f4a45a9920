"""Work in threads, and the parts of a worker beside each other."""

from __future__ import annotations

import asyncio
import os
import signal
from threading import Event

import pytest

from trunkline.worker.part import GoOn, in_thread, long_in_thread
from trunkline.worker.service import run_worker

pytestmark = pytest.mark.unit


def test_who_is_cancelled_waits_for_the_thread() -> None:
    begun, finish, done = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        finish.wait(5)
        done.set()
        raise ValueError("nobody hears of it")

    async def run() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        finish.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done.is_set()

    asyncio.run(run())


def test_long_work_is_told_to_stop() -> None:
    begun, seen = Event(), []

    def work(go_on: GoOn) -> str:
        begun.set()
        while go_on():
            pass
        seen.append("stopped")
        return "left"

    async def run() -> None:
        task = asyncio.create_task(long_in_thread(work))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await long_in_thread(lambda go_on: go_on()) is True

    asyncio.run(run())
    assert seen == ["stopped"]


class Waiting:
    """A part that waits, and says that it was cancelled."""

    name = "waiting"

    def __init__(self) -> None:
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


class Failing:
    """A part that cannot go on."""

    name = "failing"

    async def run(self) -> None:
        raise ValueError("broken")


async def never() -> str:
    await asyncio.Event().wait()
    return "ready"


def test_a_signal_ends_all_parts_also_before_they_are_ready(capsys: pytest.CaptureFixture[str]) -> None:
    async def run() -> None:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGTERM)
        await run_worker([part], never())

    part = Waiting()
    asyncio.run(run())
    assert part.ended
    assert capsys.readouterr().out == ""


def test_a_part_that_fails_ends_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    async def told() -> str:
        return "ready x=1"

    async def run() -> None:
        await run_worker([part, Failing()], told())

    part = Waiting()
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(run())
    assert part.ended
