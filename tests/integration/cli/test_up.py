"""`up` with a real switch and a real worker: ready, crashes, reload, a clean end, and nobody left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trunkline.events.switch import SnapshotLoaded, SwitchStopped
from trunkline.journal.reader import JournalReader
from trunkline.testing.ports import free_block

pytestmark = pytest.mark.integration

CONFIG = (Path(__file__).parents[3] / "docs" / "examples" / "minimal.yaml").read_text()


class Up:
    """A running `up` in a folder."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        (folder / "config.yaml").write_text(config)
        self.folder = folder
        self.log_path = folder / "up.log"
        first = free_block(32)
        command = [sys.executable, "-m", "trunkline", "up", "--log", "json", "--drain-seconds", "2"]
        command += ["--sip", f"127.0.0.1:{first}", "--http", "127.0.0.1:0", "--min-free-mb", "1"]
        command += ["--rtp", f"127.0.0.1:{first + 2}-{first + 31}"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log)

    def ready(self) -> str:
        """The line on standard output, empty when it ended without one."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def log(self) -> list[dict[str, str]]:
        """All records so far."""
        return [json.loads(line) for line in self.log_path.read_text().splitlines(keepends=True) if line[-1] == "\n"]

    def pids(self, name: str) -> list[int]:
        """The processes that were started under a name."""
        started = (re.match(rf"{name} is starting \(process (\d+)\)", each["message"]) for each in self.log())
        return [int(found[1]) for found in started if found]

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, self.log_path.read_text()
            time.sleep(0.02)

    def close(self) -> None:
        """End it whatever happened."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path)
    yield running
    running.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_it_keeps_both_running_and_ends_them_in_order(up: Up) -> None:
    assert re.fullmatch(r"ready sip=\S+ http=\S+ admin=\S+ views=\d+\n", up.ready())
    (switch,), (worker,) = up.pids("switch"), up.pids("worker")
    own = os.getpriority(os.PRIO_PROCESS, up.process.pid)
    assert os.getpriority(os.PRIO_PROCESS, switch) == own
    assert os.getpriority(os.PRIO_PROCESS, worker) > own
    for first in (worker, switch):
        os.kill(first, signal.SIGKILL)
    up.until(lambda: sum(each["message"].startswith("ready ") for each in up.log()) == 4)
    (up.folder / "config.yaml").write_text(CONFIG.replace('"25.00"', '"26.00"'))
    up.process.send_signal(signal.SIGHUP)

    def loaded() -> bool:
        with JournalReader(up.folder / "data") as reader:
            return any(isinstance(record.event, SnapshotLoaded) for record in reader.tail())

    up.until(loaded)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(20) == 0
    said = [each["message"] for each in up.log() if each["process"] == "up"]
    assert said[-3:] == ["stopping switch", "stopping worker", "stopped"]
    assert "worker was ended by SIGKILL" in " ".join(said)
    assert not any(alive(pid) for name in ("switch", "worker") for pid in up.pids(name))
    with JournalReader(up.folder / "data") as reader:
        assert isinstance(reader.tail()[-1].event, SwitchStopped)


def test_nobody_outlives_it(up: Up) -> None:
    up.ready()
    up.process.kill()
    up.process.wait()
    up.until(lambda: not any(alive(pid) for name in ("switch", "worker") for pid in up.pids(name)))


def test_a_configuration_with_errors_ends_it_with_the_words_of_the_switch(tmp_path: Path) -> None:
    running = Up(tmp_path, "version: 1\naccount: {key: acme}\n")
    try:
        assert running.ready() == ""
        assert running.process.wait(20) == 1
        words = [each for each in running.log() if each["process"] == "switch" and each["level"] == "error"]
        assert any("timezone" in each["message"] for each in words)
        assert len(running.pids("switch")) == 1
        assert running.pids("worker") == []
    finally:
        running.close()
