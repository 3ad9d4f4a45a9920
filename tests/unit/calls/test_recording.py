"""What is recorded of a call: nothing of a party before it has heard that it may be, and nothing that is sensitive."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story, sold

from trunkline.engine.calls import commands as c
from trunkline.engine.calls.context import DEFAULT_ANNOUNCEMENT
from trunkline.engine.calls.selling import PRESS_PROMPT
from trunkline.engine.calls.table import State
from trunkline.events.calls import RecordingEnded, RecordingStarted

pytestmark = pytest.mark.unit

SAID = "You are recorded."


def rule(mode: str, **fields: str) -> str:
    """A campaign that records."""
    more = "".join(f", {name}: {value}" for name, value in fields.items())
    return f"{{recording: {{mode: {mode}, announce: '{SAID}'{more}}}}}"


ANSWER, CONNECT = rule("from_answer"), rule("from_connect")
PATH = "recordings/acme/2026/11/22/call.wav"


def sides(story: Story) -> list[tuple[str, ...]]:
    """The parties that are recorded, each time that changes."""
    return [command.sides for command in story.did(c.Record)]


def in_order(story: Story, *kinds: type[c.Command]) -> list[type[c.Command]]:
    """The commands of these kinds in the order in which they came."""
    return [type(command) for command in story.said if isinstance(command, kinds)]


# -- off -------------------------------------------------------------------------------------------------------------


def test_without_a_rule_nothing_is_announced_and_nothing_recorded() -> None:
    story = sold(flow="{start: {route: {}}}")
    story.caller_leaves()
    story.over()
    assert story.played() == []
    assert not story.did(c.Record)


# -- from_answer -----------------------------------------------------------------------------------------------------


def test_from_answer_records_the_caller_as_soon_as_it_has_heard_the_announcement() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    assert (story.state, story.played(), sides(story)) == (State.ANNOUNCING, [SAID], [])
    story.heard()
    assert (story.state, sides(story)) == (State.TALKING, [("caller",)])
    assert story.played() == [SAID, "Press 1."]
    assert story.events(RecordingStarted)[0].path == PATH


def test_the_buyer_joins_the_file_at_its_connection_when_it_has_heard_it_too() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    story.heard()
    story.presses("1")
    story.answers()
    assert (story.state, story.played("buyer"), sides(story)) == (State.BRIEFING, [SAID], [("caller",)])
    story.heard("buyer")
    assert sides(story) == [("caller",), ("caller", "buyer")]
    assert len(story.events(RecordingStarted)) == 1


def test_a_caller_answered_by_its_buyer_hears_it_over_the_bridge_and_is_recorded_from_then() -> None:
    story = Story(campaign=ANSWER).arrives()
    story.answers()
    story.heard("buyer")
    assert (story.bridged, sides(story)) == (True, [("buyer",)])
    assert story.played() == [SAID]
    story.heard()
    assert sides(story) == [("buyer",), ("caller", "buyer")]


# -- from_connect ----------------------------------------------------------------------------------------------------


def test_from_connect_announces_at_the_answer_but_records_nothing_of_the_flow() -> None:
    story = Story(flow=ASKS, campaign=CONNECT).arrives()
    story.heard()
    assert (story.played(), sides(story)) == ([SAID, "Press 1."], [])
    story.presses("1")
    story.answers()
    assert sides(story) == []
    story.heard("buyer")
    assert (story.bridged, sides(story)) == (True, [("caller", "buyer")])


def test_from_connect_waits_for_the_party_that_hears_it_last() -> None:
    story = Story(campaign=CONNECT).arrives()
    story.answers()
    story.heard("buyer")
    assert (story.bridged, sides(story)) == (True, [])
    story.heard()
    assert sides(story) == [("caller", "buyer")]


def test_a_whisper_comes_before_the_announcement_to_the_buyer() -> None:
    story = Story(campaign=CONNECT, target="{whisper: 'A call.'}").arrives()
    story.answers()
    assert story.played("buyer") == ["A call.", SAID]


def test_a_buyer_that_presses_before_the_end_still_hears_the_announcement_whole() -> None:
    story = Story(campaign=CONNECT, target="{press_to_accept: '1'}").arrives()
    story.answers()
    assert story.played("buyer") == [PRESS_PROMPT, SAID]
    story.presses("1", "buyer")
    assert (story.state, story.bridged) == (State.BRIEFING, False)
    assert story.played("buyer") == [PRESS_PROMPT, SAID, SAID]
    story.heard("buyer")
    assert story.bridged


def test_a_buyer_that_presses_after_it_has_heard_all_is_joined_at_once() -> None:
    story = Story(campaign=CONNECT, target="{press_to_accept: '1'}").arrives()
    story.answers()
    story.heard("buyer")
    story.presses("1", "buyer")
    assert story.state is State.CONNECTED


# -- what is said ----------------------------------------------------------------------------------------------------


def test_without_words_of_its_own_a_rule_announces_in_ours() -> None:
    story = Story(flow=ASKS, campaign="{recording: {mode: from_answer}}").arrives()
    assert story.played() == [DEFAULT_ANNOUNCEMENT]


def test_an_uploaded_announcement_is_played_instead() -> None:
    campaign = "{recording: {mode: from_answer, announce_file: prompts/recorded.wav}}"
    story = Story(flow=ASKS, campaign=campaign).arrives()
    (play,) = story.did(c.Play)
    assert [prompt.file for prompt in play.prompts] == ["prompts/recorded.wav"]


# -- announcements that are not heard --------------------------------------------------------------------------------


def test_when_the_caller_did_not_hear_it_nothing_is_recorded_at_all_and_the_call_goes_on() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    story.heard(whole=False)
    assert story.state is State.TALKING
    story.presses("1")
    story.answers()
    assert (story.state, story.played("buyer")) == (State.CONNECTED, [])
    story.caller_leaves()
    story.over()
    assert sides(story) == []


def test_when_the_buyer_did_not_hear_it_the_file_of_the_caller_is_closed() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    story.heard()
    story.presses("1")
    story.answers()
    story.heard("buyer", whole=False)
    assert (story.state, story.recording) == (State.CONNECTED, {})
    assert sides(story) == [("caller",)]


def test_a_caller_who_leaves_during_the_announcement_is_not_recorded() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    story.caller_leaves()
    story.over()
    assert not story.events(RecordingStarted)


def test_keys_pressed_during_the_announcement_do_not_cut_it_short() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    story.presses("1")
    assert (story.state, story.did(c.StopPlay)) == (State.ANNOUNCING, [])


def test_every_buyer_hears_the_announcement_for_itself() -> None:
    story = Story("a", "b", campaign=CONNECT, target="{press_to_accept: '1'}").arrives()
    story.answers()
    story.heard("buyer")
    story.presses("2", "buyer")
    story.answers()
    assert story.target == "b"
    assert story.played("buyer") == [PRESS_PROMPT, SAID, PRESS_PROMPT, SAID]


# -- the target's own rule -------------------------------------------------------------------------------------------


def test_a_target_that_may_not_be_recorded_ends_the_file_when_it_connects() -> None:
    story = Story(flow=ASKS, campaign=ANSWER, target="{recording: {mode: off}}").arrives()
    story.heard()
    story.presses("1")
    assert len(story.recording) == 1
    story.answers()
    assert (story.state, story.recording, story.played("buyer")) == (State.CONNECTED, {}, [])


def test_a_target_may_be_recorded_where_the_campaign_is_not() -> None:
    own = "{recording: {mode: from_connect, announce: 'By the buyer.'}}"
    story = Story(flow=ASKS, target=own).arrives()
    story.presses("1")
    story.answers()
    assert story.played("buyer") == ["By the buyer."]
    story.heard("buyer")
    assert story.played()[-1] == "By the buyer."
    assert sides(story) == []
    story.heard()
    assert sides(story) == [("caller", "buyer")]


def test_the_rule_of_a_target_that_did_not_take_the_call_is_forgotten_with_it() -> None:
    own = "{press_to_accept: '1', recording: {mode: from_answer, announce: 'By the buyer.'}}"
    story = Story(target=own, plan="{no_buyer: {say: 'Sorry.'}}").arrives()
    story.answers()
    story.presses("2", "buyer")
    assert story.played() == ["Sorry."]
    story.heard()
    story.over()
    assert sides(story) == []


def test_a_target_without_a_rule_does_not_stop_the_campaigns_for_the_next_one() -> None:
    off = "{press_to_accept: '1', recording: {mode: off}}"
    story = Story("a", "b", campaign=CONNECT, a=off).arrives()
    story.answers()
    story.presses("2", "buyer")
    story.answers()
    assert (story.target, story.played("buyer")[-1]) == ("b", SAID)


# -- sensitive questions ---------------------------------------------------------------------------------------------


CARD = """{start: {say: Hello., next: card},
 card: {collect: {say: 'Card?', digits: 4, seconds: 5, tries: 2, sensitive: true}, next: zip, otherwise: zip},
 zip: {collect: {say: 'ZIP?', digits: 5, tries: 1}, next: sell, otherwise: sell}, sell: {route: {}}}"""
PAUSES = (c.Record, c.PauseRecord, c.ResumeRecord)


def asked_for_a_card(flow: str = CARD) -> Story:
    story = Story(flow=flow, campaign=ANSWER).arrives()
    story.heard()
    story.heard()
    return story


def test_the_tape_stands_from_the_first_word_of_a_sensitive_question_to_the_next_question() -> None:
    story = asked_for_a_card()
    assert in_order(story, *PAUSES) == [c.Record, c.PauseRecord]
    story.heard()
    story.presses("1")
    story.presses("2")
    assert in_order(story, *PAUSES) == [c.Record, c.PauseRecord]
    story.presses("3")
    story.presses("4")
    assert in_order(story, *PAUSES) == [c.Record, c.PauseRecord, c.ResumeRecord]
    assert story.played()[-1] == "ZIP?"


def test_it_stands_through_a_second_try() -> None:
    story = asked_for_a_card()
    story.heard()
    story.passes(5)
    assert story.played()[-1] == "Card?"
    assert in_order(story, *PAUSES) == [c.Record, c.PauseRecord]


def test_it_goes_on_when_the_call_is_sold_right_after_a_sensitive_question() -> None:
    story = asked_for_a_card(CARD.replace("next: zip", "next: sell"))
    for key in "1234":
        story.presses(key)
    assert story.state is State.RINGING
    assert in_order(story, *PAUSES) == [c.Record, c.PauseRecord, c.ResumeRecord]


def test_a_file_that_is_opened_while_a_sensitive_question_is_asked_is_opened_standing() -> None:
    first = "{start: {collect: {say: 'Card?', digits: 4, sensitive: true}, next: sell, otherwise: sell}, "
    story = Story(flow=first + "sell: {route: {}}}", campaign=ANSWER).arrives()
    story.heard()
    assert in_order(story, *PAUSES)[:2] == [c.Record, c.PauseRecord]


def test_the_digits_of_a_sensitive_question_are_in_no_event() -> None:
    story = asked_for_a_card()
    for key in "4929":
        story.presses(key)
    story.heard()
    story.passes(8)
    assert story.state is State.RINGING
    assert "4929" not in repr(story.written)


# -- messages --------------------------------------------------------------------------------------------------------


VOICEMAIL = "{start: {voicemail: {say: 'Speak.', seconds: 30}}}"


def test_a_message_is_recorded_from_the_tone_into_a_file_of_its_own_whatever_the_rule_for_calls() -> None:
    story = Story(flow=VOICEMAIL).arrives()
    assert sides(story) == []
    story.heard()
    started = story.events(RecordingStarted)[0]
    assert (started.purpose, started.path) == ("voicemail", PATH.replace("call.wav", "call-message.wav"))
    assert sides(story) == [("caller",)]
    story.presses("#")
    story.over()
    assert story.record.voicemail == started.path
    assert story.record.recording is None


def test_the_recording_of_the_call_ends_where_the_message_begins() -> None:
    story = Story(flow=VOICEMAIL, campaign=ANSWER).arrives()
    story.heard()
    story.heard()
    assert in_order(story, c.Record, c.StopRecord) == [c.Record, c.StopRecord, c.Record]
    story.presses("#")
    story.over()
    assert {event.path for event in story.events(RecordingEnded)} == {story.record.recording, story.record.voicemail}


# -- what a restart is told ------------------------------------------------------------------------------------------


def test_a_file_is_known_to_a_restart_as_soon_as_it_is_open() -> None:
    story = Story(flow=ASKS, campaign=ANSWER).arrives()
    story.heard()
    places = [place for place, command in enumerate(story.said) if isinstance(command, c.Record)]
    kept = story.said[places[0] + 1]
    assert isinstance(kept, c.Remember)
    assert kept.call is not None
    assert [path for _, path in kept.call.recordings] == [PATH]
