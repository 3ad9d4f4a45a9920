"""Garbage that holds itself is found although what lives is out of the collector's sight."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from trunkline.switch import collector
from trunkline.switch.collector import Collector

pytestmark = pytest.mark.unit


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def knots() -> list[ref[Knot]]:
    """Weak references to garbage that is out of sight."""
    found = [ref(knot) for knot in [Knot() for _ in range(1_000)]]
    gc.freeze()
    return found


def test_garbage_is_looked_for_when_enough_has_come_together_and_sooner_without_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collector, "GROWN_QUIET_MAX", 500)
    monkeypatch.setattr(collector, "GROWN_MAX", 2_500)
    calls = 1
    watch = Collector(lambda: calls)
    watch.look_through()
    first = knots()
    watch.tend()
    assert all(first), "calls go on, and it is not much"
    second = knots()
    third = knots()
    watch.tend()
    assert not any(knot() for knot in (*first, *second, *third))
    calls = 0
    fourth = knots()
    watch.tend()
    assert not any(knot() for knot in fourth)


def test_what_lives_is_out_of_sight_and_what_was_garbage_before_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "HIDE_EVERY_S", 0.0)

    async def run() -> None:
        before = knots()
        watch = Collector(lambda: 1)
        watch.look_through()
        assert not any(knot() for knot in before)
        work = asyncio.create_task(watch.run())
        kept = Knot()
        while any(each is kept for each in gc.get_objects()):  # noqa: ASYNC110 - the collector tells nobody
            await asyncio.sleep(0)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    asyncio.run(asyncio.wait_for(run(), 30))
