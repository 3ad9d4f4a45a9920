"""While caller and buyer talk: keys that the bridge does not carry, hold music, and keys that pause the recording."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story, sold

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.table import State
from trunkline.engine.calls.tape import PAUSES_MAX
from trunkline.events.calls import RecordingPaused, RecordingResumed

pytestmark = pytest.mark.unit

MUSIC = "{hold_music: {file: prompts/music.wav}}"
PAUSES = "{recording: {mode: from_connect, announce: 'Recorded.', pause_keys: '*1'}}"


def holds(story: Story, side: i.Side, held: bool = True) -> None:
    """A party holds or resumes."""
    story.tell(i.Held(side, held))


def music(story: Story) -> list[tuple[str, str]]:
    """What was done about music, in order: `on` or `off`, and for whom. The stop before the bridge is none of it."""
    bridge = next(place for place, command in enumerate(story.said) if isinstance(command, c.Bridge))
    told = [command for command in story.said[bridge:] if isinstance(command, c.HoldMusic | c.StopPlay)]
    return [("on" if isinstance(command, c.HoldMusic) else "off", command.side) for command in told]


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_that_the_bridge_did_not_carry_is_sent_to_the_other_side() -> None:
    story = sold()
    story.tell(i.KeyPressed("caller", "5", relay=True))
    story.tell(i.KeyPressed("buyer", "#", relay=True))
    assert story.digits == [("buyer", "5"), ("caller", "#")]


def test_a_key_that_the_bridge_carried_is_not_sent_again() -> None:
    story = sold()
    story.presses("5")
    story.presses("5", "buyer")
    assert story.digits == []


def test_keys_before_the_bridge_reach_nobody() -> None:
    story = Story().arrives()
    story.tell(i.KeyPressed("caller", "5", relay=True))
    assert story.digits == []


# -- hold --------------------------------------------------------------------------------------------------------------


def test_who_is_held_hears_music_until_the_other_one_resumes() -> None:
    story = sold(campaign=MUSIC)
    holds(story, "buyer")
    holds(story, "buyer")
    assert music(story) == [("on", "caller")]
    assert story.did(c.HoldMusic)[0].music.file == "prompts/music.wav"
    holds(story, "buyer", held=False)
    assert music(story) == [("on", "caller"), ("off", "caller")]


def test_the_caller_may_hold_as_well() -> None:
    story = sold(campaign=MUSIC)
    holds(story, "caller")
    holds(story, "caller", held=False)
    assert music(story) == [("on", "buyer"), ("off", "buyer")]


def test_when_both_hold_nobody_listens() -> None:
    story = sold(campaign=MUSIC)
    holds(story, "buyer")
    holds(story, "caller")
    assert music(story) == [("on", "caller"), ("off", "caller")]
    holds(story, "caller", held=False)
    assert music(story)[2:] == [("on", "caller")]
    holds(story, "buyer", held=False)
    assert music(story)[3:] == [("off", "caller")]


def test_without_music_nothing_is_played() -> None:
    story = sold()
    holds(story, "buyer")
    assert music(story) == []


def test_a_caller_who_holds_while_it_rings_is_remembered() -> None:
    story = Story(campaign=MUSIC).arrives()
    holds(story, "caller")
    story.answers()
    assert music(story) == [("on", "buyer")]


def test_a_buyer_who_holds_and_does_not_take_the_call_is_forgotten() -> None:
    story = Story("a", "b", campaign=MUSIC, target="{press_to_accept: '1'}").arrives()
    story.answers()
    holds(story, "buyer")
    story.presses("2", "buyer")
    story.answers()
    story.presses("1", "buyer")
    assert (story.state, music(story)) == (State.CONNECTED, [])


def test_the_announcement_goes_before_the_music() -> None:
    story = sold(campaign="{hold_music: {file: m.wav}, recording: {mode: from_connect, announce: 'Recorded.'}}")
    story.heard("buyer")
    holds(story, "buyer")
    assert music(story) == []
    story.heard()
    assert music(story) == [("on", "caller")]
    assert story.recording, "it was heard whole"


# -- pausing the recording ---------------------------------------------------------------------------------------------


def recorded(campaign: str = PAUSES) -> Story:
    """A call that is joined and recorded."""
    story = sold(campaign=campaign)
    story.heard("buyer")
    story.heard()
    assert story.recording
    return story


def press(story: Story, keys: str, side: i.Side = "buyer", apart: float = 0.5) -> None:
    """Press keys one after the other."""
    for key in keys:
        story.passes(apart)
        story.presses(key, side)


def tape(story: Story) -> list[type]:
    """The commands and events that paused the recording, or let it go on."""
    kinds = (c.PauseRecord, c.ResumeRecord)
    return [type(command) for command in story.said if isinstance(command, kinds)]


def test_the_buyer_pauses_and_resumes_by_its_keys() -> None:
    story = recorded()
    press(story, "*1")
    (paused,) = story.events(RecordingPaused)
    assert (paused.by, paused.at_ms, tape(story)) == ("buyer", story.now.utc_ms, [c.PauseRecord])
    press(story, "*1")
    (resumed,) = story.events(RecordingResumed)
    assert (resumed.by, tape(story)) == ("buyer", [c.PauseRecord, c.ResumeRecord])


@pytest.mark.parametrize(("keys", "pauses"), [("**1", 1), ("1*", 0), ("*21", 0), ("9*1", 1), ("*1*1*1", 2)])
def test_only_the_whole_sequence_counts(keys: str, pauses: int) -> None:
    story = recorded()
    press(story, keys)
    assert len(story.events(RecordingPaused)) == pauses


def test_keys_that_come_too_slowly_are_no_sequence() -> None:
    story = recorded()
    press(story, "*1", apart=3.1)
    assert tape(story) == []


def test_the_callers_keys_pause_nothing() -> None:
    story = recorded()
    press(story, "*1", "caller")
    assert tape(story) == []


def test_without_pause_keys_nothing_pauses() -> None:
    story = recorded("{recording: {mode: from_connect, announce: 'Recorded.'}}")
    press(story, "*1")
    assert tape(story) == []


def test_a_buyer_that_pauses_before_the_file_begins_has_it_begin_paused() -> None:
    story = sold(campaign=PAUSES)
    story.heard("buyer")
    press(story, "*1")
    assert story.events(RecordingPaused) == []
    story.heard()
    assert (tape(story), story.events(RecordingPaused)[0].by) == ([c.PauseRecord], "buyer")


def test_a_sensitive_question_is_journaled_as_a_pause() -> None:
    flow = ASKS.replace("menu: {say", "menu: {sensitive: true, say")
    story = Story(flow=flow, campaign="{recording: {mode: from_answer, announce: 'Recorded.'}}").arrives()
    story.heard()
    assert [event.by for event in story.events(RecordingPaused)] == ["flow"]
    story.presses("1")
    assert [event.by for event in story.events(RecordingResumed)] == ["flow"]


def test_a_buyer_that_pauses_without_end_has_the_tape_stand_to_the_end() -> None:
    story = recorded()
    press(story, "*1" * 2 * (PAUSES_MAX + 5), apart=0.01)
    assert len(story.events(RecordingPaused)) == PAUSES_MAX
    assert len(story.events(RecordingResumed)) == PAUSES_MAX - 1
    assert tape(story)[-1] is c.PauseRecord


def test_a_file_that_ends_paused_is_simply_ended() -> None:
    story = recorded()
    press(story, "*1")
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert story.events(RecordingResumed) == []
