"""Keys that are sent to a buyer after its answer: which, when, and what waits for them."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import Story

from trunkline.engine.calls import commands as c
from trunkline.engine.calls.digits import KeyStep, key_steps
from trunkline.engine.calls.table import State
from trunkline.events.calls import AttemptConnected, CallAnswered

pytestmark = pytest.mark.unit

EXTENSION = "{post_answer_digits: 'w12p3'}"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("1", [("1", 200)]),
        ("123#", [("123#", 800)]),
        ("w", [("", 500)]),
        ("wwp1", [("", 3_000), ("1", 200)]),
        ("1w", [("1", 700)]),
        ("w12p3", [("", 500), ("12", 2_400), ("3", 200)]),
        ("*A1wD", [("*A1", 1_100), ("D", 200)]),
    ],
)
def test_keys_and_pauses_become_steps(text: str, steps: list[tuple[str, int]]) -> None:
    assert key_steps(text) == tuple(KeyStep(*step) for step in steps)


def sent(story: Story) -> list[str]:
    """The keys that the buyer was sent."""
    return [command.digits for command in story.did(c.SendDigits)]


def test_keys_are_sent_after_the_answer_and_the_caller_waits_for_their_end() -> None:
    story = Story(target=EXTENSION).arrives()
    story.answers()
    assert (story.state, sent(story), story.bridged) == (State.KEYING, [], False)
    assert story.events(AttemptConnected), "the buyer has taken the call"
    story.passes(0.499)
    assert sent(story) == []
    story.passes(0.001)
    assert sent(story) == ["12"]
    story.passes(2.4)
    assert sent(story) == ["12", "3"]
    story.passes(0.199)
    assert (story.state, story.events(CallAnswered)) == (State.KEYING, [])
    story.passes(0.001)
    assert (story.state, story.bridged) == (State.CONNECTED, True)


def test_whoever_is_behind_the_extension_hears_the_whisper() -> None:
    story = Story(target="{post_answer_digits: '7', whisper: 'A call.'}").arrives()
    story.answers()
    assert story.played("buyer") == []
    story.passes(0.2)
    assert (story.state, story.played("buyer")) == (State.BRIEFING, ["A call."])


def test_whoever_is_behind_the_extension_presses_the_key_to_accept() -> None:
    story = Story(target="{post_answer_digits: '7', press_to_accept: '1', whisper: 'Press 1.'}").arrives()
    story.answers()
    assert (story.state, story.played("buyer")) == (State.PRESSING, [])
    story.presses("1", "buyer")
    assert story.state is State.PRESSING, "nobody was asked yet"
    story.passes(0.2)
    assert story.played("buyer") == ["Press 1."]
    story.presses("1", "buyer")
    assert (story.state, sent(story)) == (State.CONNECTED, ["7"])


def test_a_buyer_that_leaves_while_keys_are_sent_ends_the_call() -> None:
    story = Story(target=EXTENSION).arrives()
    story.answers()
    story.passes(1)
    story.buyer_leaves()
    assert story.outcome() == ("sold", None, "buyer")
    assert sent(story) == ["12"]


def test_each_phone_of_a_group_that_is_asked_gets_the_keys() -> None:
    story = Story(
        target="{post_answer_digits: '7w', press_to_accept: '1', also_dial: ['sip:two@127.0.0.1:5082']}"
    ).arrives()
    story.answers(1)
    story.answers(0)
    assert [(command.leg, command.digits) for command in story.did(c.SendDigits)] == [(1, "7"), (0, "7")]
    story.passes(0.7)
    assert set(story.playing) == {"buyer", "buyer.2"}
