"""Every outcome that a call and an attempt can have, each by the shortest story that leads to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.calls.stories import Story, sold

from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome, outcome_of_status
from trunkline.events.calls import AttemptEnded

pytestmark = pytest.mark.unit


def rung(target: str = "{}") -> Story:
    return Story(target=target).arrives()


def answered() -> Story:
    story = rung("{press_to_accept: '1'}")
    story.answers()
    return story


def unsaved() -> Story:
    story = Story()
    story.tell(i.Arrived())
    return story


def spoken() -> Story:
    story = Story(flow="{start: {voicemail: {}}}").arrives()
    story.heard()
    return story


CALLS: dict[CallOutcome, tuple[Callable[[], Story], Callable[[Story], object]]] = {
    CallOutcome.SOLD: (sold, Story.caller_leaves),
    CallOutcome.UNSOLD: (rung, lambda story: story.refuses(486)),
    CallOutcome.ABANDONED: (rung, Story.caller_leaves),
    CallOutcome.IVR_ENDED: (lambda: Story(flow="{start: {hang_up: {}}}"), Story.arrives),
    CallOutcome.VOICEMAIL: (spoken, lambda story: story.presses("#")),
    CallOutcome.FAILED: (unsaved, Story.disk_fails),
    CallOutcome.INTERRUPTED: (rung, lambda story: story.tell(i.HangUp("drain"))),
}
ATTEMPTS: dict[AttemptOutcome, tuple[Callable[[], Story], Callable[[Story], object]]] = {
    AttemptOutcome.CONNECTED: (sold, Story.caller_leaves),
    AttemptOutcome.BUSY: (rung, lambda story: story.refuses(486)),
    AttemptOutcome.NO_ANSWER: (rung, lambda story: story.passes(25)),
    AttemptOutcome.TIMEOUT: (rung, lambda story: story.tell(i.BuyerSilent(story.attempt))),
    AttemptOutcome.DECLINED: (rung, lambda story: story.refuses(603)),
    AttemptOutcome.NOT_ACCEPTED: (answered, lambda story: story.presses("2", "buyer")),
    AttemptOutcome.FAILED: (rung, lambda story: story.refuses(500)),
    AttemptOutcome.CALLER_GONE: (rung, Story.caller_leaves),
    AttemptOutcome.CAPACITY_LOST: (unsaved, Story.disk_fails),
    AttemptOutcome.INTERRUPTED: (rung, lambda story: story.tell(i.HangUp("drain"))),
}


@pytest.mark.parametrize("outcome", CALLS)
def test_a_call_can_end_so(outcome: CallOutcome) -> None:
    begin, end = CALLS[outcome]
    story = begin()
    end(story)
    assert story.over().outcome == outcome


def test_every_outcome_of_a_call_is_reached_here_but_one_that_no_rule_gives_yet() -> None:
    assert set(CallOutcome) - set(CALLS) == {CallOutcome.BLOCKED}


@pytest.mark.parametrize("outcome", ATTEMPTS)
def test_an_attempt_can_end_so(outcome: AttemptOutcome) -> None:
    begin, end = ATTEMPTS[outcome]
    story = begin()
    end(story)
    story.over()
    assert [each.outcome for each in story.events(AttemptEnded)] == [outcome]


def test_every_outcome_of_an_attempt_is_reached_here() -> None:
    assert set(ATTEMPTS) == set(AttemptOutcome)


def test_every_refusal_of_sip_has_an_outcome() -> None:
    found = {outcome_of_status(status) for status in range(300, 700)}
    assert found == {AttemptOutcome.BUSY, AttemptOutcome.NO_ANSWER, AttemptOutcome.DECLINED, AttemptOutcome.FAILED}
