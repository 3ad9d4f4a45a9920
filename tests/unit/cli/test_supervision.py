"""When a process is started again, and what its lines become in the common log."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
from pathlib import Path

import pytest

from trunkline.cli import up
from trunkline.cli.main import main
from trunkline.cli.supervision.child import lines
from trunkline.cli.supervision.policy import FIRST_S, LONGEST_S, STARTS_MAX, STEADY_S, Again, GiveUp, Restarts
from trunkline.cli.supervision.supervisor import together
from trunkline.cli.supervision.words import LINE_MAX, Log, Reading, Word
from trunkline.kernel.errors import UsageError

pytestmark = pytest.mark.unit

MIDDLE = 0.5


@pytest.mark.parametrize("code", [1, 2, 3])
def test_what_never_was_ready_and_said_why_is_given_up(code: int) -> None:
    assert Restarts().ended(code, None, MIDDLE) == GiveUp(code)


def test_what_dies_before_it_is_ready_is_tried_a_few_times() -> None:
    restarts = Restarts()
    verdicts = [restarts.ended(-9, None, MIDDLE) for _ in range(STARTS_MAX)]
    assert all(isinstance(verdict, Again) for verdict in verdicts[:-1])
    assert verdicts[-1] == GiveUp(3)


@pytest.mark.parametrize("code", [1, 3, -9])
def test_what_others_can_do_without_is_tried_again_after_the_longest_pause(code: int) -> None:
    restarts = Restarts(needed=False)
    assert [restarts.ended(code, None, MIDDLE) for _ in range(20)] == [Again(LONGEST_S * 0.75)] * 20


def test_what_was_ready_is_always_started_again_after_longer_and_longer_pauses() -> None:
    restarts = Restarts()
    pauses = [restarts.ended(-11, 0.5, 0.999_999) for _ in range(100)]
    assert all(isinstance(pause, Again) for pause in pauses)
    seconds = [pause.after_s for pause in pauses if isinstance(pause, Again)]
    assert seconds == sorted(seconds)
    assert seconds[0] == pytest.approx(FIRST_S, rel=1e-3)
    assert seconds[-1] == pytest.approx(LONGEST_S, rel=1e-3)
    again = restarts.ended(2, None, MIDDLE)  # its configuration was broken meanwhile: somebody may repair it
    assert isinstance(again, Again)


def test_a_steady_process_begins_anew_and_pauses_are_drawn() -> None:
    restarts = Restarts()
    for _ in range(10):
        restarts.ended(1, 1.0, MIDDLE)
    low, high = restarts.ended(1, STEADY_S, 0.0), restarts.ended(1, STEADY_S, 0.999_999)
    assert isinstance(low, Again)
    assert isinstance(high, Again)
    assert low.after_s == FIRST_S / 2
    assert high.after_s == pytest.approx(FIRST_S, rel=1e-3)


def test_lines_become_records() -> None:
    reading = Reading("switch")
    record = reading.read("2026-11-23 15:00:00,123 WARNING trunkline.sip: a: b", 0)
    assert record == Word("1970-01-01T00:00:00.000Z", "switch", "warning", "trunkline.sip", "a: b")
    assert reading.read("  goes on", 0).level == "warning"
    assert reading.read("error: --sip x is not HOST:PORT", 0).level == "error"
    ready = reading.read("ready sip=127.0.0.1:5060", 0)
    assert (ready.level, ready.logger) == ("info", "")
    assert reading.read("x" * 2 * LINE_MAX, 0).message == "x" * LINE_MAX


def test_the_log_is_text_or_json_and_one_line_each() -> None:
    word = Word("2026-11-23T15:00:00.000Z", "worker", "error", "trunkline.worker", "full \x1b[31m disk")
    text, as_json = io.StringIO(), io.StringIO()
    Log(text, "text").write(word)
    Log(as_json, "json").write(word)
    assert (
        text.getvalue()
        == "2026-11-23T15:00:00.000Z worker error   trunkline.worker: full \N{REPLACEMENT CHARACTER}[31m disk\n"
    )
    assert json.loads(as_json.getvalue()) == {
        "at": "2026-11-23T15:00:00.000Z",
        "process": "worker",
        "level": "error",
        "logger": "trunkline.worker",
        "message": "full \x1b[31m disk",
    }


def test_a_log_that_nobody_reads_any_more_ends_nothing() -> None:
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as stream:
        Log(stream, "text").write(Word("2026-11-23T15:00:00.000Z", "worker", "info", "", "hello"))
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def test_a_line_that_never_ends_is_kept_in_part() -> None:
    async def read(said: bytes) -> list[str]:
        stream = asyncio.StreamReader()
        stream.feed_data(said)
        stream.feed_eof()
        return [line async for line in lines(stream)]

    assert asyncio.run(read(b"one\r\n\n two\nthree")) == ["one", " two", "three"]
    assert [len(line) for line in asyncio.run(read(b"x" * 200_000))] == [LINE_MAX]
    assert asyncio.run(read(b"\xff\n")) == ["\N{REPLACEMENT CHARACTER}"]


def test_ready_lines_become_one() -> None:
    assert together(["ready sip=a http=b", "ready views=7"]) == "ready sip=a http=b views=7"


def parsed(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    up.add_arguments(parser)
    return parser.parse_args(flags)


def test_the_flags_of_the_switch_are_passed_on(tmp_path: Path) -> None:
    args = parsed("--config", "c.yaml", "--data", str(tmp_path), "--sip", "0.0.0.0:5060", "--sip", "[::]:5060",
                  "--public-address", "203.0.113.7", "--drain-seconds", "60")  # fmt: skip
    switch, worker = up.specs_of(args)
    assert switch.arguments[:5] == ("switch", "--config", "c.yaml", "--data", str(tmp_path))
    given = " ".join(switch.arguments)
    assert "--sip 0.0.0.0:5060 --sip [::]:5060" in given
    assert "--public-address 203.0.113.7" in given
    assert up.SIP not in given
    assert f"--http {up.HTTP}" in given
    assert "--tls-key" not in given
    assert switch.stop_s > 60
    assert worker.arguments == ("worker", "--data", str(tmp_path))
    assert (switch.needed, worker.needed) == (True, False)


def test_the_configuration_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no configuration here"):
        up.specs_of(parsed())
    assert [(spec.name, spec.needed) for spec in up.specs_of(parsed("--only", "worker"))] == [("worker", True)]
    (tmp_path / "config.yaml").touch()
    assert "config.yaml" in up.specs_of(parsed())[0].arguments
    (tmp_path / "config").mkdir()
    assert "config" in up.specs_of(parsed("--only", "switch"))[0].arguments


@pytest.mark.parametrize(
    ("only", "says"),
    [("console", "not built yet"), ("swich", "there is no process 'swich'"), (",", "names no process")],
)
def test_only_names_processes(only: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--only", only]) == 2
    assert says in capsys.readouterr().err
