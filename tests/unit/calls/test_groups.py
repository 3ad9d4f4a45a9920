"""Several phones of one buyer ring for one offer: one takes the call, the others are let go, all are told apart."""

from __future__ import annotations

from itertools import permutations

import pytest
from tests.unit.calls.stories import ASKS, Story

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.legs import NEAREST
from trunkline.engine.calls.outcomes import outcome_of_status
from trunkline.engine.calls.table import State
from trunkline.events.calls import AttemptConnected, AttemptEnded, LegEnded

pytestmark = pytest.mark.unit

PHONES = ["sip:a@127.0.0.1:5081", "sip:two@127.0.0.1:5082", "sip:three@127.0.0.1:5083"]
ALSO = f"also_dial: ['{PHONES[1]}', '{PHONES[2]}']"
GROUP = f"{{{ALSO}}}"
PRESS = f"{{{ALSO}, press_to_accept: '1', press_seconds: 10}}"


def ringing(target: str = GROUP, *targets: str, **fields: str) -> Story:
    """A call whose first buyer's phones ring; `targets` are further buyers with one phone."""
    return Story("a", *targets, a=target, **fields).arrives()


def legs(story: Story) -> list[tuple[str, str | None, int | None]]:
    """Outcome, reason and status of each leg of the first attempt that has ended."""
    ended: AttemptEnded = story.events(AttemptEnded)[0]
    assert ended.legs is not None
    assert [leg.dial for leg in ended.legs] == PHONES
    return [(leg.outcome, leg.reason, leg.sip_status) for leg in ended.legs]


def test_all_phones_of_a_group_ring_for_one_offer() -> None:
    story = ringing()
    assert story.ringing == {story.attempt, f"{story.attempt}.2", f"{story.attempt}.3"}
    assert len(story.did(c.RingBuyer)) == 1
    assert story.capacity.leases() == 1


def test_an_attempt_is_counted_once_however_many_phones_ring() -> None:
    story = ringing()
    assert [settle.measure for settle in story.did(c.Settle)] == ["attempt"]


def test_the_first_phone_that_answers_has_the_call_and_the_others_are_let_go() -> None:
    story = ringing()
    story.passes(2)
    story.answers(1)
    assert story.state is State.CONNECTED
    assert story.did(c.DropLeg) == [c.DropLeg(story.attempt, 0, "elsewhere"), c.DropLeg(story.attempt, 2, "elsewhere")]
    assert story.ringing == {f"{story.attempt}.2"}
    story.passes(7)
    story.buyer_leaves(1)
    assert story.outcome() == ("sold", None, "buyer")
    assert legs(story) == [("elsewhere", None, None), ("connected", None, 200), ("elsewhere", None, None)]
    (ended,) = story.events(AttemptEnded)
    assert (ended.outcome, ended.ring_ms, ended.duration_ms) == ("connected", 2_000, 7_000)
    assert [leg.ring_ms for leg in ended.legs] == [2_000, 2_000, 2_000]


def test_an_answer_that_crosses_the_first_changes_nothing() -> None:
    story = ringing()
    story.answers(2)
    story.tell(i.Tick())  # what is earned by connecting
    before = len(story.said)
    for late in (i.BuyerAnswered(story.attempt, 0), i.BuyerLeft(story.attempt, 0), i.BuyerRings(story.attempt, 1)):
        story.tell(late)
    assert (story.state, len(story.said)) == (State.CONNECTED, before)
    assert len(story.events(AttemptConnected)) == 1


def test_a_phone_that_fails_leaves_the_others_ringing() -> None:
    story = ringing()
    story.refuses(486, 0)
    story.tell(i.BuyerUnreachable(story.attempt, "dns", 2))
    assert story.state is State.RINGING
    story.answers(1)
    story.caller_leaves()
    story.over()
    assert legs(story) == [("busy", None, 486), ("connected", None, 200), ("failed", "dns", None)]


@pytest.mark.parametrize("order", list(permutations((486, 603, 480))))
def test_of_three_refusals_the_one_that_comes_nearest_to_a_sale_is_the_attempts(order: tuple[int, ...]) -> None:
    story = ringing(GROUP, "b")
    for leg, status in enumerate(order):
        story.refuses(status, leg)
    assert story.target == "b"
    (ended,) = story.events(AttemptEnded)
    assert (ended.outcome, ended.sip_status) == ("busy", 486)
    assert legs(story) == [(outcome_of_status(status), None, status) for status in order]


def test_what_people_did_counts_before_what_machines_said() -> None:
    assert [outcome.value for outcome in NEAREST] == [
        "not_accepted", "busy", "declined", "no_answer", "failed", "timeout",
    ]  # fmt: skip


