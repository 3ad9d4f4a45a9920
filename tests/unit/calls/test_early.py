"""Early media: a caller hears a buyer's phone before it answers, where the campaign says so."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i

pytestmark = pytest.mark.unit

PASS = "{early_media: pass}"
GROUP = "{also_dial: ['sip:two@127.0.0.1:5082']}"


def heard(story: Story, leg: int = 0, *, early: bool = True) -> None:
    """A phone sends 183."""
    story.tell(i.BuyerRings(story.attempt, leg, early))


def test_by_default_a_caller_hears_ringing_and_nothing_early() -> None:
    story = Story().arrives()
    heard(story)
    assert story.did(c.Alert)
    assert not story.did(c.PassEarly)


def test_a_caller_who_was_not_answered_hears_the_phone_once_and_is_then_joined_to_it() -> None:
    story = Story(campaign=PASS).arrives()
    for _ in range(3):
        heard(story)
    heard(story, early=False)
    assert story.did(c.PassEarly) == [c.PassEarly(story.attempt, 0)]
    assert not story.did(c.Alert)
    story.answers()
    assert story.bridged
    assert not story.did(c.EndEarly)
    assert not story.did(c.StopPlay), "nothing of ours was heard"


def test_ringing_follows_when_the_phone_is_out_and_the_next_one_is_heard_in_its_place() -> None:
    story = Story("a", "b", campaign=PASS).arrives()
    heard(story)
    first = story.attempt
    story.refuses(486)
    assert story.did(c.EndEarly) == [c.EndEarly(first, 0, None)]
    story.tell(i.BuyerRings(story.attempt))
    assert not story.did(c.Alert), "the caller knows already that it rings"
    heard(story)
    assert story.early == story.attempt
    story.answers()
    assert story.bridged
    assert story.did(c.StopPlay), "the ringing of before the second phone was heard"


def test_ringing_follows_when_another_server_is_asked_and_its_phone_is_heard_in_its_place() -> None:
    story = Story(campaign=PASS).arrives()
    attempt = story.attempt
    heard(story)
    story.tell(i.BuyerMoved(attempt))
    story.tell(i.BuyerMoved(attempt))
    assert story.did(c.EndEarly) == [c.EndEarly(attempt, 0, None)]
    heard(story)
    assert story.did(c.PassEarly) == [c.PassEarly(attempt, 0)] * 2
    assert (story.attempt, story.early) == (attempt, attempt)
    story.answers()
    assert story.bridged


def test_a_phone_that_is_not_the_one_heard_may_move_without_a_word() -> None:
    story = Story(campaign=PASS, target=GROUP).arrives()
    heard(story, 1)
    story.tell(i.BuyerMoved(story.attempt, 0))
    assert not story.did(c.EndEarly)


def test_a_caller_in_a_flow_hears_the_phone_in_place_of_ringing() -> None:
    story = Story(flow=ASKS, campaign=PASS).arrives()
    story.presses("1")
    heard(story)
    assert story.did(c.PassEarly)
    story.answers()
    assert story.bridged


@pytest.mark.parametrize(
    "target", ["{whisper: Hello.}", "{press_to_accept: '1'}", "{post_answer_digits: '1w2'}"], ids=str
)
def test_what_the_buyer_is_told_after_its_answer_is_not_for_the_caller(target: str) -> None:
    story = Story(campaign=PASS, target=target).arrives()
    heard(story)
    story.answers()
    assert story.early is None
    assert story.did(c.EndEarly)
    assert not story.bridged


def test_of_several_phones_the_first_is_heard_and_ringing_follows_when_another_answers() -> None:
    story = Story(campaign=PASS, target=GROUP).arrives()
    heard(story, 1)
    heard(story, 0)
    assert story.did(c.PassEarly) == [c.PassEarly(story.attempt, 1)]
    story.answers(0)
    assert story.did(c.EndEarly) == [c.EndEarly(story.attempt, 1, None)]
    assert story.bridged


def test_a_caller_who_leaves_while_hearing_a_phone_leaves_nothing() -> None:
    story = Story(campaign=PASS).arrives()
    heard(story)
    story.caller_leaves()
    story.check_over()


def test_what_a_peer_says_of_the_end_is_kept() -> None:
    story = Story("a", "b").arrives()
    story.tell(i.BuyerRefused(story.attempt, 486, 0, "q850_17"))
    story.ringing.clear()
    story.durable()
    story.answers()
    story.ringing.clear()
    story.tell(i.BuyerLeft(story.attempt, 0, "q850_16"))
    ended = [event for event in story.written if type(event).__name__ == "AttemptEnded"]
    assert [event.reason for event in ended] == ["q850_17", "q850_16"]  # type: ignore[union-attr]
