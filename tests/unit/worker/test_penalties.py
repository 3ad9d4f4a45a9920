"""What share of what it bought a target has sent back."""

from __future__ import annotations

import pytest

from trunkline.worker import penalties
from trunkline.worker.penalties import SALES_MIN, Sold, penalties_of

pytestmark = pytest.mark.unit


def sold(target: str, sales: int, minor: int, returned: int, account: str = "acme") -> Sold:
    return Sold(account, target, sales, minor, returned)


def test_a_penalty_is_the_share_of_money_that_came_back() -> None:
    found = penalties_of(
        [sold("a", 100, 100_000, 12_345), sold("b", 100, 100_000, 0), sold("c", 40, 50_000, 60_000, "other")]
    )
    assert found == {"acme": {"a": 1_234}, "other": {"c": 10_000}}


def test_few_sales_and_sales_for_nothing_say_nothing() -> None:
    assert penalties_of([sold("a", SALES_MIN - 1, 1_000, 500), sold("b", 100, 0, 0)]) == {"acme": {}}
    assert penalties_of([]) == {}


def test_the_highest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "TARGETS_MAX", 2)
    found = penalties_of([sold(f"t{number}", 50, 10_000, number) for number in range(1, 6)])
    assert found == {"acme": {"t5": 5, "t4": 4}}
