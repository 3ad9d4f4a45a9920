"""`trunkline switch` by its command line: what keeps it from starting, said with exit code and what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.peer.lab import configuration, target

import trunkline
from trunkline.journal.lock import FolderLock
from trunkline.kernel.errors import ExitCode
from trunkline.testing.ports import free_block

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
START_S_MAX = 40.0


class Start:
    """One start of a switch that is meant to fail."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(configuration(target("desk", f"{HOST}:5081")))
        self.data = folder / "data"

    def fails(self, *flags: str, sip: str = f"{HOST}:0", http: str = f"{HOST}:0") -> tuple[int, str]:
        """Exit code and everything said."""
        command = [sys.executable, "-m", "trunkline", "switch", "--config", str(self.config), "--data", str(self.data)]
        command += ["--sip", sip, "--http", http, "--min-free-mb", "1", *flags]
        source = str(Path(trunkline.__file__).resolve().parents[1])
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=START_S_MAX,
            env={**os.environ, "PYTHONPATH": source},
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        assert ended.stdout == "", "it was not ready"
        return ended.returncode, ended.stderr


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


@pytest.fixture
def taken() -> Iterator[ExitStack]:
    """Sockets that hold ports until the test is over."""
    with ExitStack() as stack:
        yield stack


def listening(taken: ExitStack) -> str:
    """An address that somebody listens on by TCP."""
    held = taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    held.bind((HOST, 0))
    held.listen()
    return f"{HOST}:{held.getsockname()[1]}"


def receiving(taken: ExitStack, port: int = 0) -> str:
    """An address that somebody receives on by UDP."""
    held = taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    held.bind((HOST, port))
    return f"{HOST}:{held.getsockname()[1]}"


# -- the environment: exit code 3 ------------------------------------------------------------------------------------


def test_the_sip_port_is_taken(start: Start, taken: ExitStack) -> None:
    address = receiving(taken)
    code, said = start.fails(sip=address)
    assert code == ExitCode.ENVIRONMENT
    assert f"cannot listen for SIP on {address}" in said
    assert "--sip" in said


@pytest.mark.parametrize("flag", ["--http", "--admin"])
def test_an_http_port_is_taken(start: Start, taken: ExitStack, flag: str) -> None:
    address = listening(taken)
    code, said = start.fails(http=address) if flag == "--http" else start.fails("--admin", address)
    assert code == ExitCode.ENVIRONMENT
    assert f"cannot listen for HTTP on {address}" in said
    assert flag in said


def test_a_port_of_the_audio_range_is_taken(start: Start, taken: ExitStack) -> None:
    first = free_block(10)
    receiving(taken, first + 4)
    code, said = start.fails("--rtp", f"{HOST}:{first}-{first + 9}")
    assert code == ExitCode.ENVIRONMENT
    assert str(first + 4) in said
    assert "--rtp" in said


def test_an_address_that_is_not_this_machines(start: Start) -> None:
    first = free_block(10)
    code, said = start.fails("--rtp", f"{HOST}:{first}-{first + 9}", sip="192.0.2.1:5060")
    assert code == ExitCode.ENVIRONMENT
    assert "192.0.2.1:5060" in said


def test_the_data_folder_is_used_by_another_switch(start: Start) -> None:
    start.data.mkdir()
    lock = FolderLock(start.data)
    try:
        code, said = start.fails()
    finally:
        lock.release()
    assert code == ExitCode.ENVIRONMENT
    assert f"another switch is using {start.data} (process {os.getpid()})" in said
    assert "another --data folder" in said


def test_the_data_folder_is_a_file(start: Start) -> None:
    start.data.write_text("not a folder")
    code, said = start.fails()
    assert code == ExitCode.ENVIRONMENT
    assert str(start.data) in said


# -- the configuration: exit code 1, or 2 when there is none ---------------------------------------------------------


def test_a_configuration_with_errors(start: Start) -> None:
    start.config.write_text(start.config.read_text().replace('"flow": "intake"', '"flow": "outtake"'))
    code, said = start.fails()
    assert code == ExitCode.WRONG
    assert "outtake" in said
    assert f"./trunkline check {start.config} " in said


def test_there_is_no_configuration(start: Start) -> None:
    start.config.unlink()
    code, said = start.fails()
    assert code == ExitCode.USAGE
    assert f"there is no file or folder {start.config}" in said


# -- the command line: exit code 2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--rtp", "127.0.0.1"), "--rtp 127.0.0.1 is not HOST:MIN-MAX"),
        (("--admin", "here"), "--admin here is not HOST:PORT"),
        (("--drain-seconds", "-1"), "--drain-seconds -1"),
        (("--unknown",), "--unknown"),
    ],
)
def test_flags_that_cannot_be_meant(start: Start, flags: tuple[str, ...], words: str) -> None:
    code, said = start.fails(*flags)
    assert code == ExitCode.USAGE
    assert words in said
    assert not start.data.exists(), "nothing was begun"
