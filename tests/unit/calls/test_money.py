"""When a buyer owes and a publisher earns, told by calls; and the codes that say why not."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import ASKS, Story, sold

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.events.calls import CallEnded, Converted, OfferReserved, PayoutEarned
from trunkline.kernel.clock import SECOND
from trunkline.kernel.leases import FUNDS
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit


def by(rule: str, payouts: str = "[]") -> str:
    """A campaign with this conversion rule and these payouts."""
    return f"{{conversion: {{call: {{{rule}}}}}, payouts: {payouts}}}"


LONG = by("event: duration, seconds: 90")


def owed(story: Story) -> int | None:
    """Milliseconds after the call came in at which the buyer owed."""
    found = story.events(Converted)
    return found[0].at_ms - story.written[0].at_ms if found else None


def earned(story: Story) -> list[tuple[str, bool]]:
    """Every payout: amount, and whether it is a loss."""
    return [(str(event.amount), event.loss) for event in story.events(PayoutEarned)]


def codes(story: Story) -> tuple[str | None, str | None]:
    """Why not converted, why not paid."""
    ended = story.over()
    return ended.not_converted, ended.not_paid


# -- the buyer: which event ------------------------------------------------------------------------------------------


def test_by_default_a_buyer_owes_when_it_is_connected() -> None:
    story = Story().arrives()
    story.passes(4)
    story.answers()
    story.passes(0)
    assert owed(story) == 4_000
    (converted,) = story.events(Converted)
    assert (converted.amount, converted.buyer, converted.rule) == (Money(2_000, "USD"), "a-buyer", "default: connect")


def test_a_call_that_ends_at_the_instant_of_its_connection_is_owed() -> None:
    story = sold()
    story.caller_leaves()
    assert codes(story) == (None, "no_rule")


def test_an_attempt_is_owed_when_the_invite_has_left_whatever_comes_of_it() -> None:
    story = Story(campaign=by("event: attempt")).arrives()
    assert owed(story) == 0
    story.refuses(486)
    assert story.over().outcome == "unsold"
    assert codes(story)[0] is None


def test_an_attempt_that_never_left_is_not_owed() -> None:
    story = Story(campaign=by("event: attempt"))
    story.tell(i.Arrived())
    story.caller_leaves()
    assert codes(story) == ("not_connected", "not_connected")
    assert not story.events(Converted)


def test_each_attempt_owes_by_its_own_terms() -> None:
    story = Story("a", "b", campaign=by("event: attempt")).arrives()
    story.refuses(486)
    story.answers()
    story.caller_leaves()
    story.over()
    assert [event.buyer for event in story.events(Converted)] == ["a-buyer", "b-buyer"]
    assert [each.converted for each in story.record.attempts] == [True, True]
    assert story.record.revenue == "40.00"


# -- the buyer: how long ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "not_converted"), [(89.999, "too_short"), (90, None), (90.001, None)])
def test_ninety_seconds_are_ninety_seconds(seconds: float, not_converted: str | None) -> None:
    story = sold(campaign=LONG)
    story.passes(seconds)
    story.caller_leaves()
    assert codes(story)[0] == not_converted


@pytest.mark.parametrize("leaves", [Story.caller_leaves, Story.buyer_leaves], ids=["caller", "buyer"])
def test_a_party_that_leaves_at_the_very_instant_leaves_too_late(leaves: object) -> None:
    story = sold(campaign=LONG)
    story.late(90)
    leaves(story)  # type: ignore[operator]
    assert owed(story) == 90_000


def test_a_call_that_is_cut_at_the_very_instant_has_lasted_long_enough() -> None:
    story = sold(campaign=LONG, target="{max_duration_seconds: 90}")
    story.passes(90)
    assert story.outcome() == ("sold", "max_duration", "system")
    assert owed(story) == 90_000


def test_a_late_loop_converts_at_the_due_instant() -> None:
    story = sold(campaign=LONG)
    story.late(97.3)
    story.tell(i.Tick())
    assert owed(story) == 90_000


def test_what_was_due_before_a_late_hang_up_is_owed_and_what_was_due_after_it_is_not() -> None:
    story = sold(campaign=LONG, target="{max_duration_seconds: 60}")
    story.late(120)
    story.tell(i.Tick())
    ended = story.over()
    assert (ended.reason, ended.not_converted) == ("max_duration", "too_short")
    assert ended.at_ms - story.written[0].at_ms == 60_000


def test_a_conversion_is_written_when_it_is_due_and_not_at_the_end() -> None:
    story = sold(campaign=LONG)
    story.passes(90)
    assert story.events(Converted)
    assert not story.events(CallEnded)


@pytest.mark.parametrize(
    ("timer", "due_ms"), [("incoming", 90_000), ("dial", 90_000 + 6_000), ("connect", 90_000 + 6_000 + 10_000)]
)
def test_the_timer_runs_from_arrival_dialling_or_connection(timer: str, due_ms: int) -> None:
    story = Story(flow=ASKS, campaign=by(f"event: duration, seconds: 90, timer: {timer}")).arrives()
    story.passes(6)
    story.presses("1")
    story.passes(10)
    story.answers()
    story.passes(100)
    assert owed(story) == due_ms


@pytest.mark.parametrize("timer", ["incoming", "dial"])
def test_a_timer_that_ran_out_while_it_rang_converts_at_connect(timer: str) -> None:
    story = Story(campaign=by(f"event: duration, seconds: 5, timer: {timer}")).arrives()
    story.passes(12)
    assert owed(story) is None
    story.answers()
    story.caller_leaves()
    assert owed(story) == 12_000


def test_the_dial_timer_is_that_of_the_attempt_that_connects() -> None:
    story = Story("a", "b", campaign=by("event: duration, seconds: 30, timer: dial")).arrives()
    story.passes(25)
    story.passes(2)
    story.answers()
    story.passes(40)
    assert owed(story) == 25_000 + 30_000


def test_the_targets_offset_is_added() -> None:
    story = sold(campaign=LONG, target="{conversion_offset_seconds: 5}")
    story.passes(100)
    assert owed(story) == 95_000


def test_the_time_of_a_whisper_counts_and_that_of_waiting_for_a_key_does_not() -> None:
    story = Story(campaign=LONG, target="{whisper: 'A call.'}").arrives()
    story.answers()
    story.passes(10)
    story.heard("buyer")
    story.passes(80)
    assert owed(story) == 90_000
    asked = Story(campaign=LONG, target="{press_to_accept: '1'}").arrives()
    asked.answers()
    asked.passes(10)
    asked.presses("1", "buyer")
    asked.passes(90)
    assert owed(asked) == 100_000


def test_an_attempt_that_failed_is_not_owed_later() -> None:
    story = Story("a", "b", campaign=by("event: duration, seconds: 5, timer: incoming")).arrives()
    story.refuses(486)
    story.passes(10)
    assert owed(story) is None


# -- the seats -------------------------------------------------------------------------------------------------------


def test_the_seats_of_a_limit_are_settled_at_its_own_event() -> None:
    story = Story(campaign=LONG).arrives()
    settled = [command.measure for command in story.did(c.Settle)]
    assert settled == ["attempt"]
    story.answers()
    assert [command.measure for command in story.did(c.Settle)] == ["attempt", "connect"]
    story.passes(90)
    assert [(command.measure, command.amount) for command in story.did(c.Settle)[2:]] == [
        ("convert", None),
        ("spend", 2_000),
        (FUNDS, 2_000),
    ]


# -- the publisher ---------------------------------------------------------------------------------------------------


def paid(rule: str, seconds: float = 100, conversion: str = "event: connect") -> Story:
    """A sold call of so many seconds under one payout rule."""
    story = sold(campaign=by(conversion, f"[{{{rule}}}]"))
    story.passes(seconds)
    story.caller_leaves()
    story.over()
    return story


@pytest.mark.parametrize(
    ("rule", "amount", "loss"),
    [
        ("event: convert, amount: '12.00'", "12.00", False),
        ("event: convert, amount: '20.00'", "20.00", False),
        ("event: convert, amount: '20.01'", "20.01", True),
        ("event: convert, percent: 60", "12.00", False),
        ("event: convert, percent: 60, max: '8.00'", "8.00", False),
        ("event: convert, percent: 10, min: '5.00'", "5.00", False),
        ("event: convert, percent: 10, min: '25.00'", "25.00", True),
        ("event: connect, amount: '3.00'", "3.00", False),
        ("event: duration, seconds: 30, amount: '4.00'", "4.00", False),
        ("event: incoming, amount: '1.00'", "1.00", False),
    ],
)
def test_what_a_publisher_earns(rule: str, amount: str, loss: bool) -> None:
    story = paid(rule)
    assert earned(story) == [(amount, loss)]
    assert story.events(CallEnded)[0].not_paid is None
    assert story.record.payout == amount


def test_arriving_is_paid_for_also_when_nobody_buys() -> None:
    story = Story(campaign=by("event: connect", "[{event: incoming, amount: '1.00'}]")).arrives()
    story.refuses(486)
    assert codes(story) == ("not_connected", None)
    assert story.events(PayoutEarned)[0].attempt is None


def test_a_paused_campaign_does_not_pay_for_arriving() -> None:
    campaign = by("event: connect", "[{event: incoming, amount: '1.00'}]").replace("{conv", "{paused: true, conv", 1)
    story = Story(campaign=campaign).arrives()
    assert codes(story) == ("not_connected", "not_connected")
    assert earned(story) == []


def test_a_publisher_is_paid_once_however_many_attempts_are_owed() -> None:
    story = Story("a", "b", campaign=by("event: attempt", "[{event: convert, percent: 50}]")).arrives()
    story.refuses(486)
    story.answers()
    story.caller_leaves()
    story.over()
    assert len(story.events(Converted)) == 2
    assert earned(story) == [("10.00", False)]


def test_a_publisher_may_be_paid_before_and_without_a_conversion() -> None:
    story = sold(campaign=by("event: duration, seconds: 90", "[{event: duration, seconds: 30, amount: '4.00'}]"))
    story.passes(30)
    assert earned(story) == [("4.00", False)]
    story.caller_leaves()
    assert codes(story) == ("too_short", None)


@pytest.mark.parametrize(("seconds", "pays"), [(29.999, False), (30, True)])
def test_the_publishers_seconds_are_exact_too(seconds: float, pays: bool) -> None:
    assert bool(earned(paid("event: duration, seconds: 30, amount: '4.00'", seconds))) == pays


@pytest.mark.parametrize(
    ("rule", "conversion", "not_paid"),
    [
        ("publisher: somebody, event: convert, amount: '1.00'", "event: connect", "no_rule"),
        ("paused: true, event: convert, amount: '1.00'", "event: connect", "rule_paused"),
        ("hours: {mon: ['08:00-09:00']}, event: convert, amount: '1.00'", "event: connect", "rule_hours"),
        ("event: convert, amount: '1.00'", "event: duration, seconds: 90", "not_converted"),
        ("event: duration, seconds: 90, amount: '1.00'", "event: connect", "too_short"),
    ],
)
def test_why_a_publisher_was_not_paid(rule: str, conversion: str, not_paid: str) -> None:
    sections = "{publishers: [{key: pub}, {key: somebody}]}"
    story = sold(campaign=by(conversion, f"[{{{rule}}}]"), sections=sections)
    story.passes(1)
    story.caller_leaves()
    assert codes(story)[1] == not_paid
    assert earned(story) == []


def test_nothing_is_owed_or_earned_for_a_call_that_nobody_took() -> None:
    story = Story(campaign=by("event: connect", "[{event: convert, amount: '1.00'}]")).arrives()
    story.refuses(486)
    assert codes(story) == ("not_connected", "not_connected")


# -- seats that wait for a conversion --------------------------------------------------------------------------------

LIMITED = """
buyers:
  - key: a-buyer
    funding: {mode: prepaid, limit: "100.00"}
    limits:
      - {measure: live, max: 5}
      - {measure: connect, per: day, max: 5}
      - {measure: convert, per: day, max: 5}
      - {measure: spend, per: lifetime, max: "500.00"}
