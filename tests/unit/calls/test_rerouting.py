"""A buyer that hangs up soon after it took the call causes another search, to routes that take such calls."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import Story, sold

from trunkline.engine.calls import commands as c
from trunkline.engine.calls.table import State
from trunkline.engine.calls.talking import HOPS_MAX
from trunkline.events.calls import Converted, OfferReserved, PayoutEarned, RecordingPaused, RecordingResumed

pytestmark = pytest.mark.unit

WITHIN = "{reroute_seconds: 30}"
TAKING = "{hops: [0, 1, 2, 3, 4, 5]}"
PAID = "{conversion: {call: {event: connect}}, payouts: [{publisher: pub, event: convert, amount: '3.00'}]}"
RECORDED = "{recording: {mode: from_connect, announce: 'Recorded.'}}"


def hops(story: Story) -> list[tuple[str, int]]:
    return [(event.target, event.hop) for event in story.events(OfferReserved)]


def test_another_buyer_is_looked_for_and_the_caller_hears_ringing() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING)
    story.passes(29)
    story.buyer_leaves()
    assert (story.state, story.target) == (State.RINGING, "b")
    assert isinstance(story.did(c.Ringback)[-1], c.Ringback)
    story.answers()
    story.passes(5)
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert story.attempts() == [("a", "connected", None), ("b", "connected", None)]
    assert hops(story) == [("a", 0), ("b", 1)]
    assert [routed.outcome for routed in story.did(c.WriteRouting)] == ["sold", "sold"]
    assert story.record.buyer == "b-buyer"


def test_after_the_window_the_call_ends_with_its_buyer() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING)
    story.passes(30)
    story.buyer_leaves()
    assert story.outcome() == ("sold", None, "buyer")
    assert hops(story) == [("a", 0)]


def test_without_a_window_nothing_is_rerouted() -> None:
    story = sold("a", "b", route=TAKING)
    story.buyer_leaves()
    assert story.outcome() == ("sold", None, "buyer")


def test_a_caller_that_hangs_up_is_not_rerouted() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING)
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")


def test_only_routes_that_take_such_calls_are_offered() -> None:
    story = sold("a", "b", plan=WITHIN)
    story.buyer_leaves()
    assert story.outcome() == ("sold", "no_route", "system")
    assert [routed.outcome for routed in story.did(c.WriteRouting)] == ["sold", "unsold"]
    assert story.record.unsold_reason is None


def test_nobody_takes_it_again() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING)
    story.buyer_leaves()
    story.refuses(486)
    assert story.outcome() == ("sold", "not_taken", "system")


def test_the_same_target_only_where_the_plan_says_so() -> None:
    story = sold("a", plan="{reroute_seconds: 30, reroute_again: true}", route=TAKING)
    story.buyer_leaves()
    assert (story.target, hops(story)) == ("a", [("a", 0), ("a", 1)])


def test_there_is_an_end_to_it() -> None:
    story = sold("a", plan="{reroute_seconds: 30, reroute_again: true}", route=TAKING)
    for hop in range(1, HOPS_MAX + 1):
        story.buyer_leaves()
        assert hops(story)[-1] == ("a", hop)
        story.answers()
    story.buyer_leaves()
    assert story.outcome() == ("sold", None, "buyer")


def test_each_buyer_owes_by_its_own_terms_and_the_publisher_is_paid_once() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING, campaign=PAID)
    story.passes(1)
    story.buyer_leaves()
    story.answers()
    story.passes(1)
    story.caller_leaves()
    story.over()
    assert [event.buyer for event in story.events(Converted)] == ["a-buyer", "b-buyer"]
    assert len(story.events(PayoutEarned)) == 1
    assert (story.record.revenue, story.record.payout) == ("40.00", "3.00")


def test_the_next_buyer_is_recorded_only_when_it_has_heard_that_it_is() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING, campaign=RECORDED)
    story.heard("buyer")
    story.heard("caller")
    (first,) = story.did(c.Record)
    story.buyer_leaves()
    story.answers()
    assert story.did(c.Record) == [first], "the second has not heard it"
    story.heard("buyer")
    again = story.did(c.Record)[1]
    assert (again.recording, again.sides) == (first.recording, ("caller", "buyer"))
    assert (len(story.events(RecordingPaused)), len(story.events(RecordingResumed))) == (1, 1)
    story.caller_leaves()
    story.over()


def test_a_message_left_after_a_reroute_is_recorded() -> None:
    story = sold("a", plan="{reroute_seconds: 30, no_buyer: {then: voicemail}}", campaign=RECORDED)
    story.heard("buyer")
    story.heard("caller")
    story.buyer_leaves()
    story.heard()  # the tone
    message = story.did(c.Record)[-1]
    assert (story.state, message.path.endswith("-message.wav")) == (State.MESSAGE, True)
    assert message.recording not in {paused.recording for paused in story.events(RecordingPaused)}
    assert message.recording not in {paused.recording for paused in story.did(c.PauseRecord)}
    story.caller_leaves()
    story.over()


def test_a_caller_alone_in_the_flow_is_not_recorded_where_both_are_to_be() -> None:
    flow = "{start: {route: {otherwise: words}}, words: {play: {say: 'Sorry.', next: again}}, again: {route: {}}}"
    story = sold(
        "a",
        "b",
        plan=WITHIN,
        campaign=RECORDED,
        flow=flow,
    )
    story.heard("buyer")
    story.heard("caller")
    story.buyer_leaves()
    assert story.state is State.TALKING
    assert (len(story.events(RecordingPaused)), len(story.events(RecordingResumed))) == (1, 0)
    story.caller_leaves()
    story.over()


def test_the_same_target_is_offered_once_at_each_hop() -> None:
    flow = "{start: {route: {otherwise: again}}, again: {route: {}}}"
    story = sold("a", plan="{reroute_seconds: 30, reroute_again: true}", route=TAKING, flow=flow)
    story.buyer_leaves()
    story.refuses(486)
    assert hops(story) == [("a", 0), ("a", 1)], "not once more by the second node"
    assert story.outcome() == ("sold", "not_taken", "system")


def test_the_caller_may_leave_while_another_buyer_rings() -> None:
    story = sold("a", "b", plan=WITHIN, route=TAKING)
    story.buyer_leaves()
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert story.attempts() == [("a", "connected", None), ("b", "caller_gone", None)]
