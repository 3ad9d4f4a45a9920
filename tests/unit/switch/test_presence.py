"""Which targets take traffic, as the switch keeps it: what outlives what, and what is written where."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.config.schema import PauseAfter
from trunkline.events.changes import TargetPut
from trunkline.kernel.clock import SECOND, Instant
from trunkline.switch.facts import FactBoard
from trunkline.switch.presence import Presence

pytestmark = pytest.mark.unit

START = Instant(1_000 * SECOND, 1_795_363_200_000)
DESK = ("acme", "desk")


class Switch:
    """What presence knows of the switch; `now` is the clock."""

    def __init__(self) -> None:
        self.now = START
        self.written: list[Any] = []
        plant: Any = SimpleNamespace(
            clock=lambda: self.now,
            facts=FactBoard(),
            queues=SimpleNamespace(freed=lambda: None),
            write=lambda entries, changes=(): self.written.append((entries, changes)),
        )
        self.facts: FactBoard = plant.facts
        self.presence = Presence(plant)

    def use(self, *targets: str, wrap_up_s: int | None = 30) -> None:
        """A configuration with these targets is in force."""
        pause = PauseAfter(no_answers=1, window_seconds=60, cool_down_seconds=900)
        held = [SimpleNamespace(key=key, wrap_up_seconds=wrap_up_s, pause_after=pause) for key in targets]
        config: Any = SimpleNamespace(account=SimpleNamespace(key="acme"), targets=held)
        self.presence.use([config])

    @property
    def out(self) -> dict[str, str]:
        """Who takes no traffic, and why."""
        return dict(self.facts.of("acme").unavailable)


def test_the_end_of_an_attempt_is_written_with_what_follows_from_it() -> None:
    switch = Switch()
    switch.use("desk")
    entries, changes = switch.presence.ended(*DESK, "connected")
    assert [entry.event.status for entry in entries] == ["wrap_up"]  # type: ignore[union-attr]
    assert changes == (), "a wrap-up does not outlive a restart"
    entries, changes = switch.presence.ended(*DESK, "no_answer")
    assert [entry.event.status for entry in entries] == ["auto_paused"]  # type: ignore[union-attr]
    assert changes == (TargetPut("acme", "desk", False, START.utc_ms + 900_000),)
    assert switch.presence.ended("acme", "another", "connected") == ([], ())
    assert switch.written == [], "not beside the transaction of the call"


@pytest.mark.parametrize("outcome", ["connected", "no_answer"])
def test_a_target_that_is_left_out_and_comes_back_takes_traffic(outcome: str) -> None:
    switch = Switch()
    switch.use("desk", "other")
    switch.presence.ended(*DESK, outcome)
    assert list(switch.out) == ["desk"]
    switch.use("other")
    assert switch.out == {}
    switch.now = START.later(3600 * SECOND)
    switch.presence.look(switch.now)
    switch.use("desk", "other", wrap_up_s=None)
    assert switch.out == {}


def test_one_that_is_away_is_still_away_when_it_comes_back() -> None:
    switch = Switch()
    switch.use("desk")
    switch.presence.say(DESK, "away", "somebody", START)
    switch.use("other")
    switch.use("desk", "other")
    assert switch.out == {"desk": "away"}


def test_what_cannot_be_written_was_not_said() -> None:
    switch = Switch()
    switch.use("desk")
    switch.presence.ended(*DESK, "no_answer")
    _, _, undo = switch.presence.say(DESK, "available", "somebody", START)
    assert switch.out == {}
    undo()
    assert switch.out == {"desk": "auto_paused"}
