"""Who is waited for how long: nobody beyond the auction, no auction beyond the caller's patience."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.routing.deadlines import (
    DEADLINE_MS,
    LAG_MS,
    NETWORK_MS,
    RESERVE_MS,
    allowed_ms,
    ask_within_ms,
    auction_ms,
    closing_ms,
    lag_ms,
    told_ms,
)

pytestmark = pytest.mark.unit

MS = st.integers(1, 60_000)


def test_the_tier_says_how_long_unless_the_caller_is_gone_before() -> None:
    assert auction_ms(None, 60_000) == DEADLINE_MS
    assert auction_ms(700, 60_000) == 700
    assert auction_ms(700, 250) == 250
    assert auction_ms(700, -5) == 1


def test_our_own_work_and_the_way_back_are_taken_off() -> None:
    assert closing_ms(1_500) == 1_500 - RESERVE_MS
    assert allowed_ms(1_500, 800) == 800
    assert allowed_ms(1_500, 5_000) == 1_500 - RESERVE_MS
    assert allowed_ms(1_500, 800, 120) == 120
    assert told_ms(800) == 800 - NETWORK_MS
    assert ask_within_ms(800) == 200
    assert (lag_ms(800), lag_ms(80)) == (100, LAG_MS)


@given(MS, MS, st.none() | MS)
def test_whatever_is_configured_there_is_time_and_never_more_than_there_is(
    deadline: int, timeout: int, adaptive: int | None
) -> None:
    allowed = allowed_ms(deadline, timeout, adaptive)
    assert 1 <= allowed <= min(deadline, timeout)
    assert allowed <= closing_ms(deadline) <= deadline
    assert adaptive is None or allowed <= adaptive
    assert 1 <= told_ms(allowed) <= allowed
    assert told_ms(allowed) >= allowed // 2
    assert 0 <= ask_within_ms(allowed) < allowed
