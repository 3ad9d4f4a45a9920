"""One process of ours: started, listened to, ended. It cannot outlive us."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Final

import msgspec

import trunkline
from trunkline.cli.supervision.words import LINE_MAX

_SOURCE: Final = str(Path(trunkline.__file__).resolve().parents[1])
_PR_SET_PDEATHSIG: Final = 1
_PIECE: Final = 65_536
LAST_WORDS_S: Final = 2.0
"""How long the pipes of a process that has ended are read: what it started itself may hold them open."""


class Spec(msgspec.Struct, frozen=True):
    """What to run: `arguments` of `trunkline`. It gets `stop_s` seconds to end after SIGTERM, and `hup` says whether
    it wants to hear of SIGHUP. `nice` is by how much it stands back behind others, `needed` what all ends with when it
    cannot start.
    """

    name: str
    arguments: tuple[str, ...]
    stop_s: float
    hup: bool = False
    nice: int = 0
    needed: bool = True


Say = Callable[[str, str], None]
"""Told each line that a process writes: its name, and the line."""


class Child:
    """A running process. `ready` has its ready line, or None when it ended without one; `ended` its exit code."""

    def __init__(self, spec: Spec, process: subprocess.Popen[bytes], say: Say) -> None:
        self.spec = spec
        self.ready: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.ready_at_s: float | None = None
        self._process = process
        self._say = say
        self.ended = asyncio.create_task(self._live(), name=spec.name)

    @classmethod
    def start(cls, spec: Spec, say: Say) -> Child:
        """Start it. Its end is waited for in a thread, whoever still holds the other ends of its pipes."""
        parent = os.getpid()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "trunkline", *spec.arguments],  # modules that lie in this folder are not ours
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (_SOURCE, os.environ.get("PYTHONPATH"))))},
            # Ctrl-C reaches every process of the terminal's group; each is to hear of it from us, in order.
            start_new_session=True,
            preexec_fn=lambda: _begin(parent, spec.nice),
        )
        return cls(spec, process, say)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ready_for_s(self) -> float | None:
        """How long it has been ready, None when it is not."""
        return None if self.ready_at_s is None else time.monotonic() - self.ready_at_s

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal if it still runs."""
        if not self.ended.done():
            self._process.send_signal(number)

    async def stop(self, hurry: asyncio.Event) -> bool:
        """Tell it to end and wait; once more when `hurry` is set. False when it had to be killed."""
        self.signal(signal.SIGTERM)
        hurrying = asyncio.create_task(hurry.wait())
        deadline = time.monotonic() + self.spec.stop_s
        try:
            await asyncio.wait({self.ended, hurrying}, timeout=self.spec.stop_s, return_when=asyncio.FIRST_COMPLETED)
            if not self.ended.done() and hurrying.done():
                self.signal(signal.SIGTERM)
                await asyncio.wait({self.ended}, timeout=max(0.0, deadline - time.monotonic()))
        finally:
            hurrying.cancel()
        in_time = self.ended.done()
        if not in_time:
            self.signal(signal.SIGKILL)
        await self.ended
        return in_time

    async def _live(self) -> int:
        """Pass on what it says until it has ended; its exit code."""
        pipes = (self._process.stdout, self._process.stderr)
        listening = [asyncio.create_task(self._listen(pipe, out=not number)) for number, pipe in enumerate(pipes)]
        code = await asyncio.to_thread(self._process.wait)
        await asyncio.wait(listening, timeout=LAST_WORDS_S)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        if not self.ready.done():
            self.ready.set_result(None)
        return code

    async def _listen(self, pipe: IO[bytes] | None, *, out: bool) -> None:
        assert pipe is not None
        stream = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stream)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        try:
            async for line in lines(stream):
                self._say(self.spec.name, line)
                if out and not self.ready.done() and line.split(" ", 1)[0] == "ready":
                    self.ready_at_s = time.monotonic()
                    self.ready.set_result(line)
        finally:
            transport.close()


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream that are not empty. Of a line that never ends only the beginning is kept."""
    left = b""
    while piece := await stream.read(_PIECE):
        *whole, left = (left + piece).split(b"\n")
        left = left[:LINE_MAX]
        for line in whole:
            if line.strip():
                yield line.decode(errors="replace").rstrip("\r")
    if left.strip():
        yield left.decode(errors="replace")


def _begin(parent: int, nice: int) -> None:
    """In the child: stand back, and get SIGTERM when the parent dies, even when it is killed."""
    os.nice(nice)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
