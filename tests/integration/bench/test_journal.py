"""The journal's benchmark runs and answers in the documented shape. How fast it is, is not a test's business."""

from __future__ import annotations

import json

import pytest

from trunkline.cli.bench import load

pytestmark = pytest.mark.integration


def test_the_answer_has_the_shape_of_the_reference() -> None:
    module = load("journal")
    result = module.run(seconds=0.01, rounds=1, ready_calls=0)
    document = json.loads(json.dumps(result))
    assert document["bench"] == "journal"
    assert document["rounds"] == 1
    assert [row["case"] for row in document["rows"]] == ["1 waiting", "32 waiting", "256 waiting"]
    assert all(row["ours"] > 0 and row["peer"] > 0 and row["floor"] > 0 for row in document["rows"])
    assert document["ratio_to_peer"] == min(row["ratio"] for row in document["rows"])
    assert document["caveats"]
