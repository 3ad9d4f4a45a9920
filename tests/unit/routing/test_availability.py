"""Wrap-up, pauses for not answering, and what people say: when a target takes traffic."""

from __future__ import annotations

import pytest

from trunkline.config.schema import PauseAfter
from trunkline.engine.routing.availability import Availability
from trunkline.engine.routing.facts import NO_FACTS, changed, facts_of
from trunkline.kernel.clock import SECOND, Instant

pytestmark = pytest.mark.unit

START = Instant(5_000 * SECOND, 1_795_446_000_000)
PAUSE = PauseAfter(no_answers=3, window_seconds=60, cool_down_seconds=120)


def at(seconds: float) -> Instant:
    return START.later(round(seconds * SECOND))


def missed(target: Availability, *seconds: float) -> None:
    for each in seconds:
        target.ended("no_answer", at(each))


def test_a_target_of_which_nothing_is_said_is_available() -> None:
    target = Availability()
    for outcome in ("connected", "no_answer", "timeout", "busy"):
        target.ended(outcome, START)
    assert (target.status(START), target.until_ms(START)) == ("available", None)


def test_wrap_up_begins_when_a_call_has_ended_and_ends_by_itself() -> None:
    target = Availability(wrap_up_s=30)
    target.ended("busy", START)
    assert target.status(START) == "available"
    target.ended("connected", START)
    assert (target.status(at(29.9)), target.until_ms(at(1))) == ("wrap_up", START.utc_ms + 30_000)
    assert target.status(at(30)) == "available"


def test_so_many_unanswered_offers_pause() -> None:
    target = Availability(settings=PAUSE)
    missed(target, 0, 20)
    assert target.status(at(20)) == "available"
    target.ended("timeout", at(40))
    assert (target.status(at(40)), target.until_ms(at(41))) == ("auto_paused", START.utc_ms + 160_000)
    assert target.status(at(160)) == "available"
    missed(target, 161, 162)
    assert target.status(at(162)) == "available", "counting begins anew"


def test_misses_long_past_do_not_count() -> None:
    target = Availability(settings=PAUSE)
    missed(target, 0, 30, 60)
    assert target.status(at(60)) == "available"
    missed(target, 61)
    assert target.status(at(61)) == "auto_paused"


def test_an_answer_begins_the_row_anew_and_a_refusal_does_not_count() -> None:
    target = Availability(settings=PAUSE)
    missed(target, 0, 1)
    target.ended("connected", at(2))
    missed(target, 3, 4)
    target.ended("busy", at(5))
    assert target.status(at(5)) == "available"
    missed(target, 6)
    assert target.status(at(6)) == "auto_paused"


def test_what_people_say_counts_before_all() -> None:
    target = Availability(30, PAUSE)
    missed(target, 0, 1, 2)
    target.take(away=True)
    assert (target.status(at(3)), target.until_ms(at(3))) == ("away", None)
    target.take(away=False)
    assert target.status(at(3)) == "available", "nothing stands in its way"
    missed(target, 4, 5, 6)
    target.resume()
    assert target.status(at(6)) == "available"


def test_equal_facts_have_equal_versions() -> None:
    away = facts_of(unavailable={"a": "away", "b": "wrap_up"})
    assert away == changed(facts_of(["c"], unavailable={"b": "wrap_up", "a": "away"}), down=frozenset())
    assert away.out == {"a", "b"}
    assert facts_of(["c"], unavailable={"a": "away"}).out == {"a", "c"}
    assert len({facts.version for facts in (away, facts_of(["a", "b"]), facts_of(unavailable={"a": "away"}))}) == 3
    assert changed(away, unavailable={}) == NO_FACTS
