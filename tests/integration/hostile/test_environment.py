"""A machine that lacks something: said at the start, or by /health/ready, with what to do and the right exit code."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import HOST, Voice, answers, configuration, sdp

import trunkline
from trunkline.codec import wav
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.testing.ports import free_block
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

WRONG, ENVIRONMENT = 1, 3
RUN_S_MAX = 30
ROOM_MB = 512
"""What is free above the least when the disk is to become too full."""
TARGET = {"key": "good", "dial": f"sip:good@{HOST}:9"}
MB = 1 << 20
NOISE = random.Random(5).randbytes(50_000)


def start(folder: Path, config: str, path: str | None = None, **flags: str) -> tuple[int, str]:
    """Run `trunkline switch` that cannot start: exit code and what it says."""
    file = folder / "config.yaml"
    file.write_text(config)
    values = {"config": str(file), "data": str(folder / "data"), "sip": f"{HOST}:0", "http": f"{HOST}:0"}
    values |= {"rtp": _audio_ports(), "min-free-mb": "1", **flags}
    command = [
        sys.executable,
        "-m",
        "trunkline",
        "switch",
        *(word for k, v in values.items() for word in (f"--{k}", v)),
    ]
    source = str(Path(trunkline.__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": source, **({} if path is None else {"PATH": path})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
    assert done.stdout == "", "ready was said"
    return done.returncode, done.stderr


def _audio_ports() -> str:
    first = free_block(8)
    return f"{HOST}:{first}-{first + 7}"


def said(answer: tuple[int, str], code: int, *words: str) -> None:
    """One error and one hint, the code, and no traceback."""
    assert answer[0] == code, answer
    assert "Traceback" not in answer[1], answer[1]
    assert answer[1].count("\nerror: ") + answer[1].startswith("error: ") == 1, answer[1]
    assert " hint: " in answer[1], answer[1]
    for word in words:
        assert word in answer[1], answer[1]


@pytest.mark.parametrize("content", [NOISE, bytes(8_192), b"SQLite format 3\0" + NOISE[:4_080]])
def test_a_journal_replaced_by_garbage_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    journal = tmp_path / "data" / JOURNAL_FILE
    journal.write_bytes(content)
    said(start(tmp_path, configuration(TARGET)), ENVIRONMENT, str(journal), "--data")
    assert journal.read_bytes() == content


def test_a_journal_overwritten_after_use_is_named(site: Site) -> None:
    switch = site.switch(configuration(TARGET))
    assert switch.stop() == 0
    journal = switch.data / JOURNAL_FILE
    whole = journal.read_bytes()
    journal.write_bytes(whole[:4_096] + random.Random(6).randbytes(len(whole) - 4_096))
    said(start(switch.folder, configuration(TARGET)), ENVIRONMENT, f"{journal} is damaged", "restore")
    journal.write_bytes(whole)


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / JOURNAL_FILE).mkdir(parents=True)
    for data in ("file", "file/below", "taken"):
        said(
            start(tmp_path, configuration(TARGET), data=str(tmp_path / data)),
            ENVIRONMENT,
            str(tmp_path / data),
            "--data",
        )


def test_ports_in_use_are_named_with_the_flag_that_changes_them(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        Voice("x", of="y") as voice,
    ):
        udp.bind((HOST, 0))
        tcp.bind((HOST, 0))
        tcp.listen()
        sip, http = (f"{HOST}:{each.getsockname()[1]}" for each in (udp, tcp))
        said(start(tmp_path, configuration(TARGET), sip=sip), ENVIRONMENT, sip, "--sip")
        said(start(tmp_path, configuration(TARGET), http=http), ENVIRONMENT, http, "--http")
        said(start(tmp_path, configuration(TARGET), admin=http), ENVIRONMENT, http, "--admin")
        audio = f"{HOST}:{voice.port}-{voice.port + 3}"
        said(start(tmp_path, configuration(TARGET), rtp=audio), ENVIRONMENT, str(voice.port), "--rtp")
    said(start(tmp_path, configuration(TARGET), sip="192.0.2.1:5060"), ENVIRONMENT, "192.0.2.1", "--sip")


def test_a_text_without_a_voice_is_a_fault_of_the_configuration_and_says_what_to_install(tmp_path: Path) -> None:
    nodes = {
        "start": {"play": {"say": "A text that nobody has rendered ahead of time."}, "next": "sell"},
        "sell": {"route": {}},
    }
    empty = tmp_path / "bin"
    empty.mkdir()
    answer = start(tmp_path, configuration(TARGET, nodes=nodes), path=str(empty))
    said(answer, WRONG, "apt-get install flite", "A text that nobody", "flows")


def test_a_configuration_that_is_none_is_named(tmp_path: Path) -> None:
    for text in ("", "[", "\0", "version: 1", "- a", "x" * 100_000):
        code, words = start(tmp_path, text)
        assert code == WRONG, words
        assert "Traceback" not in words, words
        assert "error: " in words


def test_broken_and_missing_prompts_cost_the_prompt_and_no_call(site: Site) -> None:
    buyer = site.peer(answers())
    nodes = {
        "start": {"play": {"file": "prompts/missing.wav"}, "next": "more"},
        "more": {"play": {"file": "broken.wav"}, "next": "cut"},
        "cut": {"play": {"file": "cut.wav"}, "next": "sell"},
        "sell": {"route": {}},
    }
    switch = SwitchProcess(
        configuration(buyer.target("good", whisper_file="broken.wav"), nodes=nodes), site.folder / "p"
    )
    site.switches.append(switch)
    site.stack.callback(switch.kill)
    (switch.folder / "broken.wav").write_bytes(NOISE[:5_000])
    (switch.folder / "cut.wav").write_bytes(wav.write(wav.Encoding.ULAW, 1, bytes(8_000))[:30])
    switch.start()
    for name in ("prompts/missing.wav", "broken.wav", "cut.wav"):
        assert name in switch.log()
    call = site.caller().call(switch, body=sdp(9))
    call.connect()
    buyer.wait(lambda m: m.method == "ACK", "ACK")
    call.hang_up()
    assert [each["outcome"] for each in switch.ended_calls(1)] == ["sold"]


def _free_mb(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // MB


def _readiness(switch: SwitchProcess) -> tuple[int, dict[str, Any]]:
    status, body = switch.get(switch.http, "/health/ready")
    return status, json.loads(body)


def test_too_little_disk_at_the_start_is_not_ready_and_refuses(site: Site) -> None:
    switch = site.switch(configuration(TARGET), flags=("--min-free-mb", str(_free_mb(site.folder) + 100_000)))
    status, body = _readiness(switch)
    assert status == 503
    assert "MB are free" in body["reason"]
    assert "--min-free-mb" in body["reason"]
    assert switch.get(switch.http, "/health/live")[0] == 200
    call = site.caller().call(switch)
    refusal = call.final()
    assert (refusal.status, refusal["retry-after"]) == (503, "10")
    assert switch.metric("trunkline_refused_total", reason="not_ready") == 1
    assert switch.metric("trunkline_journal_healthy") == 0
    assert switch.stop() == 0


def test_a_disk_that_fills_up_lets_live_calls_finish_and_takes_calls_again_when_there_is_room(site: Site) -> None:
    least = _free_mb(site.folder) - ROOM_MB
    good = site.good_call(flags=("--min-free-mb", str(least)))
    switch, caller = good.switch, good.call.peer
    ballast = site.folder / "ballast"
    with ballast.open("wb") as file:
        while _free_mb(site.folder) >= least:
            os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, 128 * MB)
    switch.until(lambda: _readiness(switch)[0] == 503, "the switch to see that the disk is too full")
    assert caller.call(switch).final().status == 503
    good.check()
    good.hang_up()
    (found,) = switch.ended_calls(1)
    assert (found["outcome"], found["ended_by"]) == ("sold", "caller")
    ballast.unlink()
    switch.until(lambda: _readiness(switch)[0] == 200, "the switch to see that there is room")
    again = caller.call(switch)
    again.connect()
    again.hang_up()
    switch.ended_calls(2)
