"""The limits of a trunk, and the second call of one caller."""

from __future__ import annotations

import pytest

from trunkline.config.trunks import Trunk
from trunkline.kernel.clock import SECOND
from trunkline.switch.repeats import Repeats
from trunkline.switch.trunk_load import TrunkLoad, TrunkLoads

pytestmark = pytest.mark.unit

MINUTE = 60 * SECOND
START = 1_000 * MINUTE
ME, YOU, NUMBER = "+15125550100", "+15125550101", "+18335550100"


def test_minutes_are_those_of_both_parties_talk_and_let_no_call_begin_when_they_are_used_up() -> None:
    load, trunk = TrunkLoad(), Trunk(key="t", max_minutes_per_hour=10)
    one, two = load.begin(START), load.begin(START)
    one.answered(START)
    two.answered(START + 2 * MINUTE)
    assert load.full(trunk, START + 6 * MINUTE - 1) is None
    assert load.full(trunk, START + 6 * MINUTE) == "max_minutes_per_hour", "6 + 4, both still going on"
    one.ended(START + 6 * MINUTE)
    two.ended(START + 6 * MINUTE)
    assert load.full(trunk, START + 59 * MINUTE) == "max_minutes_per_hour"
    assert load.full(trunk, START + 61 * MINUTE) is None, "the first minutes are over an hour ago"


@pytest.mark.parametrize(("talked_s", "full"), [(119, None), (120, "max_cost_per_hour")])
def test_cost_is_exact_below_the_smallest_coin(talked_s: int, full: str | None) -> None:
    trunk = Trunk(key="t", cost_per_minute=8_500, max_cost_per_hour=17_000)  # 0.0085 a minute, 0.017 an hour
    load = TrunkLoad()
    load.begin(START).answered(START)
    assert load.full(trunk, START + talked_s * SECOND) == full


def test_ringing_costs_nothing_and_an_end_counts_once() -> None:
    load, trunk = TrunkLoad(), Trunk(key="t", max_live=1, max_minutes_per_hour=1)
    seat = load.begin(START)
    assert load.full(trunk, START + 30 * MINUTE) == "max_live"
    seat.ended(START + 30 * MINUTE)
    seat.ended(START + 31 * MINUTE)
    seat.answered(START + 31 * MINUTE)
    assert (load.live, load.talking, load.full(trunk, START + 31 * MINUTE)) == (0, 0, None)


def test_counts_are_kept_when_the_limits_change() -> None:
    loads = TrunkLoads()
    loads.of("t").begin(START)
    assert loads.of("t").full(Trunk(key="t", max_live=1), START) == "max_live"
    assert loads.of("t").full(Trunk(key="t", max_live=2), START) is None
    assert loads.of("other").full(Trunk(key="other", max_live=1), START) is None


def let_in(repeats: Repeats, caller: str, number: str, call_id: str, seconds: int, now_ns: int) -> bool:
    """Whether a call is no repeat, and is let through then."""
    again = repeats.again(caller, number, call_id, seconds, now_ns)
    if not again:
        repeats.let_through(caller, number, call_id, now_ns)
    return not again


def test_another_call_of_the_same_two_within_the_time_is_a_repeat() -> None:
    repeats = Repeats()
    assert let_in(repeats, ME, NUMBER, "a", 2, START)
    assert not let_in(repeats, ME, NUMBER, "b", 2, START + 2 * SECOND - 1)
    assert let_in(repeats, YOU, NUMBER, "c", 2, START + 1)
    assert let_in(repeats, ME, "+18335550101", "d", 2, START + 1)
    assert let_in(repeats, ME, NUMBER, "e", 2, START + 2 * SECOND), "one that was blocked makes nobody wait longer"
    assert not let_in(repeats, ME, NUMBER, "f", 2, START + 3 * SECOND)
    assert not repeats.again(ME, NUMBER, "e", 2, START + 3 * SECOND), "the same call once more"


def test_a_call_that_could_not_be_taken_blocks_no_other() -> None:
    repeats = Repeats()
    assert not repeats.again(ME, NUMBER, "a", 2, START)
    assert not repeats.again(ME, NUMBER, "b", 2, START + 1)


def test_repeats_are_remembered_in_bounded_memory_the_oldest_forgotten_first() -> None:
    repeats = Repeats(most=100)
    for number in range(1_000):
        assert let_in(repeats, f"+1512{number:07}", NUMBER, str(number), 2, START + number)
    assert len(repeats) == 100
    assert repeats.again("+15120000999", NUMBER, "x", 2, START + 2_000)
    assert not repeats.again("+15120000000", NUMBER, "x", 2, START + 2_000)
