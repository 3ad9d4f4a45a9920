"""A live call has one timer: it is never late, it may be early, and it is gone with the call."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engine.calls import inputs as i
from trunkline.kernel.clock import Instant
from trunkline.switch.livecall import LiveCall

pytestmark = pytest.mark.unit

S = 1_000_000_000


class Handle:
    """A timer of the loop."""

    def __init__(self, at_s: float, fire: Callable[[], None]) -> None:
        self.at_s, self.fire, self.cancelled = at_s, fire, False

    def cancel(self) -> None:
        """Will not fire."""
        self.cancelled = True


class Bench:
    """A call whose machine is a deadline, on a loop whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.due_s: float | None = None
        self.handles: list[Handle] = []
        self.told: list[i.Input] = []
        self.call: Any = LiveCall.__new__(LiveCall)
        self.call._over, self.call._timer, self.call._timer_ns = False, None, 0
        self.call.plant = SimpleNamespace(clock=self.clock, loop=SimpleNamespace(call_later=self.call_later))
        self.call.machine = SimpleNamespace(
            next_timer=self.next_timer, is_due=lambda now: self.due_s is not None and self.due_s * S <= now.mono_ns
        )
        self.call.tell = self.tell

    def clock(self) -> Any:
        return Instant(round(self.now_s * S), 0)

    def call_later(self, delay_s: float, fire: Callable[[], None]) -> Handle:
        self.handles.append(Handle(self.now_s + delay_s, fire))
        return self.handles[-1]

    def next_timer(self) -> Any:
        return None if self.due_s is None else round(self.due_s * S)

    def tell(self, event: i.Input) -> None:
        self.told.append(event)
        self.due_s = None

    def wants(self, due_s: float | None) -> None:
        """The machine's next timer is due then, from now on."""
        self.due_s = due_s
        self.call._arm()

    def pass_to(self, at_s: float) -> None:
        """Let the time pass, and what is due on the way happen."""
        while waiting := [each for each in self.handles if not each.cancelled and each.at_s <= at_s]:
            following = min(waiting, key=lambda each: each.at_s)
            self.handles.remove(following)
            self.now_s = following.at_s
            following.fire()
        self.now_s = at_s

    @property
    def pending(self) -> list[float]:
        """When timers of the loop will fire."""
        return [each.at_s for each in self.handles if not each.cancelled]


def test_a_timer_that_moves_later_is_left_and_moved_when_it_fires() -> None:
    bench = Bench()
    bench.wants(25.0)
    bench.now_s = 1.0
    bench.wants(60.0)
    assert bench.pending == [25.0]
    bench.pass_to(59.0)
    assert bench.told == []
    assert bench.pending == [60.0]
    bench.pass_to(60.0)
    assert bench.told == [i.Tick()]


def test_a_timer_that_moves_earlier_is_moved_at_once() -> None:
    bench = Bench()
    bench.wants(60.0)
    bench.wants(25.0)
    assert bench.pending == [25.0]
    bench.pass_to(25.0)
    assert bench.told == [i.Tick()]


def test_a_call_that_waits_for_nothing_or_is_over_has_no_timer() -> None:
    bench = Bench()
    bench.wants(25.0)
    bench.wants(None)
    assert bench.pending == []
    bench.wants(25.0)
    bench.call._over = True
    bench.wants(25.0)
    assert bench.pending == []
