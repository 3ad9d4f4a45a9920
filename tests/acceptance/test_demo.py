"""The demo as its user meets it: a process, its output, its exit code, and what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trunkline.events.calls import CallEnded, CallReceived
from trunkline.events.switch import SwitchStopped
from trunkline.journal.reader import JournalReader
from trunkline.testing.demo import voices
from trunkline.testing.demo.callers import PARTS
from trunkline.testing.demo.checks import AUCTIONS, channels, hears
from trunkline.testing.demo.leads import LEADS
from trunkline.testing.peers import Caller, calls

pytestmark = pytest.mark.acceptance

PLAY_S_MAX = 88.0
STOP_S_MAX = 20.0
START_S_MAX = 40.0


class Running:
    """A demo as a child process whose output is read as it comes."""

    def __init__(self, *flags: str) -> None:
        self.started = time.monotonic()
        self.said = ""
        environment = {**os.environ, "TERM": "dumb"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "demo", *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

    def until(self, text: str, seconds: float) -> None:
        """Read on until `text` was said."""
        deadline = time.monotonic() + seconds
        assert self.process.stdout is not None
        while text not in self.said:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, left))
            piece = os.read(self.process.stdout.fileno(), 65_536) if ready else b""
            assert piece, f"{text!r} was not said within {seconds} s, but:\n{self.said}"
            self.said += piece.decode()

    def end(self, seconds: float) -> int:
        """Wait for its end; the exit code."""
        output, _ = self.process.communicate(timeout=seconds)
        self.said += output.decode()
        return self.process.returncode

    def switch_pids(self) -> list[int]:
        """Its child processes and theirs: the switch and the switch's media."""
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            found += map(int, children)
            waiting += map(int, children)
        return found

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def eventually(condition: Callable[[], bool], what: str, seconds: float = STOP_S_MAX) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def received(data: Path) -> int:
    if not (data / "journal.db").exists():
        return 0
    with JournalReader(data) as reader:
        return sum(isinstance(record.event, CallReceived) for record in reader.tail())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Running, Path]]:
    """Two demos side by side, each played to its end: one that ends by itself, one that stays."""
    data = tmp_path_factory.mktemp("demo")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        with contextlib.suppress(OSError):  # when somebody else has it, it is as taken
            taken.bind(("127.0.0.1", 5060))
        with (
            Running("--data", str(data / "plain")) as plain,
            Running("--data", str(data / "kept"), "--keep-running") as kept,
        ):
            yield plain, kept, data


def test_it_ends_by_itself_and_went_as_scripted(whole: tuple[Running, Running, Path]) -> None:
    plain, _, data = whole
    code = plain.end(PLAY_S_MAX)
    assert code == 0, plain.said
    assert time.monotonic() - plain.started < 90
    assert f"Everything went as scripted: {len(PARTS)} calls, recordings and all, and {len(LEADS)} leads." in plain.said
    assert f"./trunkline calls --data {data / 'plain'}" in plain.said
    assert "\x1b[" not in plain.said, "no colours where no terminal is"
    assert len(re.findall(r"^call +\d+  ", plain.said, re.MULTILINE)) == len(PARTS)
    assert len(re.findall(r"^lead +\d+  ", plain.said, re.MULTILINE)) == len(LEADS)


def test_a_hung_bidder_costs_an_auction_no_more_than_its_time(whole: tuple[Running, Running, Path]) -> None:
    plain, _, _ = whole
    auctions = re.findall(r"^auction +\d+  .*settled in (\d+) ms of 1000$", plain.said, re.MULTILINE)
    assert len(auctions) == AUCTIONS
    assert all(int(took_ms) < 1_000 for took_ms in auctions)
    assert "sleepy silent" in plain.said
    assert re.search(r"(?:coast|north|house) \d+\.\d\d won", plain.said)


def test_leads_are_sold_refused_and_told(whole: tuple[Running, Running, Path]) -> None:
    plain, _, _ = whole
    for told in (
        "peak-crm refused:  sold shingle-crm",
        "tile-crm silent:  sold shingle-crm",
        "came before",
        "held for review",
        "form is wrong (phone_invalid, zip_invalid)",
        "no buyer there",
    ):
        assert told in plain.said
    statuses = Counter(part.status for part in LEADS)
    for status, count in statuses.items():
        assert re.search(rf"^  {status} +{count}$", plain.said, re.MULTILINE)


