"""The machine that is measured on: cores, processor time of processes, time that the host took away."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1
USABLE = os.sched_getaffinity(0)
"""The cores that we were started on."""
_IN_MEMORY = "/dev/shm"  # noqa: S108 - folders in it are made by tempfile
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Processes started inside run on that core alone, if this process may use it; we ourselves go back afterwards.

    May be nested: the innermost core counts.
    """
    before = os.sched_getaffinity(0)
    if core in USABLE:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Processor seconds (user and system) of a process, its threads and its living children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return own + sum(cpu_s(child) for child in _children(pid))


def parts_s(pid: int) -> tuple[float, float, float]:
    """Processor seconds of a process's first thread, of its other threads, and of its living children."""
    first = others = 0.0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        ran_s = int((thread / "schedstat").read_text().split()[0]) / 1e9
        if thread.name == str(pid):
            first = ran_s
        else:
            others += ran_s
    return first, others, sum(sum(parts_s(child)) for child in _children(pid))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (thread / "children").read_text().split())
    return found


def stolen_s() -> float:
    """Seconds, of all cores together since the machine began, in which the host ran somebody else."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / _TICKS_PER_S


def busy_s() -> float:
    """Seconds of all cores together that any process of this machine has used."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS_PER_S


def describe() -> str:
    """What was measured on, in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def in_memory() -> str | None:
    """A folder whose files are never on a disk; None where there is none, for the usual place."""
    return _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None
