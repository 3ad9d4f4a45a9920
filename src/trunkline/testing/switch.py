"""A real switch for tests: `trunkline switch` as a child process on free ports of loopback.

    with SwitchProcess(configuration, folder) as switch:
        ...  # call `switch.sip`
        switch.until(lambda: switch.calls()[0]["outcome"] == "sold")

The harness only uses what every user has: the command line, the `ready` line, /metrics, the journal, signals. Every
wait has a bound and says what it waited for.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from prometheus_client.parser import text_string_to_metric_families

import trunkline
from trunkline.engine.calls.records import fold
from trunkline.events.entry import Event, Record
from trunkline.journal.reader import JournalReader
from trunkline.testing.ports import HOST, free_block

START_S_MAX: Final = 40.0
STOP_S_MAX: Final = 30.0
WAIT_S_MAX: Final = 20.0
POLL_S: Final = 0.02
STARTS_MAX: Final = 4
"""How often other ports are tried when somebody took ours between finding and binding them."""
LOG_SHOWN: Final = 4_000
"""Characters of the switch's log that an error shows."""


class SwitchFailed(Exception):
    """The switch did not do what it was waited for; the end of its log is in the message."""


class SwitchProcess:
    """One switch, started by `start` (or `with`) and ended by `stop` or `kill`."""

    def __init__(
        self,
        config: str,
        folder: Path,
        *,
        legs: int = 40,
        drain_s: int = 5,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        host: str = HOST,
    ) -> None:
        """`config` is YAML; it, the data and the log are kept in `folder`. `legs` bounds audio legs: two a call.

        SIP and audio are on `host`, an address of loopback; for thousands of legs one that nobody else takes ports of.
        `environment` is added to our own variables.
        """
        self.folder = folder
        self.config_path = folder / "config.yaml"
        self.data = folder / "data"
        self.log_path = folder / "switch.log"
        self.sip = self.sips = self.http = self.admin = ""
        self._legs, self._host = legs, host
        self._flags = (*flags, "--drain-seconds", str(drain_s))
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: int | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.write_config(config)

    # -- life ------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Started and ready."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ended, in order unless the test has failed."""
        if self.running:
            if kind is None:
                self.stop()
            else:
                self.kill()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the switch."""
        assert self._process is not None, "the switch was not started"
        return self._process.pid

    @property
    def sip_port(self) -> int:
        """The UDP port of SIP."""
        return int(self.sip.rpartition(":")[2])

    def start(self) -> Self:
        """Start it and wait for `ready`. A restart takes the same SIP and audio ports. Raises SwitchFailed."""
        assert not self.running, "the switch is running already"
        for left in reversed(range(STARTS_MAX)):
            first_start = self._ports is None
            if self._ports is None:
                self._ports = free_block(2 + 2 * self._legs, self._host)
            self._spawn(self._ports)
            if self._wait_ready():
                return self
            if not (first_start and left and "port" in self.log()):
                break
            self.kill()
            self._ports = None
        self.kill()
        raise self._failed("the switch did not get ready")

    def restart(self) -> Self:
        """Start again after `stop` or `kill`, on the same ports and data."""
        return self.start()

    def _spawn(self, ports: int) -> None:
        source = str(Path(trunkline.__file__).resolve().parents[1])
        audio = f"{self._host}:{ports + 2}-{ports + 1 + 2 * self._legs}"
        command = [sys.executable, "-m", "trunkline", "switch"]
        command += ["--config", str(self.config_path), "--data", str(self.data), "--sip", f"{self._host}:{ports}"]
        command += ["--http", f"{HOST}:0", "--rtp", audio, "--min-free-mb", "1", *self._flags]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": source, **self._environment},
            )

    def _wait_ready(self) -> bool:
        """Read the `ready` line; False when the process ends without one or takes too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        deadline = time.monotonic() + START_S_MAX
        said = b""
        while b"\n" not in said:
            readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(output, 4096) if readable else b""
            if not piece:
                return False
            said += piece
        line = said.decode().split("\n", 1)[0]
        found = dict(part.split("=", 1) for part in line.split()[1:])
        self.sip, self.http, self.admin = found["sip"], found["http"], found["admin"]
        self.sips = found.get("sips", "")
        return line.startswith("ready ")

    def signal(self, number: signal.Signals) -> None:
        """Send the switch a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; wait until it has drained. The exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until the process has ended by itself. The exit code. Raises SwitchFailed."""
        assert self._process is not None
        try:
            code = self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise self._failed(f"the switch did not end within {STOP_S_MAX:.0f} s") from error
        self._close_output()
        return code

    def kill(self) -> None:
        """SIGKILL, as a power cut would, and wait until it is gone."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(STOP_S_MAX)
        self._close_output()

    def _close_output(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    # -- what it is told -------------------------------------------------------------------------------------------

    def write_config(self, config: str) -> None:
        """Replace the configuration file in one step; a running switch sees it within seconds."""
        new = self.config_path.with_suffix(".new")
        new.write_text(config)
        os.replace(new, self.config_path)

    # -- what it says ----------------------------------------------------------------------------------------------

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics by name and labels, such as `trunkline_calls_total{outcome="sold"}`."""
        _, text = self.get(self.admin, "/metrics")
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
        return found

    def metric(self, name: str, **labels: str) -> float:
        """One sample; 0 when nothing was counted under these labels yet."""
        inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        return self.metrics().get(name + (f"{{{inner}}}" if inner else ""), 0.0)

    def get(self, address: str, path: str) -> tuple[int, str]:
        """GET from `self.http` or `self.admin`: status and body."""
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=WAIT_S_MAX) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def log(self) -> str:
        """Everything it has written to stderr since the first start."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def media_pids(self) -> list[int]:
        """The process ids of its media children."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    # -- what it keeps ---------------------------------------------------------------------------------------------

    def journal_records(self) -> list[Record]:
        """All records of the journal so far."""
        found: list[Record] = []
        with JournalReader(self.data) as reader:
            while page := reader.tail(found[-1].position if found else None):
                found += page
        return found

    def journal_events(self) -> list[Event]:
        """All events of the journal so far, in order."""
        return [record.event for record in self.journal_records()]

    def calls(self) -> list[dict[str, Any]]:
        """All calls so far, oldest first, in the shape of `trunkline calls --json`."""
        calls: list[dict[str, Any]] = msgspec.to_builtins(list(fold(self.journal_events()).values()))
        return calls

    # -- waiting ---------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], object], what: str = "", seconds: float = WAIT_S_MAX) -> None:
        """Wait until `condition` holds. Raises SwitchFailed after `seconds`, or at once when the switch has died."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.running:
                raise self._failed(f"the switch has ended while it was waited for: {what}")
            if time.monotonic() > deadline:
                raise self._failed(f"not within {seconds:.0f} s: {what or 'the condition of the test'}")
            time.sleep(POLL_S)

    def idle(self, seconds: float = WAIT_S_MAX) -> dict[str, float]:
        """Wait until no call, leg or lease is left, in memory and in the journal; the metrics of that moment.

        Raises SwitchFailed naming the rest.
        """
        gauges = ("trunkline_live_calls", "trunkline_live_legs", "trunkline_live_leases")
        seen: dict[str, float] = {}

        def nothing_left() -> bool:
            seen.update(self.metrics())
            return not any(seen[name] for name in gauges)

        try:
            self.until(nothing_left, "no call, leg or lease left", seconds)
        except SwitchFailed as error:
            raise SwitchFailed(f"{error}\nleft: { {name: seen.get(name) for name in gauges} }") from error
        self.until(lambda: all(call["outcome"] for call in self.calls()), "every call's end to be durable", seconds)
        return seen

    def ended_calls(self, count: int, seconds: float = WAIT_S_MAX) -> list[dict[str, Any]]:
        """Wait until `count` calls have ended and nothing is left of them; all calls. Raises SwitchFailed."""
        self.until(
            lambda: sum(call["outcome"] is not None for call in self.calls()) >= count, f"{count} ended calls", seconds
        )
        self.idle(seconds)
        return self.calls()

    def _failed(self, what: str) -> SwitchFailed:
        return SwitchFailed(f"{what}; the end of {self.log_path}:\n{self.log()[-LOG_SHOWN:]}")
