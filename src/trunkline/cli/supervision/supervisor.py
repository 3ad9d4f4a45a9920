"""Several processes as one: started in order, each when the one before is ready; kept running; ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from trunkline.cli.supervision.child import Child, Spec
from trunkline.cli.supervision.policy import GiveUp, Restarts
from trunkline.cli.supervision.words import Log, Reading, Word
from trunkline.kernel.clock import iso
from trunkline.kernel.errors import ExitCode

NAME: Final = "up"
"""Under which the supervisor itself speaks."""


class Supervisor:
    """Runs `specs` until it is told to stop or one of them is given up."""

    def __init__(self, specs: Sequence[Spec], log: Log, draw: Callable[[], float]) -> None:
        self._specs = specs
        self._log = log
        self._draw = draw
        self._readings = {spec.name: Reading(spec.name) for spec in specs}
        self._children: dict[str, Child] = {}
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._signals = 0

    async def run(self) -> int:
        """All of its life; the exit code: 0 after a stop, else that of the process that was given up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._told_to_reload)
        stopping = loop.create_task(self._stop.wait())
        keeping: list[asyncio.Task[int]] = []
        told: list[str] = []
        try:
            for spec in self._specs:
                ready: asyncio.Future[str] = loop.create_future()
                keeping.append(loop.create_task(self._keep(spec, ready)))
                await _first(stopping, ready, *keeping)
                if not ready.done():
                    break
                told.append(ready.result())
            else:
                print(together(told), flush=True)
                self._say("info", "everything is ready")
                await _first(stopping, *keeping)
        finally:
            self._stop.set()  # from here on nothing is started again
            await self._end_all()
            stopping.cancel()
            results = await asyncio.gather(*keeping, return_exceptions=True)
        codes = [result for result in results if isinstance(result, int)]
        for result in results:
            if isinstance(result, Exception):
                raise result
        self._say("info", "stopped")
        return next((code for code in codes if code), ExitCode.DONE)

    async def _keep(self, spec: Spec, ready: asyncio.Future[str]) -> int:
        """Run it again and again. Ends with 0 when everything stops, else with the exit code to give up with."""
        restarts = Restarts(needed=spec.needed)
        while not self._stop.is_set():
            code, ready_s = await self._run_once(spec, ready)
            if self._stop.is_set():
                break
            verdict = restarts.ended(code, ready_s, self._draw())
            if isinstance(verdict, GiveUp):
                self._say("error", f"{spec.name} {_how(code)} before it was ready; its own words are above")
                return verdict.exit_code
            self._say("error", f"{spec.name} {_how(code)}; starting it again in {verdict.after_s:.1f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(verdict.after_s):
                    await self._stop.wait()
        return ExitCode.DONE

    async def _run_once(self, spec: Spec, ready: asyncio.Future[str]) -> tuple[int, float | None]:
        """Run it to its end; its exit code, and how long it was ready, None when it never was."""
        try:
            child = self._children[spec.name] = Child.start(spec, self._heard)
        except OSError as error:
            self._say("error", f"{spec.name} cannot be started: {error}")
            return ExitCode.ENVIRONMENT, None
        self._say("info", f"{spec.name} is starting (process {child.pid})")
        line = await child.ready
        if line is not None and not ready.done():
            ready.set_result(line)
        return await child.ended, child.ready_for_s()

    async def _end_all(self) -> None:
        """One after the other: what a process still writes while it drains, those after it take in."""
        for spec in self._specs:
            child = self._children.get(spec.name)
            if child is None or child.ended.done():
                continue
            self._say("info", f"stopping {spec.name}")
            if not await child.stop(self._hurry):
                self._say("error", f"{spec.name} did not end within {spec.stop_s:.0f} s and was killed")

    def _told_to_stop(self) -> None:
        self._signals += 1
        if self._signals == 2:
            self._say("warning", "told to stop a second time: calls that go on are ended")
            self._hurry.set()
        elif self._signals > 2:
            self._say("warning", "told to stop a third time: what still runs is killed")
            for child in self._children.values():
                child.signal(signal.SIGKILL)
        self._stop.set()

    def _told_to_reload(self) -> None:
        for spec in self._specs:
            child = self._children.get(spec.name)
            if spec.hup and child is not None:
                child.signal(signal.SIGHUP)

    def _heard(self, process: str, line: str) -> None:
        self._log.write(self._readings[process].read(line, _utc_ms()))

    def _say(self, level: str, message: str) -> None:
        self._log.write(Word(iso(_utc_ms()), NAME, level, "", message))


async def _first(*awaited: asyncio.Future[Any]) -> None:
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)


def together(lines: Sequence[str]) -> str:
    """The ready lines of several processes as one, with what each has told of itself."""
    return " ".join(["ready", *(word for line in lines for word in line.split()[1:])])


def _how(code: int) -> str:
    """What its exit code says of a process."""
    if code >= 0:
        return f"has ended with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000
