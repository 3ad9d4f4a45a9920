"""A journal is filled in bulk, its switch killed and started again. How fast that is, is not a test's business."""

from __future__ import annotations

import json

import pytest

from trunkline.cli.bench import load

journal = load("journal")
pytestmark = pytest.mark.peer


def test_a_switch_is_ready_again_on_a_journal_that_was_made_in_bulk() -> None:
    [row] = json.loads(json.dumps(journal._ready(3_000)))
    assert row["case"] == "ready after kill -9, 3,000 calls"
    assert row["ours"] > 0
    assert row["disk_mb"] > 16
    assert row["reached"] is (row["ours"] <= 5)


def test_a_disk_that_is_too_small_is_said_and_not_filled() -> None:
    [row] = journal._ready(10**12)
    assert row["ours"] is None
    assert "1,000,000,000,000 calls need" in row["unit"]