"""
POSTBACK = by('event: postback, max_price: "35.00", decide_within_seconds: 600')


def seats(story: Story) -> dict[str, tuple[int, int]]:
    """What is used and held, by measure."""
    lease = next(event.lease for event in story.events(OfferReserved))
    found = story.capacity._leases.get(lease)
    held = {} if found is None else {each.counter.measure: each.amount for each in found.lease.demands}
    return {
        counter.measure: (cell.used, held.get(counter.measure, 0))
        for (counter, _), cell in story.capacity._cells.items()
    }


def test_what_may_convert_later_keeps_its_seats_and_the_most_it_may_charge() -> None:
    story = sold(campaign=POSTBACK, sections=LIMITED)
    assert seats(story)["spend"] == (0, 3_500), "what the postback may charge at most"
    story.passes(30)
    story.caller_leaves()
    assert codes(story)[0] == "no_postback"
    assert (story.capacity.leases(), story.capacity.kept()) == (0, 1)
    assert seats(story) == {
        "funds": (0, 3_500), "live": (0, 0), "connect": (1, 0), "convert": (0, 1), "spend": (0, 3_500)
    }  # fmt: skip
    assert story.capacity.sweep(story.now.later(599 * SECOND)) == []
    assert seats(story)["convert"] == (0, 1)
    assert story.capacity.sweep(story.now.later(600 * SECOND)) == []
    assert story.capacity.kept() == 0
    assert all(held == 0 for _, held in seats(story).values())


@pytest.mark.parametrize("rule", ["event: connect", "event: duration, seconds: 20"])
def test_what_has_converted_keeps_nothing(rule: str) -> None:
    story = sold(campaign=by(f"{rule}, decide_within_seconds: 600"), sections=LIMITED)
    story.passes(30)
    story.caller_leaves()
    assert (story.capacity.leases(), story.capacity.kept()) == (0, 0)
    assert seats(story) == {
        "funds": (2_000, 0), "live": (0, 0), "connect": (1, 0), "convert": (1, 0), "spend": (2_000, 0)
    }  # fmt: skip


def test_an_attempt_that_did_not_connect_keeps_nothing() -> None:
    story = Story(campaign=POSTBACK, sections=LIMITED).arrives()
    story.refuses(486)
    assert (story.capacity.leases(), story.capacity.kept()) == (0, 0)
