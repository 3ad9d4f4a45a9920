"""How many leads a publisher may send in a minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.switch.leads.pace import MINUTE_S, Pace, Paces

pytestmark = pytest.mark.unit


def test_as_many_as_may_pass_and_the_next_is_told_when() -> None:
    pace = Pace()
    assert [pace.take(3, second) for second in (100, 100, 110)] == [None, None, None]
    assert pace.take(3, 120) == 40  # the first two leave the last minute at 160
    assert pace.take(3, 159) == 1
    assert [pace.take(3, 160), pace.take(3, 160), pace.take(3, 160)] == [None, None, 10]


def test_a_pause_forgets_everything() -> None:
    pace = Pace()
    assert pace.take(1, 5) is None
    assert pace.take(1, 10_000) is None
    assert pace.take(1, 10_000) == MINUTE_S


def test_publishers_do_not_share() -> None:
    paces = Paces()
    assert paces.take("acme", "a", 1, 0) is None
    assert paces.take("acme", "b", 1, 0) is None
    assert paces.take("acme", "a", 1, 0) == MINUTE_S
    assert paces.take("acme", "a", None, 0) is None


@given(st.lists(st.integers(0, 90), max_size=60), st.integers(1, 5))
def test_no_minute_has_more(gaps: list[int], most: int) -> None:
    pace, now_s = Pace(), 0
    passed: list[int] = []
    for gap in gaps:
        now_s += gap
        wait_s = pace.take(most, now_s)
        if wait_s is None:
            passed.append(now_s)
        else:
            assert 1 <= wait_s <= MINUTE_S
    assert all(sum(second - MINUTE_S < each <= second for each in passed) <= most for second in passed)
