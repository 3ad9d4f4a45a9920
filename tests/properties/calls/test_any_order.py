"""Whatever happens to a call, in whatever order: nothing is left of it, and every attempt has one outcome."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.calls.walks import STEPS, SUDDEN, Walk

from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.machine import CallMachine
from trunkline.engine.calls.table import TRANSITIONS, State

pytestmark = pytest.mark.property

WALKS = 2_000
STEPS_MAX = 45
MOODS = (("go_on",) * 12 + ("end",), ("go_on",) * 6 + ("refuse",) * 12 + ("end",))
"""Walks that lead far into a sale, and walks in which nobody buys."""


class Drawn:
    """Choices by hypothesis, which finds the shortest walk to a failure."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def one_of(self, options: Sequence[object]) -> object:
        return self._data.draw(st.sampled_from(list(options)))

    def below(self, bound: int) -> int:
        return self._data.draw(st.integers(0, bound - 1))


class Seeded:
    """Choices by a seeded generator, which goes further in the same time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one_of(self, options: Sequence[object]) -> object:
        return self._random.choice(options)

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)


@given(data=st.data(), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=40))
@settings(max_examples=200)
def test_nothing_is_left_after_any_short_walk(data: st.DataObject, steps: list[str]) -> None:
    walk = Walk(Drawn(data))
    for step in steps:
        walk.step(step)
    walk.finish()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> set[tuple[State, type]]:
    """The transitions that were taken during a test."""
    seen: set[tuple[State, type]] = set()
    step = CallMachine._step

    def watch(self: CallMachine, event: i.Input) -> None:
        seen.add((self.state, type(event)))
        step(self, event)

    monkeypatch.setattr(CallMachine, "_step", watch)
    return seen


def stroll(seed: int, length: int | None = None) -> Iterator[Walk]:
    """A walk by seed: the walk itself, again after every step, not finished."""
    choose = Seeded(seed)
    walk = Walk(choose)
    yield walk
    names = (*STEPS, *MOODS[seed % len(MOODS)])
    for _ in range(choose.below(STEPS_MAX) if length is None else length):
        walk.step(str(choose.one_of(names)))
        yield walk


def test_nothing_is_left_after_long_walks_through_every_transition(taken: set[tuple[State, type]]) -> None:
    passed: dict[State, tuple[int, int]] = {}
    for seed in range(WALKS):
        for length, walk in enumerate(stroll(seed, STEPS_MAX)):
            passed.setdefault(walk.world.machine.state, (seed, length))
        walk.finish()
    assert set(passed) == set(State) - {State.NEW}
    for state, event in set(TRANSITIONS) - taken:  # rare ones are gone to on purpose
        *_, walk = stroll(*passed[state])
        walk.meet(SUDDEN[event])
        walk.finish()
    missed = {f"{state.name} {event.__name__}" for state, event in set(TRANSITIONS) - taken}
    assert not missed, f"never taken: {sorted(missed)}"
