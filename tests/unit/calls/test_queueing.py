"""A caller who is held until somebody has room: what it hears, when it is served, and when it has waited enough."""

from __future__ import annotations

import pytest
from tests.unit.calls.stories import Story

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.queueing import FAR, FIRST, place_prompt
from trunkline.engine.calls.table import State
from trunkline.events.calls import CallDequeued, CallQueued
from trunkline.kernel.leases import Lease

pytestmark = pytest.mark.unit

HOLDS = """{start: {hold_queue: {seconds: 60, say: 'Please hold.', music: {file: music.wav}, position_seconds: 20}},
            bye: {hang_up: {}}}"""
ONE_SEAT = "{limits: [{measure: live, max: 1}]}"


class Busy(Story):
    """A call that comes when every seat is taken by somebody else, until `frees`."""

    def __init__(self, *targets: str, **fields: str) -> None:
        super().__init__(*targets, **{"flow": HOLDS, "target": ONE_SEAT, **fields})
        for key in targets or ("a",):
            self.takes(key)

    def takes(self, key: str) -> None:
        """Somebody else takes the only seat of a target."""
        explained = self.router.explain(self._query, self.capacity)
        found = next(offer for offer in explained.offers if offer.target == key)
        lease = self.capacity.reserve(f"other-{key}", "acme", "other", "other", found.demands, None, self.now)
        assert isinstance(lease, Lease)
        self.others += 1

    def frees(self, key: str = "a") -> None:
        """That seat comes free, and those who wait are asked again."""
        self.capacity.release(f"other-{key}", self.now)
        self.others -= 1
        self.look()
        self.durable()


def music(story: Story) -> list[str | None]:
    return [None if each.music is None else each.music.file for each in story.did(c.Ringback)]


def waited(story: Story) -> list[tuple[int, str | None]]:
    return [(event.waited_ms, event.reason) for event in story.events(CallDequeued)]


def test_who_need_not_wait_is_offered_at_once() -> None:
    story = Story(flow=HOLDS, target=ONE_SEAT).arrives()
    assert (story.state, story.events(CallQueued), story.played()) == (State.RINGING, [], [])


def test_who_has_to_wait_is_told_hears_music_and_is_served() -> None:
    story = Busy().arrives()
    assert (story.state, story.played()) == (State.QUEUED, ["Please hold."])
    story.heard()
    assert music(story) == ["music.wav"]
    story.passes(7)
    story.frees()
    assert (story.state, story.target) == (State.RINGING, "a")
    assert waited(story) == [(7_000, None)]
    story.answers()
    story.passes(3)
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")


def test_the_place_in_the_line_is_told_again_and_again() -> None:
    story = Busy()
    story.ahead = 2
    story.arrives()
    story.heard()
    story.passes(21)
    assert story.played()[1:] == ["You are number three in line."]
    story.ahead = 0
    story.heard()
    story.passes(20)
    assert story.played()[2:] == ["You are the next caller in line."]
    assert story.events(CallQueued)[0].position == 3


def test_a_prompt_is_not_cut_off_by_the_place() -> None:
    story = Busy().arrives()
    story.passes(21)
    assert story.played() == ["Please hold."]


def test_places_have_words() -> None:
    assert place_prompt(1) == FIRST
    assert place_prompt(20).say == "You are number twenty in line."
    assert place_prompt(21) == place_prompt(500) == FAR


def test_waiting_has_an_end() -> None:
    story = Busy(plan="{no_buyer: {say: 'Sorry.'}}").arrives()
    story.heard()
    story.passes(60)
    assert story.played()[-1] == "Sorry."
    story.heard()
    assert story.outcome() == ("unsold", "waited_too_long", "system")
    assert waited(story) == [(60_000, "waited_too_long")]


def test_after_waiting_the_flow_goes_on() -> None:
    flow = "{start: {hold_queue: {seconds: 10, next: sorry}}, sorry: {play: {say: 'Later.'}, next: bye}, "
    flow += "bye: {hang_up: {}}}"
    story = Busy(flow=flow).arrives()
    story.passes(10)
    assert story.played() == ["Later."]
    story.heard()
    assert story.outcome() == ("unsold", "waited_too_long", "system")


def test_whom_nobody_takes_does_not_wait() -> None:
    story = Story(flow=HOLDS, plan="{criteria: {attr: caller.language, eq: es}}").arrives()
    assert story.outcome() == ("unsold", "no_route", "system")
    assert story.events(CallQueued) == []


def test_an_offer_that_is_refused_brings_the_caller_back_while_another_may_come_free() -> None:
    story = Busy("a", "b").arrives()
    story.frees("a")
    story.refuses(486)
    assert story.state is State.QUEUED
    assert [(each.fresh, each.most) for each in story.did(c.Enqueue)] == [(True, 100), (False, 100)]
    assert story.played() == ["Please hold."], "the words are said once"
    story.frees("b")
    assert (story.state, story.target) == (State.RINGING, "b")
    story.refuses(486)
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_a_buyer_that_rings_when_the_time_is_over_may_still_answer() -> None:
    story = Busy("a", "b").arrives()
    story.passes(59)
    story.frees("a")
    story.passes(10)
    assert story.state is State.RINGING
    story.answers()
    story.passes(1)
    story.caller_leaves()
    assert story.outcome() == ("sold", None, "caller")


def test_no_one_waits_again_when_the_time_is_over() -> None:
    story = Busy("a", "b").arrives()
    story.passes(59)
    story.frees("a")
    story.passes(10)
    story.refuses(486)
    assert story.outcome() == ("unsold", "not_taken", "system")


def test_a_caller_who_leaves_has_abandoned() -> None:
    story = Busy().arrives()
    story.passes(5)
    story.caller_leaves()
    assert story.outcome() == ("abandoned", None, "caller")
    assert [routed.outcome for routed in story.did(c.WriteRouting)] == ["abandoned"]


def test_news_of_the_line_that_comes_late_changes_nothing() -> None:
    story = Busy().arrives()
    story.frees()
    story.tell(i.Placed(1))
    story.tell(i.PlaceDue())
    story.tell(i.Queued(1, "main"))
    assert story.state is State.RINGING
