"""Calls that nobody takes: what the caller hears, and what the call is then."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story

from trunkline.engine.calls import commands as c
from trunkline.engine.calls.inputs import Arrived
from trunkline.engine.calls.table import State
from trunkline.events.calls import CallAnswered, CallReceived, OfferReserved, RecordingStarted

pytestmark = pytest.mark.unit

COMPETING = """
targets:
  - {key: a, buyer: a-buyer, dial: "sip:a@127.0.0.1"}
  - {key: b, buyer: a-buyer, dial: "sip:b@127.0.0.1", bid: {dialect: generic, url: "http://127.0.0.1:9100/"}}
  - {key: c, buyer: a-buyer, dial: "sip:c@127.0.0.1"}
plans: [{key: main, tiers: [{key: t, method: %s, routes: [{target: a, price: "20.00"}, {target: b}]}]}]
"""
SORRY = "{no_buyer: {say: 'Sorry.', then: hang_up}}"


def refused(**fields: str) -> Story:
    """A call whose only buyer is busy."""
    story = Story(**fields).arrives()
    story.refuses(486)
    return story


# -- the plan's treatment ------------------------------------------------------------------------------------------


def test_without_a_treatment_the_caller_is_refused_unanswered() -> None:
    story = refused()
    assert story.outcome() == ("unsold", "not_taken", "system")
    assert story.did(c.HangUpCaller) == [c.HangUpCaller(480, "not_taken")]
    assert not story.events(CallAnswered)
    assert c.WriteRouting("unsold", "not_taken") in story.said


def test_words_are_said_to_a_caller_who_is_answered_for_them() -> None:
    story = refused(plan=SORRY)
    assert (story.state, story.played()) == (State.CLOSING, ["Sorry."])
    assert story.events(CallAnswered)[0].by == "flow"
    story.heard()
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_words_follow_the_ringing_of_a_caller_who_is_answered_already() -> None:
    story = Story(flow=ASKS, plan=SORRY).arrives()
    story.presses("1")
    story.refuses(486)
    assert c.StopPlay("caller") in story.said
    assert story.played()[-1] == "Sorry."
    story.heard()
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_words_that_cannot_be_played_do_not_keep_the_caller() -> None:
    story = refused(plan=SORRY)
    story.heard(whole=False)
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_a_campaign_that_only_a_buyer_answers_says_no_words() -> None:
    story = refused(plan=SORRY, campaign="{answer: buyer}")
    assert story.outcome() == ("unsold", "not_taken", "system")
    assert not story.events(CallAnswered)


def test_a_flow_that_must_be_heard_answers_even_where_only_a_buyer_was_to_and_the_words_are_said() -> None:
    story = Story(flow=ASKS, plan=SORRY, campaign="{answer: buyer}").arrives()
    assert (story.state, story.answered) == (State.TALKING, True)
    story.presses("1")
    story.refuses(486)
    assert story.played()[-1] == "Sorry."


def test_the_treatment_may_be_a_message() -> None:
    story = refused(plan="{no_buyer: {say: 'Sorry.', then: voicemail}}")
    story.heard()
    assert (story.state, story.played()) == (State.MESSAGE, ["Sorry.", "beep"])
    story.heard()
    story.passes(120)
    assert story.outcome() == ("voicemail", "not_taken", "system")
    assert story.events(RecordingStarted)[0].purpose == "voicemail"


def test_a_message_without_words_before_it() -> None:
    story = refused(plan="{no_buyer: {then: voicemail}}")
    assert story.played() == ["beep"]
    story.heard()
    story.presses("#")
    assert story.outcome() == ("voicemail", "not_taken", "system")


def test_the_first_words_to_a_caller_wait_for_the_disk_also_when_no_offer_was_made() -> None:
    story = Story(target="{paused: true}", plan=SORRY)
    story.tell(Arrived())
    assert (story.state, story.answered) == (State.SAVING, False)
    story.durable()
    assert story.played() == ["Sorry."]
    story.heard()
    assert story.outcome() == ("unsold", "no_route", "system")


# -- the flow goes on ----------------------------------------------------------------------------------------------


def flow(otherwise: str) -> str:
    return f"{{start: {{route: {{}}, otherwise: after}}, after: {otherwise}, bye: {{hang_up: {{}}}}}}"


def test_otherwise_takes_the_place_of_the_plans_treatment() -> None:
    story = refused(flow=flow("{say: 'Call our friends.', next: bye}"), plan=SORRY)
    assert story.played() == ["Call our friends."]
    story.heard()
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_otherwise_may_hang_up_at_once_and_then_no_words_of_the_plan_are_said() -> None:
    story = refused(flow=flow("{hang_up: {}}"), plan=SORRY)
    assert story.played() == []
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_otherwise_may_take_a_message() -> None:
    story = refused(flow=flow("{voicemail: {say: 'Speak.', seconds: 20}}"))
    assert story.played() == ["Speak.", "beep"]
    story.heard()
    story.passes(20)
    assert story.outcome() == ("voicemail", "not_taken", "system")


@pytest.mark.parametrize(
    ("otherwise", "played"), [("{say: Sorry., next: bye}", ["Sorry."]), ("{hang_up: {}}", [])], ids=["say", "hang up"]
)
def test_otherwise_waits_for_the_disk_when_no_offer_was_made(otherwise: str, played: list[str]) -> None:
    story = Story(target="{paused: true}", flow=flow(otherwise))
    story.tell(Arrived())
    assert (story.state, story.answered, story.caller_open) == (State.SAVING, False, True)
    story.durable()
    assert story.played() == played
    if played:
        story.heard()
    assert story.outcome() == ("unsold", "no_route", "system")


def test_a_flow_that_offers_the_call_again_offers_it_to_nobody_twice() -> None:
    again = "{menu: {say: 'Wait?', tries: 1, choices: {'1': start}, otherwise: bye}}"
    story = Story("a", flow=flow(again)).arrives()
    story.refuses(486)
    story.presses("1")
    story.heard()
    story.passes(6)
    assert story.outcome() == ("unsold", "not_taken", "system")
    assert story.attempts() == [("a", "busy", None)]


SECOND_PLAN = """[
 {key: main, tiers: [{method: priority, routes: [{target: a, price: "20.00"}]}], no_buyer: {say: One.}},
 {key: other, tiers: [{method: priority, routes: [{target: b, price: "9.00"}]}], no_buyer: {say: 'Two.'}}]"""


def two_plans() -> Story:
    """A call that is routed by `main` to `a`, and when that fails by `other` to `b`."""
    nodes = flow("{route: {plan: other}}").replace(", bye: {hang_up: {}}", "")
    return Story("a", "b", flow=nodes, sections=f"{{plans: {SECOND_PLAN}}}").arrives()


def test_a_flow_may_try_a_second_plan() -> None:
    story = two_plans()
    story.refuses(486)
    assert (story.target, story.record.attempts[1].price) == ("b", "9.00")
    story.answers()
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")
    assert [each.outcome for each in story.did(c.WriteRouting)] == ["unsold", "sold"]


def test_the_treatment_is_that_of_the_plan_that_failed_last() -> None:
    story = two_plans()
    story.refuses(486)
    story.refuses(486)
    assert story.played() == ["Two."]


def test_a_caller_who_leaves_while_a_second_plan_is_tried_has_abandoned_the_call() -> None:
    story = two_plans()
    story.refuses(486)
    story.caller_leaves()
    assert story.outcome() == ("abandoned", None, "caller")
    assert story.attempts() == [("a", "busy", None), ("b", "caller_gone", None)]
    assert [each.outcome for each in story.did(c.WriteRouting)] == ["unsold", "abandoned"]


# -- the flow itself ends the call ---------------------------------------------------------------------------------


def test_a_flow_that_hangs_up_ends_the_call_without_selling_it() -> None:
    story = Story(flow=ASKS).arrives()
    story.heard()
    story.passes(6)
    assert story.outcome() == ("ivr_ended", None, "system")
    assert not story.did(c.Seek)


def test_a_caller_who_goes_round_for_ever_is_hung_up_on() -> None:
    again = "{start: {menu: {say: 'Again?', choices: {'1': start}, otherwise: bye}}, bye: {hang_up: {}}}"
    story = Story(flow=again).arrives()
    while story.state is State.TALKING:
        story.presses("1")
    assert story.outcome() == ("ivr_ended", "flow_too_long", "system")


def test_a_flow_that_only_hangs_up_answers_nobody() -> None:
    story = Story(flow="{start: {hang_up: {}}}").arrives()
    assert story.outcome() == ("ivr_ended", None, "system")
    assert not story.answered


# -- messages ------------------------------------------------------------------------------------------------------


MESSAGE = "{start: {voicemail: {say: 'Speak.', seconds: 30}}}"


def test_a_message_ends_by_its_time() -> None:
    story = Story(flow=MESSAGE).arrives()
    story.heard()
    story.passes(29.999)
    assert story.state is State.MESSAGE
    story.passes(0.001)
    assert story.outcome() == ("voicemail", None, "system")


def test_a_message_ends_by_the_pound_key_and_by_no_other() -> None:
    story = Story(flow=MESSAGE).arrives()
    story.heard()
    story.presses("5")
    assert story.state is State.MESSAGE
    story.presses("#")
    assert story.outcome() == ("voicemail", None, "system")


def test_the_pound_key_before_the_tone_ends_nothing() -> None:
    story = Story(flow=MESSAGE).arrives()
    story.presses("#")
    assert (story.state, story.recording) == (State.MESSAGE, {})


def test_that_holds_for_a_second_message_too() -> None:
    nodes = (
        "{start: {voicemail: {next: again}}, again: {voicemail: {say: 'Once more.', next: bye}}, bye: {hang_up: {}}}"
    )
    story = Story(flow=nodes).arrives()
    story.heard()
    story.presses("#")
    story.presses("#")
    assert (story.state, story.recording) == (State.MESSAGE, {})
    story.heard()
    assert len(story.recording) == 1


def test_a_caller_who_hangs_up_after_speaking_has_left_a_message() -> None:
    story = Story(flow=MESSAGE).arrives()
    story.heard()
    story.passes(5)
    story.caller_leaves()
    assert story.outcome() == ("voicemail", None, "caller")


def test_a_caller_who_hangs_up_before_the_tone_has_left_none() -> None:
    story = Story(flow=MESSAGE).arrives()
    story.caller_leaves()
    assert story.outcome() == ("abandoned", None, "caller")


def test_a_flow_goes_on_after_a_message() -> None:
    story = Story(
        flow="{start: {voicemail: {say: 'Speak.', next: thanks}}, thanks: {say: 'Thanks.', next: bye}, "
        "bye: {hang_up: {}}}"
    ).arrives()
    story.heard()
    story.presses("#")
    assert story.played()[-1] == "Thanks."
    story.heard()
    assert story.outcome() == ("voicemail", None, "system")


# -- refused before anything -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"campaign": "{paused: true}"}, {"account": "{paused: true}"}])
def test_a_paused_campaign_refuses_the_caller_but_keeps_the_call(fields: dict[str, str]) -> None:
    story = Story(flow=ASKS, **fields).arrives()
    assert story.outcome() == ("unsold", "paused", "system")
    assert story.events(CallReceived)
    assert story.did(c.HangUpCaller) == [c.HangUpCaller(480, "paused")]
    assert not story.did(c.Seek)


def test_the_refusal_of_a_paused_campaign_waits_for_the_disk() -> None:
    story = Story(campaign="{paused: true}")
    story.tell(Arrived())
    assert not story.did(c.HangUpCaller)
    story.durable()
    assert story.did(c.HangUpCaller)


# -- patience --------------------------------------------------------------------------------------------------------


def test_when_patience_is_at_its_end_no_new_offer_is_made_and_a_ringing_one_finishes() -> None:
    story = Story("a", "b", plan="{patience_seconds: 20}").arrives()
    story.passes(24)
    assert story.target == "a"
    story.passes(1)
    assert story.outcome() == ("unsold", "out_of_patience", "system")
    assert story.attempts() == [("a", "no_answer", "ring_seconds")]


def test_an_auction_is_settled_without_bidders_until_they_can_be_asked() -> None:
    story = Story(sections=COMPETING % "auction").arrives()
    assert story.target == "a"
    story.refuses(486)
    assert story.outcome() == ("unsold", "not_taken", "system")
    assert [(each.method, each.p) for each in story.events(OfferReserved)] == [("auction", None)]
    decision = story.router.explain(story._query, story.capacity)
    assert [(each.route, each.reason) for each in decision.rejected] == [("main.t.b", "bid")]


def test_an_offer_by_performance_keeps_its_chance_and_how_likely_it_was() -> None:
    story = Story(sections=COMPETING.replace("{target: b}", "{target: c, price: '20.00'}") % "performance").arrives()
    story.refuses(486)
    first, second = story.events(OfferReserved)
    assert (first.method, first.p, second.p, second.propensity) == ("performance", 0.5, 0.5, 1.0)
    assert first.propensity is not None
    assert 0.3 < first.propensity < 0.7
    assert [each.propensity for each in story.record.attempts] == [first.propensity, 1.0]


def test_offers_are_bounded() -> None:
    story = Story("a", "b", "d", plan="{max_offers: 2}").arrives()
    story.refuses(486)
    story.refuses(486)
    assert story.outcome() == ("unsold", "out_of_patience", "system")
    assert len(story.attempts()) == 2