def test_phones_that_only_fail_differently_from_silence() -> None:
    story = ringing(GROUP, "b")
    story.tell(i.BuyerSilent(story.attempt, 0))
    story.tell(i.BuyerUnreachable(story.attempt, "transport", 1))
    story.tell(i.BuyerSilent(story.attempt, 2))
    assert story.attempts()[0] == ("a", "failed", "transport")


def test_the_ring_time_ends_all_that_still_ring() -> None:
    story = ringing(f"{{{ALSO}, ring_seconds: 12}}", "b")
    story.refuses(503, 1)
    story.passes(12)
    assert story.target == "b"
    assert story.attempts()[0] == ("a", "no_answer", "ring_seconds")
    assert legs(story) == [
        ("no_answer", "ring_seconds", None), ("failed", None, 503), ("no_answer", "ring_seconds", None),
    ]  # fmt: skip


def test_a_caller_who_leaves_lets_all_phones_go() -> None:
    story = ringing()
    story.refuses(486, 0)
    story.caller_leaves()
    assert story.outcome() == ("abandoned", None, "caller")
    assert legs(story) == [("busy", None, 486), ("caller_gone", None, None), ("caller_gone", None, None)]
    assert story.did(c.HangUpBuyer) == [c.HangUpBuyer(story.events(AttemptEnded)[0].attempt)]


def test_an_attempt_of_one_phone_tells_no_legs() -> None:
    story = Story("a").arrives()
    story.refuses(486)
    story.over()
    assert story.events(AttemptEnded)[0].legs is None


def test_legs_are_in_the_record_of_the_call() -> None:
    story = ringing()
    story.answers(1)
    story.caller_leaves()
    story.over()
    (attempt,) = story.record.attempts
    assert attempt.legs == [
        LegEnded(PHONES[0], "elsewhere", None, None, 0),
        LegEnded(PHONES[1], "connected", None, 200, 0),
        LegEnded(PHONES[2], "elsewhere", None, None, 0),
    ]


# -- a key to accept ---------------------------------------------------------------------------------------------------


def test_with_a_key_to_accept_the_first_that_presses_has_the_call() -> None:
    story = ringing(PRESS)
    story.answers(0)  # a voicemail, say
    story.heard("buyer")
    assert (story.state, story.did(c.DropLeg)) == (State.PRESSING, [])
    story.answers(2)
    story.presses("1", "buyer", 2)
    assert story.state is State.CONNECTED
    assert [(drop.leg, drop.reason) for drop in story.did(c.DropLeg)] == [(0, "elsewhere"), (1, "elsewhere")]
    story.caller_leaves()
    story.over()
    assert [outcome for outcome, _, _ in legs(story)] == ["elsewhere", "elsewhere", "connected"]


def test_each_phone_has_its_own_time_to_press() -> None:
    story = ringing(PRESS)
    story.answers(0)
    story.heard("buyer")
    story.passes(6)
    story.answers(1)
    story.heard("buyer.2")
    story.passes(4)
    assert story.did(c.DropLeg) == [c.DropLeg(story.attempt, 0, "no_key")], "ten seconds are over for the first"
    story.passes(5)
    story.presses("1", "buyer", 1)
    assert story.state is State.CONNECTED
    story.caller_leaves()
    story.over()
    assert legs(story)[0] == ("not_accepted", "no_key", None)


def test_a_phone_that_does_not_accept_leaves_the_others_ringing_until_their_time() -> None:
    story = ringing(PRESS, "b")
    story.answers(1)
    story.presses("5", "buyer", 1)
    assert story.state is State.RINGING
    story.passes(25)
    assert story.target == "b"
    assert story.attempts()[0] == ("a", "not_accepted", "other_key")


def test_the_ring_time_does_not_cut_a_phone_that_is_being_asked() -> None:
    story = ringing(PRESS)
    story.passes(24)
    story.answers(0)
    story.passes(2)
    assert story.state is State.PRESSING
    assert [drop.leg for drop in story.did(c.DropLeg)] == [1, 2]
    story.heard("buyer")
    story.presses("1", "buyer", 0)
    assert story.state is State.CONNECTED


def test_a_key_of_a_phone_that_only_rings_is_nobodys() -> None:
    story = ringing(PRESS)
    story.answers(0)
    story.presses("1", "buyer", 1)
    assert story.state is State.PRESSING


def test_the_phone_that_takes_the_call_is_the_one_that_must_have_heard_the_announcement() -> None:
    campaign = "{recording: {mode: from_connect, announce: 'Recorded.'}}"
    story = Story("a", a=PRESS, campaign=campaign, flow=ASKS).arrives()
    story.heard()
    story.presses("1")
    story.answers(0)
    story.heard("buyer")
    story.answers(1)
    story.presses("1", "buyer", 1)  # before its own announcement has ended
    assert (story.state, story.recording) == (State.BRIEFING, {})
    story.heard("buyer.2")
    assert story.state is State.CONNECTED
    assert list(story.recording.values()) == [("caller", "buyer")]
