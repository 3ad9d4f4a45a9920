"""A call that is sold by auction: what the caller hears meanwhile, and a winner that has to stand by its bid."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.table import State
from trunkline.events.calls import AttemptEnded, CallAnswered, RecordingStarted

pytestmark = pytest.mark.unit

RECORDED = "{recording: {mode: from_answer, announce: 'Recorded.'}}"


def auctioned(**fields: str) -> Story:
    """A call whose bidders are being asked."""
    story = Story(**fields)
    story._slow_offers = story.auctions = True
    story.tell(i.Arrived())
    return story


def test_the_caller_is_answered_when_the_call_is_on_disk_and_hears_ringing_while_bidders_are_asked() -> None:
    story = auctioned()
    assert (story.state, story.answered) == (State.SEEKING, False)
    story.durable()
    assert (story.state, story.answered) == (State.SEEKING, True)
    assert [event.by for event in story.events(CallAnswered)] == ["flow"]
    assert story.said[-1] == c.Ringback(None)
    story.find()
    story.durable()
    story.answers()
    assert (story.state, story.bridged) == (State.CONNECTED, True)


def test_a_caller_who_is_answered_by_a_buyer_alone_hears_its_own_network_ring() -> None:
    story = auctioned(campaign="{answer: buyer}")
    story.durable()
    assert not story.answered
    assert len(story.did(c.Alert)) == 1
    story.find()
    story.durable()
    story.tell(i.BuyerRings(story.attempt))
    assert len(story.did(c.Alert)) == 1, "it rings already"
    story.answers()
    assert story.answered


def test_an_auction_that_is_faster_than_the_disk_answers_the_caller_with_the_offer() -> None:
    story = auctioned()
    story.find()
    assert (story.state, story.answered) == (State.RESERVING, False)
    story.durable()
    assert (story.state, story.answered) == (State.RINGING, True)


def test_a_caller_who_was_answered_before_hears_on() -> None:
    story = Story(flow=ASKS).arrives()
    story._slow_offers = story.auctions = True
    story.presses("1")
    assert len(story.events(CallAnswered)) == 1
    assert story.tickets == [], "nothing has to be saved for it"


def test_nobody_is_answered_whose_call_cannot_be_saved() -> None:
    story = auctioned()
    story.disk_fails()
    assert story.outcome() == ("failed", "journal", "system")
    assert not story.answered
    story.find()
    assert story.capacity.leases() == 0, "what the auction brings too late is given back"


def test_the_announcement_is_heard_during_the_auction_and_recording_begins_with_it() -> None:
    story = auctioned(campaign=RECORDED)
    story.durable()
    story.heard()
    assert len(story.events(RecordingStarted)) == 1
    assert story.said[-1] == c.Ringback(None)


@pytest.mark.parametrize("when", ["reserving", "ringing"])
def test_the_announcement_may_last_longer_than_the_auction(when: str) -> None:
    story = auctioned(campaign=RECORDED)
    story.durable()
    story.find()
    if when == "ringing":
        story.durable()
    story.heard()
    assert len(story.events(RecordingStarted)) == 1


def test_an_announcement_that_the_buyer_cuts_short_is_heard_again_when_they_talk() -> None:
    story = auctioned(campaign=RECORDED)
    story.durable()
    story.find()
    story.durable()
    story.answers()
    story.heard("buyer")
    assert not story.recording.get("rec1", ()).count("caller")
    story.heard("caller")
    assert list(story.recording.values()) == [("caller", "buyer")]


def test_nobody_buys_and_the_caller_hears_the_last_words() -> None:
    story = auctioned(plan="{no_buyer: {say: 'Sorry.'}}")
    story.durable()
    story.crowded = True
    story.find()
    assert story.state is State.CLOSING
    story.heard()
    assert story.outcome() == ("unsold", "no_capacity", "system")


# -- the winner confirms ---------------------------------------------------------------------------------------------


def confirming(*targets: str) -> Story:
    story = Story(*targets)
    story.confirms = True
    story.arrives()
    assert story.state is State.CONFIRMING
    assert story.did(c.PrepareBuyer) == story.did(c.RingBuyer) == [], "nobody is rung who has not said yes"
    return story


def test_a_winner_that_stands_by_its_bid_is_rung_where_it_says() -> None:
    story = confirming()
    story.tell(i.Confirmed(story.attempt, "sip:now@127.0.0.1:5099"))
    assert [each.ring.dial for each in story.did(c.PrepareBuyer)] == ["sip:now@127.0.0.1:5099"]
    assert not story.did(c.RingBuyer), "what identifies the leg is on disk first"
    story.durable()
    assert story.state is State.RINGING
    story.answers()
    assert story.state is State.CONNECTED


def test_without_an_address_of_its_own_the_winner_is_rung_where_it_was_to_be() -> None:
    story = confirming()
    story.tell(i.Confirmed(story.attempt))
    assert [each.ring.dial for each in story.did(c.PrepareBuyer)] == ["sip:a@127.0.0.1:5081"]


@pytest.mark.parametrize(("silent", "outcome"), [(False, "declined"), (True, "timeout")])
def test_a_winner_that_does_not_gives_its_seat_back_and_the_next_one_is_asked(silent: bool, outcome: str) -> None:
    story = confirming("a", "b")
    first = story.attempt
    story.tell(i.NotConfirmed(first, "rejected_at_post", silent))
    assert [(event.outcome, event.reason) for event in story.events(AttemptEnded)] == [(outcome, "rejected_at_post")]
    assert story.capacity.leases() == 1
    story.durable()
    assert (story.state, story.confirming) == (State.CONFIRMING, story.attempt)
    story.tell(i.Confirmed(first))
    assert story.state is State.CONFIRMING, "the answer of the first is late"
    story.tell(i.Confirmed(story.attempt))
    story.durable()
    assert story.state is State.RINGING


def test_a_confirmed_offer_that_cannot_be_saved_rings_nobody() -> None:
    story = confirming()
    story.tell(i.Confirmed(story.attempt))
    story.disk_fails()
    assert story.outcome() == ("failed", "journal", "system")
    assert not story.did(c.RingBuyer)
