"""The barrage runs, judges, and answers in the documented shape."""

from __future__ import annotations

import json

import pytest

from trunkline.cli.bench import load

hostile = load("hostile")
pytestmark = pytest.mark.integration


def test_a_small_barrage_disturbs_nothing() -> None:
    document = json.loads(json.dumps(hostile.run(datagrams=4_000, calls=1)))
    assert document["bench"] == "hostile"
    assert document["violations"] == []
    rows = {row["case"]: row["ours"] for row in document["rows"]}
    assert rows["datagrams taken"] == 4_000
    assert rows["frames heard in the calls meanwhile"] > 20
    assert document["counted"]['trunkline_sip_events{kind="dropped_unknown_source"}'] == 800


def test_growth_is_what_the_second_half_adds() -> None:
    assert hostile.grown_mb([10.0, 50.0, *[60.0] * 20]) == 0.0
    assert hostile.grown_mb([50.0] * 10 + [50.0 + each for each in range(10)]) == 8.0
