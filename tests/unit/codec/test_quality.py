"""The estimate of how a call sounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.codec.quality import MOS_MAX, estimate, mean_opinion, rating

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("r", "score"), [(-5, 1.0), (0, 1.0), (50, 2.58), (60, 3.1), (70, 3.6), (80, 4.02), (90, 4.34), (100, 4.5)]
)
def test_the_curve_of_the_recommendation(r: float, score: float) -> None:
    """Values of G.107's own table of R against MOS."""
    assert mean_opinion(r) == pytest.approx(score, abs=0.01)


def test_a_line_without_flaws() -> None:
    assert rating(0, 0) == 93.2
    assert estimate(1000, 0, 0.0, None) == pytest.approx(MOS_MAX, abs=0.02)


def test_what_it_says_of_usual_lines() -> None:
    good, lossy, far = estimate(990, 10, 2.0, 40.0), estimate(950, 50, 2.0, 40.0), estimate(1000, 0, 2.0, 700.0)
    assert good is not None
    assert lossy is not None
    assert far is not None
    assert 4.2 < good < 4.4
    assert 3.7 < lossy < 4.1
    assert 3.0 < far < 3.8


def test_nothing_is_known_of_what_never_came() -> None:
    assert estimate(0, 0, 0.0, None) is None
    assert estimate(0, 100, 0.0, None) == pytest.approx(1.0, abs=0.25)


@given(st.integers(0, 10**6), st.integers(-100, 10**6), st.floats(0, 10**5), st.none() | st.floats(0, 10**6))
def test_it_is_a_score_and_falls_with_loss(received: int, lost: int, jitter_ms: float, trip_ms: float | None) -> None:
    score = estimate(received, lost, jitter_ms, trip_ms)
    if score is None:
        return
    assert 1.0 <= score <= 4.5
    worse = estimate(received, max(lost, 0) + 1000, jitter_ms, trip_ms)
    assert worse is not None
    assert worse <= score
