"""A bidder that does not answer is left alone, tried again now and then, and asked again once it lives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.bidders.breaker import FAILURES, WAIT_S, WAIT_S_MAX, WINDOW, Breaker, Command, Event, State

pytestmark = pytest.mark.unit


def broken(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    told = [breaker.handle(Event.FAILED, now, "timeout") for _ in range(FAILURES)]
    assert told == [[]] * (FAILURES - 1) + [[Command.DOWN]]
    return breaker


def test_failures_in_a_row_open_it_and_say_why() -> None:
    breaker = broken()
    assert (breaker.state, breaker.lets, breaker.reason) == (State.OPEN, False, "timeout")


def test_life_in_between_keeps_it_closed() -> None:
    breaker = Breaker()
    for _ in range(WINDOW):
        breaker.handle(Event.WORKED, 0)
        breaker.handle(Event.WORKED, 0)
        breaker.handle(Event.FAILED, 0, "http_error")
    assert (breaker.state, breaker.lets) == (State.CLOSED, True)


def test_a_bidder_that_answers_every_other_time_is_none_to_wait_for() -> None:
    breaker = Breaker()
    for _ in range(WINDOW // 2):
        breaker.handle(Event.WORKED, 0)
        breaker.handle(Event.FAILED, 0, "timeout")
    assert breaker.state is State.OPEN


def test_one_auction_at_a_time_tries_it_again() -> None:
    breaker = broken()
    assert breaker.handle(Event.TICK, WAIT_S - 0.01) == []
    assert breaker.handle(Event.TICK, WAIT_S) == [Command.UP]
    assert (breaker.state, breaker.lets) == (State.HALF, True)
    breaker.handle(Event.ASKED, WAIT_S)
    assert not breaker.lets
    breaker.handle(Event.DROPPED, WAIT_S)
    assert breaker.lets, "the caller of the trial has gone: the next may try"
    breaker.handle(Event.ASKED, WAIT_S)
    assert breaker.handle(Event.WORKED, WAIT_S) == []
    assert (breaker.state, breaker.lets) == (State.CLOSED, True)


def test_the_wait_grows_and_shrinks_again() -> None:
    breaker, now, waits = broken(), 0.0, []
    for _ in range(6):
        due = breaker.next_timer()
        assert due is not None
        waits.append(due - now)
        now = due
        breaker.handle(Event.TICK, now)
        breaker.handle(Event.ASKED, now)
        assert breaker.handle(Event.FAILED, now, "timeout") == [Command.DOWN]
    assert waits == [5.0, 10.0, 20.0, 40.0, WAIT_S_MAX, WAIT_S_MAX]
    breaker.handle(Event.TICK, now + WAIT_S_MAX)
    breaker.handle(Event.WORKED, now)
    for _ in range(FAILURES):
        breaker.handle(Event.FAILED, now, "timeout")
    assert breaker.next_timer() == now + WAIT_S


@given(st.lists(st.tuples(st.sampled_from(list(Event)), st.floats(0, 30)), max_size=120))
def test_whatever_happens_down_and_up_take_turns(told: list[tuple[Event, float]]) -> None:
    breaker, now, commands = Breaker(), 0.0, []
    for event, later in told:
        now += later
        commands += breaker.handle(event, now, "timeout")
        assert not (breaker.state is State.OPEN and breaker.lets)
        assert (breaker.next_timer() is not None) == (breaker.state is State.OPEN)
    assert commands == [Command.DOWN, Command.UP] * (len(commands) // 2) + [Command.DOWN] * (len(commands) % 2)
