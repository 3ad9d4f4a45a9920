"""Processes that work beside the switch."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from trunkline.switch import beside
from trunkline.switch.beside import NICENESS, start_beside

pytestmark = pytest.mark.unit

MODULE = """
import os, sys, time
if sys.argv[1] == "tell":
    idle = os.sched_getscheduler(0) == os.SCHED_IDLE
    sys.stdout.write(f"{os.getpriority(os.PRIO_PROCESS, 0)} {idle} {' '.join(sys.argv[2:])}")
    sys.stderr.write("something is wrong")
    sys.exit(3)
sys.stdout.write("ready\\n")
sys.stdout.flush()
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_helper.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))


def test_what_it_says_and_how_it_ends() -> None:
    async def asked() -> None:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        helper = await start_beside("some_helper", "tell", "a file", tells_errors=True)
        assert helper.errors is not None
        said, errors = await asyncio.gather(helper.output.read(), helper.errors.read())
        assert said.decode() == f"{max(before, NICENESS)} {beside._may_raise()} a file"
        assert errors == b"something is wrong"
        assert await helper.end() == 3
        await helper.stop()
        assert os.getpriority(os.PRIO_PROCESS, 0) == before

    asyncio.run(asked())


def test_one_that_does_not_end_is_stopped() -> None:
    async def asked() -> None:
        helper = await start_beside("some_helper", "wait")
        assert await helper.output.readline() == b"ready\n"
        await helper.stop()
        assert await helper.end() == -signal.SIGKILL
        assert all(pipe.is_closing() for pipe in helper._pipes)

    asyncio.run(asked())


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def asked() -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        with pytest.raises(OSError, match="No such file"):
            await start_beside("some_helper", "tell")

    asyncio.run(asked())


def test_one_that_waited_long_gets_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    if not beside._may_raise():
        monkeypatch.setattr(beside, "_take_a_share", lambda process: None)
    monkeypatch.setattr(beside, "IDLE_S", 0.0)

    async def asked() -> None:
        helper = await start_beside("some_helper", "wait")
        assert await helper.output.readline() == b"ready\n"
        assert os.sched_getscheduler(helper._process.pid) == os.SCHED_OTHER
        await helper.stop()

    asyncio.run(asked())
