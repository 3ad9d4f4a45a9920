"""What the worker publishes, and when: the switch is a function that answers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from tests.unit.routing.accounts import account

from trunkline.engine.scoring.rate_book import RateBook
from trunkline.engine.scoring.tally import RateTally
from trunkline.kernel.clock import iso
from trunkline.kernel.errors import EnvironmentFault
from trunkline.worker import publishing
from trunkline.worker.penalties import Sold
from trunkline.worker.publishing import RATES_EVERY_MS, PenaltiesDue, Publishing, RatesDue, by_performance

pytestmark = pytest.mark.unit

NOW_MS = 1_795_363_200_000
TIERS = """
plans:
  - key: main
    tiers: [{key: smart, method: performance, routes: [{target: a1, price: "1.00"}]}]
"""


class Switch:
    """Says what is in force, and remembers what it was told."""

    def __init__(self, **shown: Any) -> None:
        self.shown = shown
        self.told: list[tuple[str, dict[str, Any], str]] = []

    async def tell(self, command: str, arguments: dict[str, Any], key: str | None) -> Any:
        if key is None:
            return self.shown[command.replace(".", "_")]
        if "file" in arguments:
            arguments |= {"there": os.path.exists(arguments["file"])}  # noqa: ASYNC240 - nobody waits for it
        self.told.append((command, arguments, key))
        return {}


def test_penalties_are_published_when_they_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "read_sold", lambda data, now_ms: [Sold("acme", "a", 100, 10_000, 500)])
    switch = Switch(penalties_show={"acme": {}, "gone": {"x": 3}, "none": {}})
    asyncio.run(PenaltiesDue(tmp_path, switch.tell, lambda: NOW_MS).publish())
    assert [(command, arguments["account"], arguments["penalties"]) for command, arguments, _ in switch.told] == [
        ("penalties.publish", "acme", {"a": 500}),
        ("penalties.publish", "gone", {}),
    ]
    monkeypatch.setattr(publishing, "read_sold", lambda data, now_ms: None)
    making = Switch()
    asyncio.run(PenaltiesDue(tmp_path, making.tell, lambda: NOW_MS).publish())
    assert making.told == [], "nobody knows before the views are made"
    monkeypatch.setattr(publishing, "read_sold", lambda data, now_ms: [Sold("acme", "a", 100, 10_000, 500)])
    same = Switch(penalties_show={"acme": {"a": 500}})
    asyncio.run(PenaltiesDue(tmp_path, same.tell, lambda: NOW_MS).publish())
    assert same.told == []


@pytest.mark.parametrize(
    ("made", "published"),
    [(None, True), (iso(NOW_MS - RATES_EVERY_MS + 1), False), (iso(NOW_MS - RATES_EVERY_MS), True)],
)
def test_a_rate_book_is_published_when_the_one_in_force_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str | None, published: bool
) -> None:
    book = RateBook(RateTally(NOW_MS).book("acme"))
    monkeypatch.setattr(publishing, "configured", lambda data: (account(TIERS),))
    monkeypatch.setattr(RatesDue, "_count", lambda self, accounts, due, now_ms, go_on: [book])
    switch = Switch(rates_show={"acme": {"version": "none", "made": made, "routes": 0}})
    asyncio.run(RatesDue(tmp_path, switch.tell, lambda: NOW_MS).publish())
    assert bool(switch.told) == published
    for command, arguments, _ in switch.told:
        assert (command, arguments["version"], arguments["there"]) == ("rates.publish", book.version, True)
    assert list(tmp_path.iterdir()) == [], "the file it was handed over in is gone"


def test_without_tiers_of_that_method_nobody_is_asked(tmp_path: Path) -> None:
    assert by_performance([account(TIERS)]) == {"acme"}
    assert by_performance([account(TIERS.replace("performance", "priority"))]) == set()
    switch = Switch()
    asyncio.run(RatesDue(tmp_path, switch.tell, lambda: NOW_MS).publish())
    assert switch.told == []


def test_a_switch_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FIRST_S", 0.0)
    monkeypatch.setattr(publishing, "AGAIN_S", 0.0)
    tries: list[int] = []

    async def run() -> None:
        often = asyncio.Event()

        async def publish() -> None:
            tries.append(1)
            if len(tries) == 3:
                often.set()
            raise EnvironmentFault("no switch is running")

        going_on = asyncio.create_task(Publishing("rates", publish).run())
        await often.wait()
        assert not going_on.done()
        going_on.cancel()
        await asyncio.wait([going_on])

    asyncio.run(run())
