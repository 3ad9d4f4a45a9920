"""The demo's switch: `trunkline switch` as a child process that cannot outlive us."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final, Self

import trunkline
from trunkline.kernel.errors import EnvironmentFault
from trunkline.testing.ports import free_block

HOST: Final = "127.0.0.1"
LEGS: Final = 120
"""How many legs have a port for audio: the play needs half of it."""
START_S_MAX: Final = 30.0
STOP_S_MAX: Final = 10.0
DRAIN_S: Final = 2
STARTS_MAX: Final = 3
"""How often other audio ports are tried when somebody took ours between finding and binding them."""
LOG_LINES_SHOWN: Final = 6

SOURCE: Final = str(Path(trunkline.__file__).resolve().parents[1])

_PR_SET_PDEATHSIG: Final = 1


class SwitchNotStarted(EnvironmentFault):
    """The demo's switch did not start, or has ended by itself; its own words are in the message."""


class SwitchChild:
    """A running switch. `sip` is its address as HOST:PORT; `ended` resolves to its exit code."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, str], log: Path) -> None:
        self.sip = ready["sip"]
        self.http = ready["http"]
        self._process = process
        self._log = log
        self.ended: asyncio.Task[int] = asyncio.create_task(process.wait())

    @classmethod
    async def start(cls, config: Path, data: Path, sip: str) -> Self:
        """Start a switch on `sip` and wait until it takes calls. Raises SwitchNotStarted."""
        log = data / "switch.log"
        for left in reversed(range(STARTS_MAX)):
            process = await _spawn(config, data, sip, log)
            ready = await _ready(process)
            if ready is not None:
                return cls(process, ready, log)
            if not left or "media port" not in _tail(log):
                break
        raise SwitchNotStarted(f"the switch did not start: {_tail(log)}", hint=f"its log is {log}")

    def lost(self) -> SwitchNotStarted:
        """The error for a switch that has ended by itself."""
        return SwitchNotStarted(f"the switch has ended by itself: {_tail(self._log)}", hint=f"its log is {self._log}")

    async def stop(self) -> None:
        """End it in order; by force when it does not."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self._process.kill()
            await self.ended


async def _spawn(config: Path, data: Path, sip: str, log: Path) -> asyncio.subprocess.Process:
    first = free_block(2 * LEGS)
    parent = os.getpid()
    flags = ["--config", str(config), "--data", str(data), "--sip", sip, "--http", f"{HOST}:0"]
    flags += ["--rtp", f"{HOST}:{first}-{first + 2 * LEGS - 1}", "--drain-seconds", str(DRAIN_S), "--min-free-mb", "64"]
    with log.open("wb") as words:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "trunkline",
            "switch",
            *flags,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=words,
            env={**os.environ, "PYTHONPATH": SOURCE},
            # Ctrl-C reaches every process of the terminal's group; the switch is to hear of it from us, in order.
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
        )


def _die_with(parent: int) -> None:
    """In the child: get SIGTERM when the parent dies, even when it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


async def _ready(process: asyncio.subprocess.Process) -> dict[str, str] | None:
    """The addresses of the `ready` line, None when the process ends or takes too long."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S_MAX):
            line = (await process.stdout.readline()).decode()
            if line.startswith("ready "):
                return dict(part.split("=", 1) for part in line.split()[1:])
            await process.wait()
    except BaseException as error:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if not isinstance(error, TimeoutError):
            raise
    return None


def _tail(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "hint:"))]
    return "; ".join(errors or lines[-LOG_LINES_SHOWN:]) or "it said nothing"
