"""sipp as a peer of the switch: started with a scenario, bounded in time, its figures and messages read afterwards.

sipp (Debian's sip-tester) shares no code with the switch, so what both agree on is SIP and not a common mistake.
"""

from __future__ import annotations

import contextlib
import csv
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from trunkline.testing.ports import HOST, free_block
from trunkline.testing.sipp_steps import GO_ON

START_S_MAX: Final = 10.0
SOFT_STOP_S: Final = 3.0
POLL_S: Final = 0.02
CALLER: Final = "+15125550100"
AT_ONCE: Final = 2_000


class SippMissing(Exception):
    """sipp is not installed: `sudo apt-get install -y --no-install-recommends sip-tester` brings it."""


class SippFailed(Exception):
    """sipp did not start, or did not end in its time."""


class SipMessage(msgspec.Struct, frozen=True):
    """One message that passed a peer. `sent` is from the peer's point of view; `at_s` its own clock."""

    sent: bool
    at_s: float
    start_line: str
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str:
        """The first header of that name, empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def status(self) -> int | None:
        """The status code of a response."""
        return int(self.start_line.split(" ", 2)[1]) if self.start_line.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """The method of a request, or that a response answers."""
        return self.header("CSeq").split(" ")[-1]

    @property
    def name(self) -> str:
        """`INVITE`, `BYE`, or `200 INVITE` for short."""
        return self.method if self.status is None else f"{self.status} {self.method}"

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.header("Call-ID")


class Figures(msgspec.Struct, frozen=True):
    """What sipp counted over its whole run."""

    calls: int
    successful: int
    failed: int
    retransmissions: int


def sipp_path() -> str:
    """Where sipp is. Raises SippMissing."""
    found = shutil.which("sipp")
    if found is None:
        raise SippMissing(SippMissing.__doc__)
    return found


class Sipp:
    """One sipp. As caller give `to` and `calls`; as buyer neither: it takes calls until stopped."""

    def __init__(
        self,
        scenario: str,
        folder: Path,
        name: str,
        *,
        to: str | None = None,
        number: str = "+18335550100",
        calls: int | None = None,
        rate: float = 10,
        at_once: int = AT_ONCE,
        callers: Sequence[str] = (CALLER,),
        rtp_port: int | None = None,
        port: int | None = None,
        host: str = HOST,
        lost_percent: int = 0,
        keys: Mapping[str, str] | None = None,
        trace: bool = True,
        seconds: int = 60,
        transport: str = "u1",
    ) -> None:
        """`callers` are the From numbers in turn; `rtp_port` the audio port in its SDP (default one nobody reads).

        `host` is the address it sends from and listens at.

        `transport` is sipp's `-t`: `u1` is UDP, `t1` one TCP connection, `tn` one for each call.
        """
        program = sipp_path()
        self.name = name
        self.host = host
        self.port = free_block(2) if port is None else port
        self._seconds = seconds
        self._stats = folder / f"{name}.csv"
        self._messages = folder / f"{name}.messages"
        self._errors = folder / f"{name}.errors"
        self._output = folder / f"{name}.out"
        self._sink: socket.socket | None = None
        if rtp_port is None:
            self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sink.bind((HOST, 0))
            rtp_port = self._sink.getsockname()[1]
        script, values = folder / f"{name}.xml", folder / f"{name}.values"
        script.write_text(scenario)
        values.write_text("SEQUENTIAL\n" + "".join(f"{caller};\n" for caller in callers))
        command = [program, "-nostdin", "-sf", str(script), "-inf", str(values), "-i", host, "-p", str(self.port)]
        command += ["-key", "rtp", str(rtp_port), "-timeout", f"{seconds}s", "-timeout_error"]
        command += ["-buff_size", "4194304", "-t", transport]
        command += ["-trace_stat", "-stf", str(self._stats), "-fd", "1", "-trace_err", "-error_file", str(self._errors)]
        for key, value in (keys or {}).items():
            command += ["-key", key, value]
        if trace:
            command += ["-trace_msg", "-message_file", str(self._messages)]
        if transport.endswith("n"):
            command += ["-max_socket", "1000"]  # its default is more than most systems open
        if lost_percent:
            command += ["-lost", str(lost_percent)]
        if calls is not None:
            command += ["-m", str(calls)]
        if to is not None:
            command += ["-s", number, "-r", str(rate), "-l", str(at_once), to]
        self._command = command
        # Over TCP a caller binds no port of its own, and only the called side can be waited for.
        self._awaited = None if transport != "u1" and to is not None else "udp" if transport == "u1" else "tcp"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens, for the `dial` of a target."""
        return f"{self.host}:{self.port}"

    def __enter__(self) -> Self:
        """Started, its port bound."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gone, whatever it was doing."""
        self.kill()

    def start(self) -> Self:
        """Start it and wait until its port is bound. Raises SippFailed."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S_MAX
        while self._awaited is not None and not _bound(self._awaited, self.port):
            if self._process.poll() is not None:
                if self._process.returncode == 0:
                    return self  # a caller that was done before we looked
                raise SippFailed(f"{self.name} ended at once: {self.said()}")
            if time.monotonic() > deadline:
                self.kill()
                raise SippFailed(f"{self.name} did not open its port")
            time.sleep(POLL_S)
        return self

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> Figures:
        """Wait until it has made its calls. Raises SippFailed when it takes longer than its time."""
        assert self._process is not None, f"{self.name} was not started"
        try:
            self._process.wait(self._seconds + 5)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise SippFailed(f"{self.name} did not end in {self._seconds} s: {self.said()}") from error
        return self.figures()

    def succeed(self) -> Figures:
        """Wait, and see that every call went by the scenario. Raises SippFailed with what did not."""
        figures = self.wait()
        if figures.failed or figures.successful != figures.calls or not figures.calls:
            raise SippFailed(f"{self.name}: {figures}\n{self.said()}\npassed: {self.names()[-20:]}")
        return figures

    def go_on(self) -> None:
        """Let every call that stands at `held()` go on; calls that do not, ignore it."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for call_id in dict.fromkeys(message.call_id for message in self.messages()):
                lines = [
                    f"{GO_ON} sip:peer@{self.address} SIP/2.0",
                    f"Via: SIP/2.0/UDP {self.host}:9;branch=z9hG4bK-go-on",
                ]
                lines += [f"From: <sip:test@{self.host}>;tag=1", f"To: <sip:peer@{self.host}>", f"Call-ID: {call_id}"]
                lines += [f"CSeq: 1 {GO_ON}", "Content-Length: 0", "", ""]
                sender.sendto("\r\n".join(lines).encode(), (self.host, self.port))

    def no_more(self) -> None:
        """Make and take no new calls; those that go on may end."""
        assert self._process is not None, f"{self.name} was not started"
        if self.running:
            self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> Figures:
        """Take no new calls; end when those that go on have ended, or after a moment anyway. The figures."""
        self.no_more()
        assert self._process is not None
        if self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(SOFT_STOP_S)
        self.kill()
        return self.figures()

    def kill(self) -> None:
        """SIGKILL, and give up its audio port."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(START_S_MAX)
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def figures(self) -> Figures:
        """The last line of its statistics."""
        with self._stats.open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        if not rows:
            return Figures(0, 0, 0, 0)
        last = rows[-1]
        return Figures(
            calls=int(last["TotalCallCreated"]),
            successful=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
        )

    def said(self) -> str:
        """What it complained about."""
        parts = [path.read_text(errors="replace")[-1500:] for path in (self._errors, self._output) if path.exists()]
        return "\n".join(parts)

    def messages(self) -> list[SipMessage]:
        """Every message sent and received so far, in order. A message that is being written is left out."""
        if not self._messages.exists():
            return []
        # One character a byte, so that sipp's sizes hold.
        return list(_parse_messages(self._messages.read_bytes().decode("latin-1")))

    def names(self, *, sent: bool | None = None) -> list[str]:
        """The messages for short, such as `["INVITE", "180 INVITE", …]`; only those sent, or only those received."""
        return [message.name for message in self.messages() if sent is None or message.sent is sent]


_HEAD = re.compile(
    r"^-{20,} (?P<day>\d{4}-\d\d-\d\d)[T\t ](?P<time>[\d:.]+).*\n"
    r"(?:UDP|TCP) message (?P<way>sent|received) [\[(](?P<size>\d+)[\])]? bytes.*:\n\n",
    re.MULTILINE,
)


def _parse_messages(text: str) -> list[SipMessage]:
    found: list[SipMessage] = []
    for head in _HEAD.finditer(text):
        raw = text[head.end() : head.end() + int(head["size"])]
        if len(raw) < int(head["size"]):
            break
        found.append(_message(head["way"] == "sent", f"{head['day']} {head['time']}", raw))
    return found


def _message(sent: bool, at: str, raw: str) -> SipMessage:
    head, _, body = raw.replace("\r\n", "\n").partition("\n\n")
    start_line, *lines = head.split("\n")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    moment = datetime.strptime(at, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return SipMessage(sent, moment.timestamp(), start_line, headers, body)


def _bound(transport: str, port: int) -> bool:
    """Whether somebody has the UDP or TCP port of loopback."""
    wanted = f"0100007F:{port:04X}"
    return any(line.split()[1] == wanted for line in Path(f"/proc/net/{transport}").read_text().splitlines()[1:])
