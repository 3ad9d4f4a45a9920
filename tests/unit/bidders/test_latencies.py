"""A bidder that mostly answers fast is given up early, but never so early that it could not come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.bidders.latencies import LEAST_MS, REMEMBERED, SAMPLES_MIN, SHARE, UNKNOWN_MS, Latencies

pytestmark = pytest.mark.unit


def seen(*answers: int) -> Latencies:
    latencies = Latencies()
    for ms in answers:
        latencies.took(ms)
    return latencies


def test_nothing_is_concluded_from_a_few_answers() -> None:
    assert seen(*[20] * (SAMPLES_MIN - 1)).adaptive_ms(800) is None
    assert seen().usual_ms == UNKNOWN_MS


def test_twice_what_nearly_all_answers_take_is_enough() -> None:
    assert seen(*[180] * REMEMBERED).adaptive_ms(800) == 360
    assert seen(*[180] * (REMEMBERED - 4), 900, 900, 900, 900).adaptive_ms(800) == 360, "a few slow ones do not count"


def test_a_fast_bidder_keeps_a_quarter_of_its_time() -> None:
    assert seen(*[5] * REMEMBERED).adaptive_ms(800) == 800 // SHARE
    assert seen(*[5] * REMEMBERED).adaptive_ms(200) == LEAST_MS


def test_a_bidder_that_becomes_slower_is_given_more_time_again() -> None:
    latencies = seen(*[50] * REMEMBERED)
    assert latencies.adaptive_ms(800) == 200
    for _ in range(REMEMBERED // 4):
        latencies.took(800)  # silence counts as the whole time
    assert latencies.adaptive_ms(800) == 1_600, "more than is configured, which then counts"


def test_the_newest_answers_say_how_long_it_takes() -> None:
    latencies = seen(100)
    assert latencies.usual_ms == 100
    for _ in range(40):
        latencies.took(20)
    assert 20 <= latencies.usual_ms < 21


@given(st.lists(st.integers(0, 10_000), max_size=200), st.integers(10, 10_000))
def test_the_bounds_hold(answers: list[int], timeout: int) -> None:
    found = seen(*answers).adaptive_ms(timeout)
    assert found is None or found >= max(LEAST_MS, timeout // SHARE)
