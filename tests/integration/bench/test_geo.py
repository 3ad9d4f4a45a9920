"""The geo benchmark runs, and every row has a figure."""

from __future__ import annotations

import json

import pytest

from trunkline.cli.bench import load

pytestmark = pytest.mark.integration


def test_the_answer_has_the_shape_of_the_reference() -> None:
    module = load("geo")
    plan = module.Plan(rounds=1, looks=200, circles=3, exchanges=500)
    document = json.loads(json.dumps(module.run(plan=plan)))
    assert document["bench"] == "geo"
    assert document["ratio_to_peer"] > 1
    assert document["caveats"]
    assert len(document["rows"]) == 14
    assert all(row["ours"] > 0 for row in document["rows"])
