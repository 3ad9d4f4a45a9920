"""The search for breaking bytes runs and answers in the documented shape, with and without atheris."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.bench import load
from trunkline.testing.fuzz.targets import Target, targets

fuzz = load("fuzz")
pytestmark = pytest.mark.integration


def nothing() -> Path:
    raise fuzz.ToolsMissing("no network")


def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(fuzz, "tools_python", nothing)
    monkeypatch.setattr(fuzz, "INPUTS", 60)
    result: dict[str, Any] = json.loads(json.dumps(fuzz.run()))
    return result


def test_every_target_is_searched_and_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    result = found(monkeypatch)
    assert [row["case"].split(":")[0] for row in result["rows"]] == list(targets())
    assert {row["ours"] for row in result["rows"]} == {0}
    assert "No search by coverage: no network" in result["caveats"]


def test_a_finding_is_shown_with_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(data: bytes) -> None:
        raise RuntimeError(f"{len(data)} bytes")

    monkeypatch.setattr(fuzz, "targets", lambda: {"sip": Target("sip", (b"x" * 9,), run)})
    monkeypatch.setattr(fuzz.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    result = found(monkeypatch)
    assert result["rows"][0]["ours"] > 0
    line = next(each for each in result["caveats"] if "sip: RuntimeError: 9 bytes" in each)
    assert Path(line.rpartition(" is ")[2]).read_bytes() == b"x" * 9
