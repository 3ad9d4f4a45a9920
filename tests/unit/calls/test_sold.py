"""Calls that somebody takes: directly, after a flow, after others have refused, after a whisper or a key."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story, sold

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.selling import PRESS_PROMPT
from trunkline.engine.calls.table import State
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallAnswered,
    CallEnded,
    CallQualified,
    CallReceived,
    Converted,
    OfferReserved,
)

pytestmark = pytest.mark.unit


def order(story: Story) -> list[str]:
    """The events of a call in the order in which they were written."""
    return [event.__struct_config__.tag for event in story.written]  # type: ignore[misc]


# -- straight to a buyer -------------------------------------------------------------------------------------------


def test_a_call_without_a_flow_to_hear_is_answered_when_its_buyer_answers() -> None:
    story = Story().arrives()
    assert (story.state, story.answered) == (State.RINGING, False)
    story.passes(3)
    story.answers()
    assert (story.state, story.answered, story.bridged) == (State.CONNECTED, True, True)
    story.passes(12.5)
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert order(story) == [
        "call.received",
        "call.qualified",
        "offer.reserved",
        "attempt.connected",
        "call.answered",
        "converted",
        "attempt.ended",
        "call.ended",
    ]
    assert story.events(AttemptEnded)[0].ring_ms == 3_000
    assert story.events(AttemptEnded)[0].duration_ms == 12_500


def test_the_invite_waits_until_call_and_offer_are_on_disk_in_one_commit() -> None:
    story = Story()
    story.tell(i.Arrived())
    assert [type(each) for each in story.written] == [CallReceived, CallQualified, OfferReserved]
    assert story.did(c.PrepareBuyer)
    assert not story.did(c.RingBuyer)
    assert len(story.tickets) == 1
    story.durable()
    assert story.did(c.RingBuyer)


def test_the_caller_hears_ringing_from_the_network_once_while_the_buyer_rings() -> None:
    story = Story().arrives()
    for _ in range(3):
        story.tell(i.BuyerRings(story.attempt))
    assert len(story.did(c.Alert)) == 1


def test_the_buyer_hangs_up_first() -> None:
    story = sold()
    story.passes(5)
    story.buyer_leaves()
    assert story.outcome() == ("sold", None, "buyer")
    assert story.did(c.HangUpCaller)


def test_a_call_is_ended_after_its_longest_duration() -> None:
    story = sold(target="{max_duration_seconds: 30}")
    story.passes(29.999)
    assert story.state is State.CONNECTED
    story.passes(0.001)
    assert story.outcome() == ("sold", "max_duration", "system")
    assert story.events(AttemptEnded)[0].duration_ms == 30_000


def test_by_default_a_call_may_last_four_hours() -> None:
    story = sold()
    story.passes(4 * 3600)
    assert story.over().reason == "max_duration"


# -- through a flow ------------------------------------------------------------------------------------------------


def test_nothing_is_said_before_the_call_is_on_disk() -> None:
    story = Story(flow=ASKS)
    story.tell(i.Arrived())
    assert (story.state, story.answered) == (State.SAVING, False)
    story.durable()
    assert (story.state, story.answered, story.played()) == (State.TALKING, True, ["Press 1."])


def test_a_flow_qualifies_the_caller_and_the_call_is_sold() -> None:
    story = Story(flow=ASKS).arrives()
    story.heard()
    story.presses("1")
    assert story.state is State.RINGING
    assert story.did(c.Ringback) == [c.Ringback(None)]
    qualified = story.events(CallQualified)[0]
    assert (qualified.node, qualified.attributes["ivr.start"], qualified.basis["ivr.start"]) == ("sell", "1", "ivr")
    story.answers()
    assert story.state is State.CONNECTED
    assert len(story.events(CallAnswered)) == 1
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")


def test_a_caller_may_press_before_the_prompt_is_over() -> None:
    story = Story(flow=ASKS).arrives()
    story.presses("1")
    assert c.StopPlay("caller") in story.said
    assert story.state is State.RINGING


def test_an_answered_caller_is_not_told_that_it_rings() -> None:
    story = Story(flow=ASKS).arrives()
    story.presses("1")
    story.tell(i.BuyerRings(story.attempt))
    assert not story.did(c.Alert)


def test_music_takes_the_place_of_ringing_when_the_campaign_has_some() -> None:
    story = Story(flow=ASKS, campaign="{ringback: {file: prompts/music.wav}}").arrives()
    story.presses("1")
    (ringback,) = story.did(c.Ringback)
    assert ringback.music.file == "prompts/music.wav"


# -- the waterfall -------------------------------------------------------------------------------------------------


def test_one_after_the_other_refuses_until_somebody_takes_the_call() -> None:
    story = Story("busy", "asleep", "no", "dead", "gone", "taker").arrives()
    story.refuses(486)
    story.passes(25)
    story.refuses(603)
    story.tell(i.BuyerSilent(story.attempt))
    story.durable()
    story.tell(i.BuyerUnreachable(story.attempt, "dns"))
    story.durable()
    assert story.target == "taker"
    story.answers()
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert story.attempts() == [
        ("busy", "busy", None),
        ("asleep", "no_answer", "ring_seconds"),
        ("no", "declined", None),
        ("dead", "timeout", None),
        ("gone", "failed", "dns"),
        ("taker", "connected", None),
    ]
    assert [each.sip_status for each in story.record.attempts] == [486, None, 603, None, None, 200]
    assert story.record.buyer == "taker-buyer"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (486, "busy"),
        (600, "busy"),
        (480, "no_answer"),
        (408, "no_answer"),
        (603, "declined"),
        (403, "declined"),
        (302, "failed"),
        (404, "failed"),
        (488, "failed"),
        (500, "failed"),
        (503, "failed"),
        (604, "failed"),
    ],
)
def test_what_a_refusal_makes_of_an_attempt(status: int, outcome: str) -> None:
    story = Story("a", "b").arrives()
    story.refuses(status)
    assert story.attempts()[0] == ("a", outcome, None)
    assert story.target == "b"


def test_the_seat_of_one_attempt_is_given_back_before_the_next_is_sought() -> None:
    story = Story("a", "b").arrives()
    story.refuses(486)
    kinds = [type(command) for command in story.said]
    assert kinds.index(c.Release) < len(kinds) - 1 - kinds[::-1].index(c.Seek)
    assert story.capacity.leases() == 1


def test_each_ring_has_its_own_time() -> None:
    story = Story("a", "b", a="{ring_seconds: 5}", b="{ring_seconds: 9}").arrives()
    story.passes(5)
    assert story.target == "b"
    story.passes(8.9)
    assert story.target == "b"
    story.passes(0.1)
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_a_target_whose_address_is_looked_up_slowly_is_rung_within_the_same_time() -> None:
    story = Story("a").arrives()
    story.passes(24)
    story.tell(i.Dialled(story.attempt, 24_000_000))
    story.answers()
    assert story.state is State.CONNECTED


# -- whisper and press-1 -------------------------------------------------------------------------------------------


def test_a_whisper_is_heard_by_the_buyer_before_the_two_are_joined() -> None:
    story = Story(target="{whisper: 'A call.'}").arrives()
    story.answers()
    assert (story.state, story.bridged, story.answered) == (State.BRIEFING, False, False)
    assert story.played("buyer") == ["A call."]
    story.heard("buyer")
    assert (story.state, story.bridged, story.answered) == (State.CONNECTED, True, True)


def test_the_call_is_the_buyers_from_its_answer_also_while_the_whisper_plays() -> None:
    story = Story(target="{whisper: 'A call.', max_duration_seconds: 10}").arrives()
    story.answers()
    story.passes(4)
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert story.events(AttemptEnded)[0].duration_ms == 4_000


def test_a_buyer_may_hang_up_during_the_whisper() -> None:
    story = Story(target="{whisper: 'A call.'}").arrives()
    story.answers()
    story.buyer_leaves()
    assert story.outcome() == ("sold", None, "buyer")


def test_a_whisper_that_cannot_be_played_does_not_cost_the_call() -> None:
    story = Story(target="{whisper: 'A call.'}").arrives()
    story.answers()
    story.heard("buyer", whole=False)
    assert story.state is State.CONNECTED


PRESS = "{press_to_accept: '1', press_seconds: 10}"


def test_a_buyer_that_must_press_1_is_asked_to_and_connects_by_it() -> None:
    story = Story(target=PRESS).arrives()
    story.passes(2)
    story.answers()
    assert (story.state, story.played("buyer")) == (State.PRESSING, [PRESS_PROMPT])
    assert not story.events(AttemptConnected)
    story.heard("buyer")
    story.passes(4)
    story.presses("1", "buyer")
    assert story.state is State.CONNECTED
    assert story.events(AttemptConnected)[0].ring_ms == 6_000
    story.passes(7)
    story.caller_leaves()
    assert story.over().outcome == "sold"
    assert story.events(AttemptEnded)[0].duration_ms == 7_000


def test_press_1_may_come_during_the_whisper() -> None:
    story = Story(target="{press_to_accept: '1', whisper: 'A call.'}").arrives()
    story.answers()
    assert story.played("buyer") == ["A call."]
    story.presses("1", "buyer")
    assert c.StopPlay("buyer") in story.said
    assert story.state is State.CONNECTED


def test_another_key_refuses_the_call() -> None:
    story = Story("a", "b", a=PRESS).arrives()
    story.answers()
    story.presses("2", "buyer")
    assert story.attempts()[0] == ("a", "not_accepted", "other_key")
    assert story.target == "b"


def test_no_key_in_time_refuses_the_call_counted_from_the_end_of_the_prompt() -> None:
    story = Story("a", "b", a=PRESS).arrives()
    story.answers()
    story.passes(60)
    assert story.target == "a"
    story.heard("buyer")
    story.passes(9.999)
    assert story.target == "a"
    story.passes(0.001)
    assert story.attempts()[0] == ("a", "not_accepted", "no_key")


def test_hanging_up_instead_of_pressing_refuses_the_call() -> None:
    story = Story("a", "b", a=PRESS).arrives()
    story.answers()
    story.buyer_leaves()
    assert story.attempts()[0] == ("a", "not_accepted", "hung_up")
    assert story.target == "b"


def test_a_key_of_the_caller_accepts_nothing() -> None:
    story = Story(target=PRESS).arrives()
    story.answers()
    story.presses("1", "caller")
    assert story.state is State.PRESSING


def test_answering_alone_owes_nothing_where_a_key_is_asked_for() -> None:
    story = Story(target=PRESS).arrives()
    story.answers()
    story.caller_leaves()
    assert story.outcome() == ("abandoned", None, "caller")
    assert story.attempts() == [("a", "caller_gone", None)]
    assert not story.events(Converted)
    assert story.events(CallEnded)[0].not_converted == "not_connected"