def test_the_journal_tells_what_the_summary_says(whole: tuple[Running, Running, Path]) -> None:
    plain, _, data = whole
    command = [sys.executable, "-m", "trunkline", "calls", "--data", str(data / "plain"), "--json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    wanted = Counter(part.outcome for part in PARTS)
    assert Counter(call["outcome"] for call in listed) == wanted
    for outcome, count in wanted.items():
        assert re.search(rf"^  {outcome} +{count}$", plain.said, re.MULTILINE)
    cents = sum(round(float(call["revenue"]) * 100) for call in listed if call["revenue"])
    assert f"{cents / 100:,.2f} USD" in plain.said
    assert {attempt["outcome"] for call in listed for attempt in call["attempts"]} >= {
        "connected", "busy", "timeout", "declined", "caller_gone",
    }  # fmt: skip
    with JournalReader(data / "plain") as reader:
        last = reader.tail(limit=10_000)[-1].event
    assert isinstance(last, SwitchStopped)
    assert last.calls_cut == 0


def test_recordings_hold_the_caller_left_and_the_buyer_right(whole: tuple[Running, Running, Path]) -> None:
    plain, _, data = whole
    shown = re.findall(rf"^  ({re.escape(str(data))}\S+\.wav)$", plain.said, re.MULTILINE)
    assert len(shown) == 3
    for path in map(Path, shown):
        left, right = channels(path)
        assert hears(left, voices.CALLER_LINES)
        assert hears(right, voices.BUYER_LINES)
        assert not hears(left, voices.BUYER_LINES)
        assert not hears(right, voices.CALLER_LINES)


def test_the_story_of_one_call_is_told(whole: tuple[Running, Running, Path]) -> None:
    plain, _, _ = whole
    _, _, story = plain.said.partition("One call in words: ")
    assert "gulf was busy (SIP 486)" in story
    assert "border gave no sign of life" in story
    assert "hill-country took the call" in story
    assert "converted: hill-country owes 95.00 USD" in story


def test_what_stays_takes_a_call_from_outside_and_ends_at_ctrl_c(whole: tuple[Running, Running, Path]) -> None:
    _, kept, _ = whole
    kept.until("Everything went as scripted", PLAY_S_MAX)
    assert "Port 5060 is taken by another program" in kept.said
    address = re.search(r"sip:\+18335550110@(\S+)", kept.said)
    assert address is not None
    assert address[1] != "127.0.0.1:5060"
    said = voices.speech(voices.STORM)

    async def guest() -> bytes:
        async with Caller() as caller:
            script = calls(("",), say=said, repeat=True, hang_up_after_s=9.0)
            call = await caller.call(address[0], "+15125559999", script)
            assert call.status == 200
            return call.audio.heard()

    heard = asyncio.run(guest())
    assert hears(heard, [voices.ECHO]), "a guest is told that the line repeats"
    assert hears(heard, [voices.STORM]), "and hears itself"
    kept.until("sold peak", 10)
    children = kept.switch_pids()
    assert len(children) >= 2
    kept.process.send_signal(signal.SIGINT)
    assert kept.end(STOP_S_MAX) == 0, kept.said
    assert all(map(gone, children))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_can_be_stopped_in_the_middle(tmp_path: Path, number: signal.Signals) -> None:
    with Running("--data", str(tmp_path)) as demo:
        demo.until("takes calls on", START_S_MAX)
        eventually(lambda: received(tmp_path) >= 5, "no calls have come in")
        children = demo.switch_pids()
        demo.process.send_signal(number)
        demo.process.send_signal(number)  # an impatient user does not stop the tidying up
        assert demo.end(STOP_S_MAX) == 130
        assert "Stopped: callers hung up, switch and buyers ended." in demo.said
        assert "Traceback" not in demo.said
        eventually(lambda: all(map(gone, children)), f"{children} are left")
    with JournalReader(tmp_path) as reader:
        events = [record.event for record in reader.tail(limit=10_000)]
    begun = {event.call for event in events if isinstance(event, CallReceived)}
    assert {event.call for event in events if isinstance(event, CallEnded)} == begun
    assert isinstance(events[-1], SwitchStopped)


def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    with Running("--data", str(tmp_path)) as demo:
        demo.until("takes calls on", START_S_MAX)
        children = demo.switch_pids()
        demo.process.kill()
        demo.process.wait(STOP_S_MAX)
        eventually(lambda: all(map(gone, children)), f"{children} are left")


def test_data_that_is_in_use_is_said(tmp_path: Path) -> None:
    with Running("--data", str(tmp_path)) as first:
        first.until("takes calls on", START_S_MAX)
        with Running("--data", str(tmp_path)) as second:
            assert second.end(START_S_MAX) == 3
            assert "error: the switch did not start" in second.said
            assert "Traceback" not in second.said
        assert first.process.poll() is None
        first.process.send_signal(signal.SIGINT)
        assert first.end(STOP_S_MAX) == 130


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with Running("--data", str(tmp_path / "file" / "below")) as demo:
        assert demo.end(START_S_MAX) == 3
        assert "choose another folder with --data" in demo.said
