"""The benchmark of calls runs and answers in the documented shape. How fast it is, is not a test's business."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from trunkline.cli.bench import load

calls = load("calls")
pytestmark = pytest.mark.peer


def test_one_short_round_of_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("sipp"), "./trunkline test installs it"

    def nobody() -> None:
        raise calls.PeerMissing("no network")

    monkeypatch.setattr(calls, "Sippy", nobody)
    monkeypatch.setattr(calls, "COST_RATES", dict.fromkeys(calls.Scenario, 5))
    monkeypatch.setattr(calls, "WATERFALL_RATE", 5)
    plan = calls.Plan(rounds=1, round_s=1.0, rung_s=1.0, rungs=(5,), soak_s=0.0, must_s=1.0)
    document = json.loads(json.dumps(calls.run(plan=plan)))
    assert document["bench"] == "calls"
    assert document["ratio_to_peer"] is None
    assert document["peer"] == "nobody: no network"
    rows = {(row["case"], row["unit"]): row for row in document["rows"]}
    assert all(row["peer"] is None and row["ratio"] is None for row in rows.values())
    for scenario in ("plain", "waterfall"):
        assert rows[f"{scenario}: CPU a call", "ms at 5/s"]["ours"] > 0
        assert rows[f"{scenario}: INVITE to 180", "ms p50"]["ours"] > 0
        assert rows[f"{scenario}: journal append", "ms p99"]["ours"] > 0
    assert rows["waterfall: 5 calls at 5/s", "failed (0 repeats)"]["ours"] == 0


def test_a_percentile_lies_in_its_bucket() -> None:
    from bench.load.round import percentile_ms

    buckets = {'t_bucket{le="0.001"}': 50.0, 't_bucket{le="0.002"}': 100.0, 't_bucket{le="+Inf"}': 100.0}
    assert percentile_ms(buckets, "t", 0.5) == 1.0
    assert percentile_ms(buckets, "t", 0.99) == 1.98
    assert percentile_ms(dict.fromkeys(buckets, 0.0), "t", 0.5) is None
    assert percentile_ms({}, "t", 0.5) is None


def test_a_missing_package_index_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.load import sides, tools

    lock = tmp_path / "requirements-bench.lock"
    lock.write_text("sippy==2.5.0 --hash=sha256:" + 64 * "0" + "\n")
    monkeypatch.setattr(tools, "LOCK", lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(sides.PeerMissing, match=r"requirements-bench\.lock"):
        sides.Sippy(tmp_path / "home")
