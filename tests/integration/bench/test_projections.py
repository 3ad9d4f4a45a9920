"""The benchmark of the projections, in small: what is followed and what is made anew is compared in it."""

from __future__ import annotations

import pytest
from bench.projections import run

pytestmark = pytest.mark.integration


def test_it_measures_both_ways() -> None:
    result = run(lives=60, rounds=1)
    live, rebuild = result["rows"]  # type: ignore[misc]
    assert live["ours"] > 0
    assert rebuild["ours"] > 0
    assert (live["aim"], rebuild["aim"]) == (">= 5,000", ">= 15,000")
    assert "events of 60 calls and leads" in result["caveats"][0]  # type: ignore[index]
