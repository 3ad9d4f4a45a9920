"""The two programs that are measured, started alike: on the server's core, on ports of their own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from bench.load.machine import SERVER_CORE, pinned
from bench.load.script import Scenario, configuration
from bench.load.tools import ToolsMissing, tools_python

from trunkline.testing.ports import HOST, free_block
from trunkline.testing.switch import SwitchProcess

LEGS_MAX = 4_000
"""Audio legs of the switch: two a call, those of refused buyers included until they are let go."""
OWN_HOST = "127.0.0.100"
"""Of the switch alone: so many ports in a row are free where nobody else takes any."""
START_S_MAX = 10.0


class PeerMissing(Exception):
    """The peer could not be installed; the message says why."""


class Running(msgspec.Struct, frozen=True):
    """A program that takes calls at `sip` (host:port). `switch` is ours, None for the peer."""

    pid: int
    sip: str
    switch: SwitchProcess | None = None


@contextmanager
def ours(folder: Path, scenario: Scenario, refusing: str, taking: str) -> Iterator[Running]:
    """A switch with its journal, selling to the two addresses."""
    switch = SwitchProcess(configuration(refusing, taking, scenario), folder, legs=LEGS_MAX, host=OWN_HOST)
    try:
        with pinned(SERVER_CORE):
            switch.start()
        yield Running(switch.pid, switch.sip, switch)
        switch.stop()
    finally:
        switch.kill()


class Sippy:
    """The peer, installed for the bench alone."""

    name = "sippy b2bua_simple"

    def __init__(self, home: Path | None = None) -> None:
        """Install it, once. Raises PeerMissing."""
        try:
            self._python = tools_python(home)
        except ToolsMissing as error:
            raise PeerMissing(str(error)) from error

    @contextmanager
    def serve(self, folder: Path, scenario: Scenario, refusing: str, taking: str) -> Iterator[Running]:
        """A running b2bua_simple with its logging off."""
        port = free_block(2)
        command = [str(self._python), str(Path(__file__).with_name("sippy_b2bua.py")), str(port)]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "sippy.log").open("wb") as log, pinned(SERVER_CORE):
            process = subprocess.Popen(
                [*command, *[refusing] * scenario.refusing, taking],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "SIPLOG_BEND": "none"},
            )
        try:
            _wait_bound(process, port, folder / "sippy.log")
            yield Running(process.pid, f"{HOST}:{port}")
        finally:
            process.kill()
            process.wait()


def _wait_bound(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    wanted = f":{port:04X}"
    deadline = time.monotonic() + START_S_MAX
    while not any(line.split()[1].endswith(wanted) for line in Path("/proc/net/udp").read_text().splitlines()[1:]):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PeerMissing(f"sippy did not open its port: {log.read_text(errors='replace')[-400:]}")
        time.sleep(0.05)
