"""A clock that is set changes when things are said to have happened, and nothing else.

Every walk is gone twice: once under a steady wall clock, once under one that somebody sets by an hour or a day, forth
and back, before any step. Timers, durations, decisions, money and outcomes must be the same.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from tests.properties.calls.test_any_order import MOODS, STEPS_MAX, Seeded
from tests.properties.calls.walks import STEPS, Walk

from trunkline.kernel.clock import Instant

pytestmark = pytest.mark.property

WALKS = 200
HOUR_MS = 3_600_000
JUMPS_MS = (0, HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS)
# What says when by the wall clock, paths of recordings by their date. All else must agree.
DATES = frozenset({"at_ms", "received_ms", "reserved_ms", "started_ms", "window_start_ms", "window_end_ms", "path"})
CLOCK = "time."
"""Attributes that are read off the wall clock."""


def undated(value: Any) -> Any:
    """The same without dates."""
    if isinstance(value, dict):
        return {key: undated(each) for key, each in value.items() if key not in DATES and not key.startswith(CLOCK)}
    if isinstance(value, list | tuple):
        return [undated(each) for each in value]
    return value


def told(seed: int, jumps: random.Random | None) -> tuple[list[Any], list[Any]]:
    """The walk of a seed to its end: all commands, all events."""
    choose = Seeded(seed)
    walk = Walk(choose)
    world = walk.world
    names = (*STEPS, *MOODS[seed % len(MOODS)])
    for _ in range(STEPS_MAX):
        if jumps is not None:
            world.now = Instant(world.now.mono_ns, world.now.utc_ms + jumps.choice(JUMPS_MS))
        walk.step(str(choose.one_of(names)))
    walk.finish()
    commands = [type(command).__name__ for command in world.said]
    return commands, [undated(msgspec.to_builtins(event)) for event in world.written]


def test_a_call_is_the_same_under_any_wall_clock() -> None:
    lengths = []
    for seed in range(WALKS):
        steady, jumping = told(seed, None), told(seed, random.Random(seed))
        assert steady == jumping, seed
        lengths.append(len(steady[1]))
    assert max(lengths) > 10
