"""Half a minute of calls: memory is only shown, but seats, journal and what is left must be as after a whole night."""

from __future__ import annotations

import json
import shutil

import pytest

from trunkline.cli.bench import load

soak = load("soak")
pytestmark = pytest.mark.peer

RATE = 15
SECONDS = 30.0


def test_half_a_minute_of_calls_leaves_nothing_and_loses_nothing() -> None:
    assert shutil.which("sipp"), "./trunkline test installs it"
    document = json.loads(json.dumps(soak.run(seconds=SECONDS, rate=RATE)))
    assert document["violations"] == []
    rows = {row["case"]: row["ours"] for row in document["rows"]}
    assert rows[f"calls at {RATE}/s"] == rows["calls in the journal, once, with an outcome"] == RATE * SECONDS
    assert rows["most legs at once"] > 0
    assert rows["looks with leases equal to legs"] == rows["of looks"] > 10


def test_a_line_rises_by_what_it_gains() -> None:
    assert soak.rise([(0.0, 5.0), (10.0, 6.0), (20.0, 7.0)]) == pytest.approx(2.0)
    assert soak.rise([(0.0, 5.0), (1.0, 9.0)]) == 0.0


def test_the_warm_up_is_left_out() -> None:
    looks = [soak.Look(float(at), 1, 1, 0, 0, 0, 0, 0) for at in range(0, 600, 10)]
    assert soak.after_warm_up(looks)[0].at_s == soak.WARM_UP_S
    assert soak.after_warm_up(looks[:4])[0].at_s == 20.0
    assert len(soak.after_warm_up([])) == 1
