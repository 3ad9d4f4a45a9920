"""Whether a bidder is asked at all: its circuit breaker.

    CLOSED  it is asked. FAILURES in a row, or half of the last WINDOW, open the breaker: silence, errors, answers that
            cannot be read. Bids and refusals to bid both count as life
    OPEN    it is not asked for a while, which grows from WAIT_S to WAIT_S_MAX; then the breaker is half open
    HALF    one auction may ask it, and only one at a time. Life closes the breaker, a failure opens it again; when the
            asking is broken off, the next auction may ask

Monotonic seconds throughout.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import Enum
from math import inf
from typing import Final

FAILURES: Final = 5
WINDOW: Final = 20
WAIT_S: Final = 5.0
WAIT_S_MAX: Final = 60.0


class State(Enum):
    """See the head of this file."""

    CLOSED = "closed"
    OPEN = "open"
    HALF = "half_open"


class Event(Enum):
    """What a breaker is told."""

    ASKED = "asked"
    WORKED = "worked"
    FAILED = "failed"
    DROPPED = "dropped"  # nobody waits for the answer any more
    TICK = "tick"


class Command(Enum):
    """What has changed."""

    DOWN = "down"  # it is not to be asked from now on
    UP = "up"  # it may be asked again


_S, _E = State, Event
TRANSITIONS: Mapping[tuple[State, Event], tuple[str, tuple[State, ...]]] = {
    (_S.CLOSED, _E.WORKED): ("_lives", (_S.CLOSED,)),
    (_S.CLOSED, _E.FAILED): ("_count", (_S.CLOSED, _S.OPEN)),
    (_S.OPEN, _E.TICK): ("_let_try", (_S.OPEN, _S.HALF)),
    (_S.HALF, _E.ASKED): ("_probe", (_S.HALF,)),
    (_S.HALF, _E.WORKED): ("_close", (_S.CLOSED,)),
    (_S.HALF, _E.FAILED): ("_reopen", (_S.OPEN,)),
    (_S.HALF, _E.DROPPED): ("_let_next", (_S.HALF,)),
}
"""(state, event) to the action and the states it may lead to; any other pair changes nothing."""


class Breaker:
    """One bidder's. `reason` says what opened it last."""

    __slots__ = ("_failures", "_newest", "_probing", "_wait_s", "due_s", "reason", "state")

    def __init__(self) -> None:
        self.state = State.CLOSED
        self.reason = ""
        self.due_s = inf
        self._failures = 0
        self._newest: deque[bool] = deque(maxlen=WINDOW)
        self._wait_s = WAIT_S
        self._probing = False

    @property
    def lets(self) -> bool:
        """Whether it may be asked now."""
        return self.state is State.CLOSED or (self.state is State.HALF and not self._probing)

    def next_timer(self) -> float | None:
        """When `TICK` is due, None when nothing is waited for."""
        return None if self.due_s == inf else self.due_s

    def handle(self, event: Event, now: float, reason: str = "") -> list[Command]:
        """Take one event; `reason` says what has failed. What has changed."""
        step = TRANSITIONS.get((self.state, event))
        if step is None:
            return []
        action, leads_to = step
        if event is Event.FAILED:
            self.reason = reason
        commands: list[Command] = getattr(self, action)(now)
        assert self.state in leads_to, f"{action} led to {self.state}"
        return commands

    def _lives(self, _now: float) -> list[Command]:
        self._failures = 0
        self._newest.append(True)
        return []

    def _count(self, now: float) -> list[Command]:
        self._failures += 1
        self._newest.append(False)
        full = len(self._newest) == WINDOW and 2 * self._newest.count(False) >= WINDOW
        return self._open(now) if full or self._failures >= FAILURES else []

    def _open(self, now: float) -> list[Command]:
        self.state, self._failures, self._probing = State.OPEN, 0, False
        self._newest.clear()
        self.due_s = now + self._wait_s
        return [Command.DOWN]

    def _let_try(self, now: float) -> list[Command]:
        if now < self.due_s:
            return []
        self.state, self.due_s, self._probing = State.HALF, inf, False
        return [Command.UP]

    def _probe(self, _now: float) -> list[Command]:
        self._probing = True
        return []

    def _let_next(self, _now: float) -> list[Command]:
        self._probing = False
        return []

    def _close(self, _now: float) -> list[Command]:
        self.state, self._wait_s, self._probing = State.CLOSED, WAIT_S, False
        return []

    def _reopen(self, now: float) -> list[Command]:
        self._wait_s = min(2 * self._wait_s, WAIT_S_MAX)
        return self._open(now)
