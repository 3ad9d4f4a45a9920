"""What can happen at any time: the caller leaves, the system hangs up, the audio dies, the disk fails, news is old."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.calls.stories import ASKS, Story, sold

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.core import PROMPT_S_MAX
from trunkline.engine.calls.table import ALIVE_STATES, TRANSITIONS, State
from trunkline.events.calls import AttemptEnded, CallEnded, RecordingEnded
from trunkline.testing.callworld import START

pytestmark = pytest.mark.unit

RECORDED = "{recording: {mode: from_answer, announce: 'Recorded.'}}"


def saving() -> Story:
    story = Story(flow=ASKS)
    story.tell(i.Arrived())
    return story


def announcing() -> Story:
    return Story(flow=ASKS, campaign=RECORDED).arrives()


def talking() -> Story:
    return Story(flow=ASKS).arrives()


def seeking() -> Story:
    story = Story()
    story._slow_offers = True  # as from a store elsewhere
    story.tell(i.Arrived())
    return story


def queued() -> Story:
    story = Story(flow="{start: {hold_queue: {}}}")
    story.crowded = True
    return story.arrives()


def reserving() -> Story:
    story = Story()
    story.tell(i.Arrived())
    return story


def confirming() -> Story:
    story = Story()
    story.confirms = True
    return story.arrives()


def ringing() -> Story:
    return Story().arrives()


def pressing() -> Story:
    story = Story(target="{press_to_accept: '1'}").arrives()
    story.answers()
    return story


def keying() -> Story:
    story = Story(target="{post_answer_digits: 'w12'}").arrives()
    story.answers()
    return story


def briefing() -> Story:
    story = Story(target="{whisper: 'A call.'}").arrives()
    story.answers()
    return story


def closing() -> Story:
    story = Story(plan="{no_buyer: {say: 'Sorry.'}}").arrives()
    story.refuses(486)
    return story


def message() -> Story:
    story = Story(flow="{start: {voicemail: {seconds: 30}}}").arrives()
    story.heard()
    return story


IN: dict[State, Callable[[], Story]] = {
    State.SAVING: saving,
    State.ANNOUNCING: announcing,
    State.TALKING: talking,
    State.QUEUED: queued,
    State.SEEKING: seeking,
    State.RESERVING: reserving,
    State.CONFIRMING: confirming,
    State.RINGING: ringing,
    State.PRESSING: pressing,
    State.KEYING: keying,
    State.BRIEFING: briefing,
    State.CONNECTED: sold,
    State.CLOSING: closing,
    State.MESSAGE: message,
}
"""A call in each state in which it is alive."""

CALLER_LEAVES = {
    State.SAVING: ("abandoned", None),
    State.ANNOUNCING: ("abandoned", None),
    State.TALKING: ("abandoned", None),
    State.QUEUED: ("abandoned", None),
    State.SEEKING: ("abandoned", None),
    State.RESERVING: ("abandoned", "caller_gone"),
    State.CONFIRMING: ("abandoned", "caller_gone"),
    State.RINGING: ("abandoned", "caller_gone"),
    State.PRESSING: ("abandoned", "caller_gone"),
    State.KEYING: ("sold", "connected"),
    State.BRIEFING: ("sold", "connected"),
    State.CONNECTED: ("sold", "connected"),
    State.CLOSING: ("unsold", "busy"),
    State.MESSAGE: ("voicemail", None),
}
"""What call and attempt are when the caller leaves."""

SYSTEM_HANGS_UP = CALLER_LEAVES | {
    State.SAVING: ("interrupted", None),
    State.ANNOUNCING: ("interrupted", None),
    State.TALKING: ("interrupted", None),
    State.QUEUED: ("interrupted", None),
    State.SEEKING: ("interrupted", None),
    State.RESERVING: ("interrupted", "interrupted"),
    State.CONFIRMING: ("interrupted", "interrupted"),
    State.RINGING: ("interrupted", "interrupted"),
    State.PRESSING: ("interrupted", "interrupted"),
}
MEDIA_DIES = {
    State.RESERVING: "failed",
    State.CONFIRMING: "failed",
    State.RINGING: "failed",
    State.PRESSING: "failed",
    State.KEYING: "connected",
    State.BRIEFING: "connected",
    State.CONNECTED: "connected",
    State.CLOSING: "busy",
}
ROUTING = {State.QUEUED, State.SEEKING, State.RESERVING, State.CONFIRMING, State.RINGING, State.PRESSING}


def what_became_of(story: Story) -> tuple[str, str | None]:
    """Outcome of the call and of its last attempt, once everything late has come in and nothing is left."""
    while story.sought:
        story.find()
    story.durable()
    ended = story.over()
    attempts = story.events(AttemptEnded)
    return ended.outcome, attempts[-1].outcome if attempts else None


def test_every_state_of_a_live_call_is_told_here() -> None:
    assert set(IN) == set(ALIVE_STATES)
    assert {state: make().state for state, make in IN.items()} == {state: state for state in IN}


@pytest.mark.parametrize("state", IN, ids=lambda state: state.value)
def test_the_caller_leaves(state: State) -> None:
    story = IN[state]()
    story.caller_leaves()
    assert what_became_of(story) == CALLER_LEAVES[state]
    assert story.events(CallEnded)[0].ended_by == "caller"
    assert not story.did(c.HangUpCaller)
    abandoned = [c.WriteRouting("abandoned", None)] if state in ROUTING else []
    assert [each for each in story.did(c.WriteRouting) if each.outcome == "abandoned"] == abandoned


@pytest.mark.parametrize("state", [State.RINGING, State.PRESSING, State.KEYING, State.BRIEFING, State.CONNECTED])
def test_a_caller_who_leaves_frees_leg_and_seat_at_once(state: State) -> None:
    story = IN[state]()
    story.caller_leaves()
    assert (story.ringing, story.capacity.leases()) == (set(), 0)
    assert len(story.did(c.HangUpBuyer)) == len(story.did(c.Release)) == 1


@pytest.mark.parametrize("state", IN, ids=lambda state: state.value)
def test_the_system_hangs_up_when_a_drain_has_run_out(state: State) -> None:
    story = IN[state]()
    story.tell(i.HangUp("drain"))
    assert what_became_of(story) == SYSTEM_HANGS_UP[state]
    ended = story.events(CallEnded)[0]
    assert (ended.reason, ended.ended_by) == ("drain", "system")
    assert [each.status for each in story.did(c.HangUpCaller)] == [503]


@pytest.mark.parametrize("state", IN, ids=lambda state: state.value)
def test_the_process_that_carries_the_audio_dies(state: State) -> None:
    story = IN[state]()
    story.tell(i.MediaLost())
    assert what_became_of(story) == ("failed", MEDIA_DIES.get(state))
    assert story.events(CallEnded)[0].reason == "media_lost"


def test_what_a_buyer_owes_when_the_audio_dies_stays_owed() -> None:
    story = sold()
    story.passes(1)
    story.tell(i.MediaLost())
    assert story.over().not_converted is None
    assert (story.record.converted, story.record.revenue) == (True, "20.00")


# -- the disk --------------------------------------------------------------------------------------------------------


def test_a_call_that_cannot_be_saved_is_refused_unanswered() -> None:
    story = saving()
    story.disk_fails()
    assert story.outcome() == ("failed", "journal", "system")
    assert story.did(c.HangUpCaller) == [c.HangUpCaller(503, "journal")]
    assert not story.answered


def test_nobody_is_rung_for_an_offer_that_cannot_be_saved() -> None:
    story = reserving()
    story.disk_fails()
    assert story.outcome() == ("failed", "journal", "system")
    assert story.attempts() == [("a", "capacity_lost", "journal")]
    assert not story.did(c.RingBuyer)


def test_a_second_offer_that_cannot_be_saved_ends_a_call_that_is_answered_already() -> None:
    story = Story("a", "b", flow=ASKS).arrives()
    story.presses("1")
    story.tell(i.BuyerRefused(story.attempt, 486))
    story.disk_fails()
    assert story.outcome() == ("failed", "journal", "system")
    assert story.attempts() == [("a", "busy", None), ("b", "capacity_lost", "journal")]


SAVED = [state for state in IN if state not in (State.SAVING, State.RESERVING)]


@pytest.mark.parametrize("state", SAVED, ids=lambda state: state.value)
def test_the_failure_of_an_append_that_nobody_waits_for_changes_nothing(state: State) -> None:
    story = IN[state]()
    story.tell(i.NotDurable(story.machine._tickets))
    assert story.state is state


# -- late news -------------------------------------------------------------------------------------------------------


def test_news_of_a_buyer_that_was_let_go_changes_nothing() -> None:
    story = Story("a", "b").arrives()
    old = story.attempt
    story.refuses(486)
    before = list(story.said)
    for news in (
        i.Dialled(old, 1),
        i.BuyerRings(old),
        i.BuyerMoved(old),
        i.BuyerAnswered(old),
        i.BuyerRefused(old, 500),
        i.BuyerSilent(old),
        i.BuyerUnreachable(old, "dns"),
        i.BuyerLeft(old),
    ):
        story.tell(news)
    assert story.said == before
    assert (story.state, story.target) == (State.RINGING, "b")


def test_a_hang_up_of_the_buyer_before_does_not_end_the_call_with_the_next() -> None:
    story = Story("a", "b").arrives()
    old = story.attempt
    story.refuses(486)
    story.answers()
    story.tell(i.BuyerLeft(old))
    assert story.state is State.CONNECTED


def test_the_end_of_a_prompt_that_was_replaced_is_not_taken_for_that_of_the_new_one() -> None:
    nodes = "{start: {play: {say: One.}, next: ask}, ask: {menu: {say: Two., choices: {'1': bye}, otherwise: bye}}, "
    story = Story(flow=nodes + "bye: {hang_up: {}}}").arrives()
    first = story.playing["caller"]
    story.heard()
    waits_until = story.machine.next_timer()
    story.tell(i.Played(first, completed=True))
    assert story.machine.next_timer() == waits_until, "the second prompt is still heard"


def test_a_prompt_whose_end_is_never_told_does_not_keep_the_call_for_ever() -> None:
    story = Story(flow="{start: {play: {say: One.}, next: bye}, bye: {hang_up: {}}}").arrives()
    story.next_tick()
    assert story.now.ms_since(START) == PROMPT_S_MAX * 1000
    assert story.state is State.OVER


def test_saving_an_older_state_of_the_call_starts_nothing() -> None:
    story = reserving()
    story.tell(i.Durable(0))
    assert story.state is State.RESERVING


def test_an_offer_that_is_found_after_the_call_is_over_gives_its_seat_back() -> None:
    story = seeking()
    story.caller_leaves()
    story.find()
    assert story.capacity.leases() == 0
    assert story.outcome() == ("abandoned", None, "caller")


@pytest.mark.parametrize("event", sorted({event.__name__ for _, event in TRANSITIONS} - {"Offered"}))
def test_nothing_that_is_told_after_the_end_does_anything(event: str) -> None:
    story = sold()
    attempt = story.attempt
    story.caller_leaves()
    story.over()
    news: dict[str, i.Input] = {
        "Arrived": i.Arrived(),
        "Durable": i.Durable(1),
        "NotDurable": i.NotDurable(1),
        "Exhausted": i.Exhausted("no_route", None),
        "Asking": i.Asking(),
        "Confirmed": i.Confirmed(attempt),
        "NotConfirmed": i.NotConfirmed(attempt),
        "Queued": i.Queued(1, "main"),
        "Placed": i.Placed(1),
        "PlaceDue": i.PlaceDue(),
        "Dialled": i.Dialled(attempt, 1),
        "BuyerRings": i.BuyerRings(attempt),
        "BuyerMoved": i.BuyerMoved(attempt),
        "BuyerAnswered": i.BuyerAnswered(attempt),
        "BuyerRefused": i.BuyerRefused(attempt, 486),
        "BuyerSilent": i.BuyerSilent(attempt),
        "BuyerUnreachable": i.BuyerUnreachable(attempt, "dns"),
        "BuyerLeft": i.BuyerLeft(attempt),
        "CallerLeft": i.CallerLeft(),
        "KeyPressed": i.KeyPressed("caller", "1"),
        "Played": i.Played(1, completed=True),
        "Recorded": i.Recorded("rec", 1, None),
        "MediaLost": i.MediaLost(),
        "HangUp": i.HangUp("drain"),
        "Tick": i.Tick(),
        "LegDue": i.LegDue(),
        "Held": i.Held("caller", held=True),
    }
    assert story.machine.handle(news[event], story.now) == []


# -- recordings are closed last --------------------------------------------------------------------------------------


def recorded() -> Story:
    story = Story(flow=ASKS, campaign=RECORDED).arrives()
    story.heard()
    assert story.recording
    return story


def test_an_ended_call_waits_for_its_file_to_be_closed() -> None:
    story = recorded()
    story.caller_leaves()
    assert (story.state, story.done, story.remembered) == (State.ENDING, False, True)
    story.close_files()
    assert story.events(RecordingEnded)[0].duration_ms == 1_000
    assert story.outcome() == ("abandoned", None, "caller")


def test_a_file_that_nobody_closes_is_given_up_after_five_seconds() -> None:
    story = recorded()
    story.caller_leaves()
    story.passes(4.9)
    assert story.state is State.ENDING
    story.passes(0.1)
    story.closing.clear()
    assert story.outcome() == ("abandoned", None, "caller")
    assert story.events(RecordingEnded)[0].error == "not_closed"


def test_a_file_that_could_not_go_on_does_not_disturb_the_call() -> None:
    story = recorded()
    (recording,) = story.recording
    story.recording.clear()
    story.tell(i.Recorded(recording, 700, "disk full"))
    assert story.state is State.TALKING
    assert story.events(RecordingEnded)[0].error == "disk full"
    story.caller_leaves()
    assert story.state is State.OVER


def test_the_buyer_is_let_go_before_the_caller_and_the_file_is_closed_last() -> None:
    story = Story(flow=ASKS, campaign=RECORDED).arrives()
    story.heard()
    story.presses("1")
    story.answers()
    before = len(story.said)
    story.tell(i.HangUp("drain"))
    kinds = [type(command) for command in story.said[before:]]
    places = [kinds.index(kind) for kind in (c.HangUpBuyer, c.HangUpCaller, c.StopRecord)]
    assert places == sorted(places)
