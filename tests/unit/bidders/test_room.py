"""The number of requests that may be open follows what the switch can hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.bidders.room import FIRST, LEAST, MOST, PAUSE_S, Room

pytestmark = pytest.mark.unit


def test_it_grows_while_answers_come_in_time() -> None:
    room = Room()
    assert room.most == FIRST
    for _ in range(25):
        room.kept_up()
    assert room.most == FIRST + 2
    for _ in range(10 * MOST):
        room.kept_up()
    assert room.most == MOST


def test_one_lag_takes_a_third_of_what_was_open_once() -> None:
    room = Room()
    room.lagged(200, 1.0)
    assert room.most == 140, "what was open, not what might have been"
    room.lagged(140, 1.0 + PAUSE_S / 2)
    assert room.most == 140, "the same lag, noticed again"
    room.lagged(140, 1.0 + PAUSE_S)
    assert room.most == LEAST


def test_a_lag_that_has_nothing_to_do_with_bidders_changes_nothing() -> None:
    room = Room()
    room.lagged(LEAST, 1.0)
    assert room.most == FIRST
    room.lagged(LEAST + 1, 1.0)
    assert room.most == LEAST, "and does not count as one either"


@given(st.lists(st.none() | st.integers(0, 2_000), max_size=300))
def test_the_bounds_hold(told: list[int | None]) -> None:
    room = Room()
    for at, opened in enumerate(told):
        if opened is None:
            room.kept_up()
        else:
            before = room.most
            room.lagged(opened, float(at))
            assert room.most <= before
        assert LEAST <= room.most <= MOST
