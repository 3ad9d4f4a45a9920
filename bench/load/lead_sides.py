"""The programs that take leads, started alike on the server's core, and wrk that posts them from the other one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from bench.load.lead_form import configuration, script
from bench.load.machine import LOAD_CORE, SERVER_CORE, cpu_s, pinned, stolen_s
from bench.load.tools import ToolsMissing, tools_python

from trunkline.testing.ports import HOST
from trunkline.testing.switch import SwitchProcess

START_S_MAX = 20.0
_ROOT = Path(__file__).resolve().parents[2]
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_COUNT = re.compile(r"(\d+) requests in")
_LATENCY = re.compile(r"(50|99)%\s+([\d.]+)(us|ms|s)\b")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class LoadFailed(Exception):
    """wrk did not run, or leads were not answered as they should be."""


class Side(msgspec.Struct, frozen=True):
    """A program that takes leads at `address` (host:port)."""

    pid: int
    address: str


class Taken(msgspec.Struct, frozen=True):
    """What one side did in one round: leads a second, processor time of each, latency, time the host took away."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    stolen_s: float


@contextmanager
def ours(folder: Path, buyer_url: str) -> Iterator[Side]:
    """A switch as in earnest."""
    switch = SwitchProcess(configuration(buyer_url), folder)
    try:
        with pinned(SERVER_CORE):
            switch.start()
        yield Side(switch.pid, switch.http)
        switch.stop()
    finally:
        switch.kill()


@contextmanager
def peer(kind: str, folder: Path) -> Iterator[Side]:
    """`starlette` or `fastapi`, `one-` before it for the lesser transaction. Raises ToolsMissing without FastAPI."""
    more = [] if kind.endswith("starlette") else [str(_site_packages())]
    with socket.socket() as found:
        found.bind((HOST, 0))
        port = found.getsockname()[1]
    address, program = f"{HOST}:{port}", str(Path(__file__).with_name("lead_peer.py"))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "peer.log").open("wb") as log, pinned(SERVER_CORE):
        process = subprocess.Popen(
            [sys.executable, program, kind, address, str(folder / "data"), *more],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": f"{_ROOT / 'src'}:{_ROOT}"},
        )
    try:
        _wait_bound(process, port, folder / "peer.log")
        yield Side(process.pid, address)
    finally:
        process.kill()
        process.wait()


def post(
    side: Side, folder: Path, state: str, code: str, first: int, seconds: int, connections: int, *, delay_ms: int = 0
) -> Taken:
    """Post leads for a while, one after another on each connection, `delay_ms` apart. Raises LoadFailed for any answer
    but 2xx.
    """
    program = folder / "leads.lua"
    program.write_text(script(state, code, first, delay_ms))
    before, stolen = cpu_s(side.pid), stolen_s()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    with pinned(LOAD_CORE):
        done = subprocess.run(
            [*command, "-s", str(program), f"http://{side.address}"], capture_output=True, text=True, check=False
        )
    used = cpu_s(side.pid) - before
    said = done.stdout
    rate, count, failed = _RATE.search(said), _COUNT.search(said), _FAILED.search(said)
    if rate is None or count is None or failed is not None or not int(count[1]):
        raise LoadFailed(f"wrk: {said[-600:]}{done.stderr[-300:]}")
    latency = {percent: float(value) * _MS[unit] for percent, value, unit in _LATENCY.findall(said)}
    return Taken(float(rate[1]), 1e6 * used / int(count[1]), latency["50"], latency["99"], stolen_s() - stolen)


def _site_packages() -> Path:
    """Where the bench's own environment has FastAPI."""
    home = tools_python().parent.parent
    found = next(home.glob("lib/python3*/site-packages"), None)
    if found is None:
        raise ToolsMissing(f"{home} has no packages")
    return found


def _wait_bound(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            socket.create_connection((HOST, port), 0.2).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LoadFailed(f"the peer did not start: {log.read_text()[-600:]}") from None
            time.sleep(0.05)
