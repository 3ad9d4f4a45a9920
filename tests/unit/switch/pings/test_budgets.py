"""How many pings a publisher may send: by the minute and by the day of its own zone."""

from __future__ import annotations

import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.schema import Account, Publisher
from trunkline.kernel.clock import SECOND, Instant
from trunkline.switch.pings.budgets import Budgets, Spent

pytestmark = pytest.mark.unit

ACCOUNT = Account(key="acme", timezone="America/New_York")
NOON_MS = 1_795_453_200_000
"""2026-11-23 12:00 in New York."""


def at(seconds: float = 0) -> Instant:
    return Instant(0, NOON_MS).later(round(seconds * SECOND))


def test_without_a_word_there_is_no_end() -> None:
    budgets = Budgets(MemoryCapacity())
    assert [budgets.take(ACCOUNT, Publisher(key="adwave"), at()) for _ in range(1_000)] == [None] * 1_000


def test_a_minutes_worth_at_once_and_then_one_after_another() -> None:
    budgets, publisher = Budgets(MemoryCapacity()), Publisher(key="adwave", pings_per_minute=6)
    assert [budgets.take(ACCOUNT, publisher, at()) for _ in range(6)] == [None] * 6
    spent = budgets.take(ACCOUNT, publisher, at())
    assert spent == Spent("pings_per_minute", 10)
    assert budgets.take(ACCOUNT, Publisher(key="other", pings_per_minute=6), at()) is None
    assert budgets.take(ACCOUNT, publisher, at(10)) is None
    assert budgets.take(ACCOUNT, publisher, at(10)) is not None


def test_a_day_ends_at_midnight_where_the_publisher_is() -> None:
    capacity = MemoryCapacity()
    budgets = Budgets(capacity)
    here = Publisher(key="adwave", ping_budget=2)
    west = Publisher(key="west", ping_budget=1, timezone="America/Los_Angeles")
    assert [budgets.take(ACCOUNT, here, at()) for _ in range(2)] == [None, None]
    assert budgets.take(ACCOUNT, here, at()) == Spent("ping_budget", 12 * 3_600)
    assert budgets.take(ACCOUNT, here, at(12 * 3_600)) is None
    assert budgets.take(ACCOUNT, west, at()) is None
    assert budgets.take(ACCOUNT, west, at(14.9 * 3_600)) == Spent("ping_budget", 360)
    assert capacity.take_changes(), "what is counted goes to the disk"


@pytest.mark.parametrize(
    ("publisher", "code"),
    [
        (Publisher(key="a", pings_per_minute=0), "pings_per_minute"),
        (Publisher(key="a", ping_budget=0), "ping_budget"),
    ],
)
def test_zero_is_none(publisher: Publisher, code: str) -> None:
    spent = Budgets(MemoryCapacity()).take(ACCOUNT, publisher, at())
    assert spent is not None
    assert spent.code == code
