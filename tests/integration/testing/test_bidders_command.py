"""`trunkline bidders test` against bidders that answer well, badly, and not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import bids, hangs, says, writes
from trunkline.testing.bidders.server import Script

pytestmark = pytest.mark.integration

CONFIG = """\
version: 1
account: {{key: acme, timezone: America/New_York}}
buyers: [{{key: ann}}]
outbound: {{allow_networks: ["127.0.0.0/8"]}}
targets:
  - key: rtb
    buyer: ann
    dial: "sip:rtb@127.0.0.1"
    bid: {{dialect: generic, url: "{url}/ping", timeout_ms: {timeout_ms}, allow: ["+1"],
          headers: {{X-Key: "${{ENV:BIDDER_KEY}}"}}, auth: {{username: us, password: "${{ENV:BIDDER_KEY}}"}}}}
"""


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BIDDER_KEY", "hunter2-hunter2")
    return "hunter2-hunter2"


def outcome_of(folder: Path, script: Script, *flags: str, timeout_ms: int = 5_000) -> tuple[int, list[dict[str, str]]]:
    """The exit code, and what the bidder was asked."""
    with answering(script) as bidder:
        path = folder / "config.yaml"
        path.write_text(CONFIG.format(url=bidder.url, timeout_ms=timeout_ms))
        code = main(["bidders", "test", "rtb", "--config", str(path), *flags])
        return code, [{**each.json(), "key": each.headers.get("x-key", "")} for each in bidder.received]


def test_without_live_nothing_is_sent_and_no_secret_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, asked = outcome_of(tmp_path, bids("1.00"), "--attr", "geo.zip=10001")
    assert (code, asked) == (0, [])
    out = capsys.readouterr().out
    assert '"caller":"+1512555"' in out
    assert '"zip":"10001"' in out
    assert "X-Key: ${ENV:BIDDER_KEY}" in out


def test_live_shows_request_answer_and_reading_and_never_the_key(
    tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, asked = outcome_of(tmp_path, bids("12.50", number="+15125550199", note=key), "--live")
    out = capsys.readouterr().out
    assert code == 0
    assert [each["key"] for each in asked] == [key]
    assert key not in out
    assert "Authorization: Basic ***" in out
    for shown in ("amount      12.50", "dial        +15125550199", "The bidder can be used."):
        assert shown in out


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (says({"bid": "12.50", "number": "+442079460000"}), "which `allow` does not"),
        (writes(b"<html>\x1b[2J"), "the answer is no JSON"),
        (bids("1e999"), "is no amount"),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(
    script: Script, words: str, tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = outcome_of(tmp_path, script, "--live")
    out = capsys.readouterr().out
    assert code == 1
    assert words in out
    assert "\x1b" not in out


def test_silence_is_an_error(tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = outcome_of(tmp_path, hangs(), "--live", timeout_ms=100)
    assert code == 1
    assert "no answer (timeout)" in capsys.readouterr().out


def test_the_suite_asks_again_and_for_a_withheld_number(
    tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changing = [bids("2.00"), bids("3.00", expires_at=2), says({"bid": 0, "reason": "no caller"})]
    code, asked = outcome_of(tmp_path, changing, "--live", "--suite", "--json")
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == 0
    assert ["caller" in each for each in asked] == [True, True, False]
    assert [each["reading"]["answered"] for each in document["exchanges"]] == ["bid", "bid", "no_bid"]
    assert {each["severity"] for each in document["remarks"]} == {"warning"}
    assert len(document["remarks"]) == 2


@pytest.mark.parametrize(
    "flags", [["other"], ["rtb", "--suite"], ["rtb", "--attr", "zip"], ["rtb", "--attr", "geo.zap=1"]]
)
def test_bad_use_is_told(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(url="http://127.0.0.1:9", timeout_ms=100))
    assert main(["bidders", "test", *flags, "--config", str(path)]) == 2
    assert "hint" in capsys.readouterr().err
