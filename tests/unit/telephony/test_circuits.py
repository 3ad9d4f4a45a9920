"""When a server is given no calls any more, and when it gets them again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.telephony.sip.circuits import (
    AGAIN_S,
    FAILURES,
    MISSES,
    TRANSITIONS,
    WAIT_S,
    Circuit,
    Command,
    Event,
    State,
)

pytestmark = pytest.mark.unit

F, W, T = Event.FAILED, Event.WORKED, Event.TICK
PW, PF = Event.PROBE_WORKED, Event.PROBE_FAILED


def opened(at: float = 100.0) -> Circuit:
    circuit = Circuit()
    for place in range(FAILURES):
        commands = circuit.handle(F, at, "no_response")
        assert commands == ([Command.DOWN] if place == FAILURES - 1 else [])
    assert circuit.down
    return circuit


def test_failures_in_a_row_open_it_and_one_success_between_them_does_not() -> None:
    circuit = Circuit()
    for _ in range(5):
        assert circuit.handle(F, 100.0) == circuit.handle(F, 101.0) == circuit.handle(W, 102.0) == []
    assert opened().reason == "no_response"


def test_failures_far_apart_do_not_open_it() -> None:
    circuit = Circuit()
    for at in range(0, 6_000, 50):
        assert circuit.handle(F, float(at)) == []


def test_two_answered_probes_close_it_and_one_does_not() -> None:
    circuit = opened()
    assert circuit.handle(T, 100.0 + WAIT_S - 0.1) == []
    assert circuit.handle(T, 100.0 + WAIT_S) == [Command.PROBE]
    assert circuit.handle(T, 100.0 + WAIT_S + 1) == [], "one at a time"
    assert (circuit.handle(PW, 106.0), circuit.down) == ([], True)
    assert circuit.handle(T, 106.0 + AGAIN_S) == [Command.PROBE]
    assert (circuit.handle(PF, 108.0), circuit.state) == ([], State.OPEN)
    assert circuit.handle(T, circuit.due_s) == [Command.PROBE]
    assert circuit.handle(PW, 120.0) == []
    assert circuit.handle(T, 121.0) == [Command.PROBE]
    assert (circuit.handle(PW, 121.5), circuit.state) == ([Command.UP], State.CLOSED)
    assert circuit.next_timer() is None
    assert circuit.idle


def test_a_server_that_never_answers_options_gets_a_call_to_show_itself() -> None:
    circuit, waits = opened(), []
    for _ in range(3):
        due = circuit.next_timer()
        assert due is not None
        waits.append(due)
        assert circuit.handle(T, due) == [Command.PROBE]
        commands = circuit.handle(PF, due + 4)
    assert (commands, circuit.state) == ([Command.UP], State.TRIAL)
    assert [round(after - before) for before, after in pairwise(waits)] == [14, 24], "4 + 10, 4 + 20"
    assert circuit.handle(F, 200.0, "sip_503") == [Command.DOWN], "the first failure is enough"
    again = opened()
    again.state = State.TRIAL
    assert (again.handle(W, 300.0), again.state) == ([], State.CLOSED)


def test_one_that_has_answered_options_before_is_not_tried_with_calls() -> None:
    circuit = opened()
    circuit.handle(T, circuit.due_s)
    circuit.handle(PW, 106.0)
    for _ in range(10):
        circuit.handle(T, circuit.due_s)
        circuit.handle(PF, circuit.due_s + 1)
    assert circuit.state is State.OPEN


def test_keepalives_go_out_all_the_time_and_count_like_calls() -> None:
    circuit = Circuit()
    circuit.keep_alive(30, 100.0)
    assert circuit.handle(T, 100.0) == [Command.PROBE]
    assert (circuit.handle(PW, 100.1), circuit.next_timer()) == ([], 130.0)
    at = 130.0
    for place in range(MISSES):
        assert circuit.handle(T, at) == [Command.PROBE]
        assert circuit.handle(PF, at + 4, "keepalive") == ([Command.DOWN] if place == MISSES - 1 else [])
        at = circuit.due_s
    for _ in range(20):
        assert circuit.handle(T, circuit.due_s) == [Command.PROBE]
        circuit.handle(PF, circuit.due_s)
        assert circuit.state is State.OPEN, "keepalives alone decide"
    circuit.keep_alive(None, 0.0)
    assert circuit.next_timer() is not None, "it is still asked after"


@given(st.lists(st.tuples(st.sampled_from(list(Event)), st.floats(0, 100))), st.sampled_from([None, 1.0, 30.0]))
def test_whatever_happens_it_says_down_and_up_in_turn_and_never_waits_for_ever(
    steps: list[tuple[Event, float]], keepalive_s: float | None
) -> None:
    circuit, now, down = Circuit(), 1_000.0, False
    circuit.keep_alive(keepalive_s, now)  # type: ignore[arg-type]
    probing = False
    for event, passed in steps:
        now += passed
        if event in (PW, PF) and not probing:
            continue
        for command in circuit.handle(event, now, "x"):
            if command is Command.PROBE:
                probing = True
            else:
                assert (command is Command.DOWN) is not down
                down = command is Command.DOWN
        if event in (PW, PF):
            probing = False
        assert circuit.down is down
        if circuit.state in (State.OPEN, State.PROBED) and not probing:
            assert circuit.next_timer() is not None


def test_the_table_names_methods_that_are_there() -> None:
    assert {hasattr(Circuit, action) for action, _ in TRANSITIONS.values()} == {True}
