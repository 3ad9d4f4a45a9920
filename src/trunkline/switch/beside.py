"""A process that does long work beside the switch, and what it says.

The event loop's own way to start one copies the switch's page tables and then page after page that calls write to: with
10,000 routes every call that is going on waits for a tenth of a second. `subprocess` borrows the memory instead until
the program runs, which takes less than a millisecond however large the switch is. A helper gives way to everybody from
its first moment: only to find its modules it would take half of the calls' core for a second. It runs where a core is
idle, for only then a call's next step pushes it aside at once. Where none ever is, it gets a share after a while.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import trunkline

_SOURCE: Final = str(Path(trunkline.__file__).resolve().parents[1])
"""Where the helper finds this very package, however this process found it."""
NICENESS: Final = 15
IDLE_S: Final = 30.0
"""How long a helper waits for idle cores before it takes a share that `NICENESS` gives."""
_SYS_NICE: Final = 23
"""The capability to raise priorities (Linux, capabilities(7))."""


class Beside:
    """A Python module of ours at work. `output` is what it writes to standard output, `errors` to standard error."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Nothing is read yet: `listen` begins."""
        self._process = process
        self._pipes: list[asyncio.BaseTransport] = []
        self.output: asyncio.StreamReader
        self.errors: asyncio.StreamReader | None = None

    async def listen(self) -> None:
        """Begin to read what it writes."""
        assert self._process.stdout is not None
        self.output = await self._reader(self._process.stdout)
        if self._process.stderr is not None:
            self.errors = await self._reader(self._process.stderr)

    async def end(self) -> int:
        """Wait for its end; gives its exit code, the negative signal's number when one ended it."""
        return await asyncio.to_thread(self._process.wait)

    async def stop(self) -> None:
        """End it if it has not ended by itself, and read no more."""
        self._process.kill()
        for pipe in self._pipes:  # one that is full would never see the end
            pipe.close()
        await self.end()

    async def _reader(self, pipe: IO[bytes]) -> asyncio.StreamReader:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        self._pipes.append(transport)
        return reader


async def start_beside(module: str, *arguments: str, tells_errors: bool = False) -> Beside:
    """Run `module` with `arguments`. Its errors go where ours go, unless it `tells_errors`.

    Raises OSError when no process can be started.
    """
    search = os.pathsep.join(filter(None, (_SOURCE, os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(  # noqa: ASYNC220 - shorter than what waits for the loop otherwise
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if tells_errors else None,
        env={**os.environ, "PYTHONPATH": search},
    )
    beside = Beside(process)
    try:
        _give_way(process)
        await beside.listen()
    except BaseException:
        await beside.stop()
        raise
    return beside


def _give_way(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):  # it may have ended already, or the machine forbids it: it works all the same
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        if _may_raise():
            os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
            asyncio.get_running_loop().call_later(IDLE_S, _take_a_share, process)


def _take_a_share(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(OSError):
            os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))


def _may_raise() -> bool:
    """Whether we may let a process that waits for idle cores go on as an ordinary one: else it could wait for ever."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NICE)
    if allowed == resource.RLIM_INFINITY or allowed >= 20 - NICENESS:
        return True
    capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return capabilities is not None and bool(int(capabilities[1], 16) >> _SYS_NICE & 1)
