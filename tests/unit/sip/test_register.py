"""A registration: when it is asked for, renewed, tried again and taken back."""

from __future__ import annotations

import pytest

from trunkline.sip.message import Response
from trunkline.sip.register import (
    BACK_OFF_S_MAX,
    TRANSITIONS,
    Answered,
    Ask,
    Failed,
    Input,
    Over,
    Registered,
    Registration,
    Start,
    State,
    Stop,
    Tick,
    granted_seconds,
    min_expires_seconds,
)

pytestmark = pytest.mark.unit


def started(seconds: int = 600, chance: float = 0.0) -> Registration:
    made = Registration(seconds, lambda: chance)
    assert made.handle(Start(), 0.0) == [Ask(seconds)]
    return made


def registered(granted_s: int = 600, chance: float = 0.0) -> Registration:
    made = started(chance=chance)
    assert made.handle(Answered(200, granted_s), 0.0) == [Registered(granted_s)]
    return made


@pytest.mark.parametrize(
    ("granted_s", "chance", "due"),
    [(600, 0.0, 480.0), (600, 1.0, 432.0), (3600, 0.0, 3480.0), (60, 0.0, 30.0), (1, 0.0, 0.5)],
)
def test_a_binding_is_renewed_well_before_its_end(granted_s: int, chance: float, due: float) -> None:
    made = registered(granted_s, chance)
    assert made.next_timer() == pytest.approx(due)
    assert made.handle(Tick(), due) == [Ask(600)]
    assert made.next_timer() is None, "an answer is waited for, and the core tells of silence"
    assert made.registered(due)
    assert made.handle(Answered(200, granted_s), due + 0.1) == [Registered(granted_s)]
    assert made.expires_at == due + 0.1 + granted_s


def test_an_interval_too_brief_is_asked_for_once_more_and_remembered() -> None:
    made = started(60)
    assert made.handle(Answered(423, min_expires_s=1800), 0.0) == [Ask(1800)]
    made.handle(Answered(200, 1800), 0.0)
    assert made.handle(Tick(), 1000.0) == [Ask(1800)]


@pytest.mark.parametrize("least", [0, 60, 600, 86_401, 10**9])
def test_a_423_that_helps_nobody_is_a_failure(least: int) -> None:
    (failed,) = started(600).handle(Answered(423, min_expires_s=least), 0.0)
    assert isinstance(failed, Failed)


@pytest.mark.parametrize("status", [None, 408, 500, 503, 301])
def test_tries_come_slower_up_to_half_an_hour(status: int | None) -> None:
    made, waits, now = started(chance=1.0), [], 0.0
    for _ in range(9):
        (failed,) = made.handle(Answered(status), now)
        assert isinstance(failed, Failed)
        waits.append(failed.wait_s)
        due = made.next_timer()
        assert due == now + failed.wait_s
        now = due
        assert made.handle(Tick(), now) == [Ask(600)]
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    made.handle(Answered(200, 600), now)
    made.handle(Tick(), now + 480)
    assert made.handle(Answered(status), now + 480) == [Failed(status, 30.0)], "a success ends the row"


def test_half_of_the_wait_is_left_to_chance() -> None:
    assert started(chance=0.0).handle(Answered(503), 0.0) == [Failed(503, 15.0)]


@pytest.mark.parametrize("status", [401, 403, 404, 407])
def test_a_refusal_of_us_is_not_asked_again_soon(status: int) -> None:
    assert started(chance=0.0).handle(Answered(status), 0.0) == [Failed(status, 300.0)]


def test_retry_after_is_kept_within_reason() -> None:
    assert started().handle(Answered(503, retry_after_s=100), 0.0) == [Failed(503, 100)]
    assert started().handle(Answered(503, retry_after_s=10**8), 0.0) == [Failed(503, BACK_OFF_S_MAX)]


def test_a_binding_lives_on_while_renewing_fails() -> None:
    made = registered(600)
    made.handle(Tick(), 480.0)
    made.handle(Answered(None), 512.0)
    assert made.registered(599.0)
    assert not made.registered(600.0)


def test_a_2xx_that_binds_nothing_is_a_failure() -> None:
    (failed,) = started().handle(Answered(200, 0), 0.0)
    assert isinstance(failed, Failed)


@pytest.mark.parametrize("answer", [Answered(200), Answered(None), Answered(403), Answered(423, min_expires_s=9_000)])
def test_it_is_taken_back_once_whatever_the_answer(answer: Answered) -> None:
    made = registered()
    assert made.handle(Stop(), 10.0) == [Ask(0)]
    assert made.next_timer() is None
    assert not made.registered(10.0)
    assert made.handle(answer, 11.0) == [Over()]
    assert made.handle(Stop(), 12.0) == []
    assert made.state == State.OFF


def test_it_is_taken_back_while_an_answer_is_waited_for() -> None:
    assert started().handle(Stop(), 1.0) == [Ask(0)], "the answer may come, and there was a binding"


def test_without_a_binding_there_is_nothing_to_take_back() -> None:
    made = started()
    made.handle(Answered(503), 0.0)
    assert made.handle(Stop(), 1.0) == [Over()]
    assert made.next_timer() is None


def test_a_binding_that_could_not_be_renewed_is_taken_back_too() -> None:
    made = registered(600)
    made.handle(Tick(), 480.0)
    made.handle(Answered(503), 480.0)
    assert made.handle(Stop(), 490.0) == [Ask(0)]


def test_the_table_leaves_no_state_without_a_way_out() -> None:
    for state in State:
        ways = {given for (at, given) in TRANSITIONS if at == state}
        assert ways, state
        if state not in (State.OFF, State.LEAVING):
            assert Input.STOP in ways, state


# -- what a registrar says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "granted"),
    [
        ([("Contact", "<sip:us@192.0.2.1:5060>;expires=300"), ("Expires", "900")], 300),
        ([("Contact", "<sip:other@192.0.2.1>;expires=20, <sip:us@203.0.113.9:40000;ob>;q=1;expires=300")], 300),
        ([("Contact", "<sip:other@192.0.2.1>;expires=20"), ("Expires", "900")], 900),
        ([("Contact", "<sip:us@192.0.2.1:5060>"), ("Expires", "900")], 900),
        ([("Contact", "<sip:us@192.0.2.1:5060>;expires=soon")], 600),
        ([("Contact", "<<<"), ("Expires", "30")], 30),
        ([("Contact", "<sip:us@192.0.2.1:5060>;expires=0")], 0),
        ([], 600),
    ],
)
def test_how_long_was_granted(headers: list[tuple[str, str]], granted: int) -> None:
    assert granted_seconds(Response(200, "OK", headers), "us", 600) == granted


@pytest.mark.parametrize(("text", "seconds"), [("1800", 1800), ("", 0), ("-5", 0), ("99999999999", 0), ("1h", 0)])
def test_the_least_that_is_granted(text: str, seconds: int) -> None:
    assert min_expires_seconds(Response(423, "Interval Too Brief", [("Min-Expires", text)])) == seconds
