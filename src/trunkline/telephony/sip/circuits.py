"""Whether a server can be used: the circuit of one hop.

    CLOSED  calls are sent there. FAILURES in a row within WINDOW_S (silence, a transport error, 503) open it, or MISSES
            of which the last was a keepalive
    OPEN    no calls; OPTIONS goes out from time to time, the pauses growing from WAIT_S
    PROBED  an OPTIONS was answered: a second one, a moment later, closes the circuit
    TRIAL   OPTIONS was never answered by this server, as by some phone systems: calls are let through again, and the
            first to fail opens the circuit at once

Any answer but 503 counts as life, a refusal as much as 200. Where keepalives are asked for, an OPTIONS goes out every
`keepalive_s` in every state, counts like a call, and decides alone whether the server is back: there is no TRIAL.
Monotonic seconds throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from math import inf

FAILURES = 5
MISSES = 3
"""The same for keepalives, which are sent one after another and not at once, as calls may be."""
WINDOW_S = 60.0
WAIT_S = 5.0
WAIT_S_MAX = 60.0
AGAIN_S = 1.0
DEAF_AFTER = 3
"""Unanswered probes after which a server that never answered any is given calls again."""


class State(Enum):
    """See the head of this file."""

    CLOSED = "closed"
    OPEN = "open"
    PROBED = "probed"
    TRIAL = "trial"


class Event(Enum):
    """What a circuit is told."""

    WORKED = "worked"  # a call was answered or refused, but not by 503
    FAILED = "failed"
    PROBE_WORKED = "probe_worked"
    PROBE_FAILED = "probe_failed"
    TICK = "tick"


class Command(Enum):
    """What it wants."""

    PROBE = "probe"  # send OPTIONS; PROBE_WORKED or PROBE_FAILED is to be told
    DOWN = "down"  # no calls from now on
    UP = "up"  # calls again


_S, _E = State, Event
TRANSITIONS: Mapping[tuple[State, Event], tuple[str, tuple[State, ...]]] = {
    (_S.CLOSED, _E.WORKED): ("_lives", (_S.CLOSED,)),
    (_S.CLOSED, _E.FAILED): ("_count", (_S.CLOSED, _S.OPEN)),
    (_S.CLOSED, _E.PROBE_WORKED): ("_lives", (_S.CLOSED,)),
    (_S.CLOSED, _E.PROBE_FAILED): ("_miss", (_S.CLOSED, _S.OPEN)),
    (_S.CLOSED, _E.TICK): ("_probe", (_S.CLOSED,)),
    (_S.OPEN, _E.WORKED): ("_once", (_S.PROBED,)),
    (_S.OPEN, _E.PROBE_WORKED): ("_once", (_S.PROBED,)),
    (_S.OPEN, _E.PROBE_FAILED): ("_wait_longer", (_S.OPEN, _S.TRIAL)),
    (_S.OPEN, _E.TICK): ("_probe", (_S.OPEN,)),
    (_S.PROBED, _E.WORKED): ("_close", (_S.CLOSED,)),
    (_S.PROBED, _E.PROBE_WORKED): ("_close", (_S.CLOSED,)),
    (_S.PROBED, _E.FAILED): ("_reopen", (_S.OPEN,)),
    (_S.PROBED, _E.PROBE_FAILED): ("_reopen", (_S.OPEN,)),
    (_S.PROBED, _E.TICK): ("_probe", (_S.PROBED,)),
    (_S.TRIAL, _E.WORKED): ("_lives", (_S.CLOSED,)),
    (_S.TRIAL, _E.PROBE_WORKED): ("_lives", (_S.CLOSED,)),
    (_S.TRIAL, _E.FAILED): ("_open", (_S.OPEN,)),
}
"""(state, event) to the action and the states it may lead to; any other pair changes nothing."""


class Circuit:
    """One server's. `reason` says what opened it last."""

    __slots__ = ("_deaf", "_failures", "_first_s", "_heard", "_probing", "_wait_s", "due_s", "keepalive_s",
                 "reason", "state")  # fmt: skip

    def __init__(self) -> None:
        self.state = State.CLOSED
        self.reason = ""
        self.due_s = inf
        self.keepalive_s: float | None = None
        self._failures = 0
        self._first_s = 0.0
        self._wait_s = WAIT_S
        self._probing = False
        self._heard = False
        self._deaf = 0

    @property
    def down(self) -> bool:
        """Whether no calls are to be sent there."""
        return self.state in (State.OPEN, State.PROBED)

    @property
    def idle(self) -> bool:
        """Whether it says nothing that a new circuit would not say."""
        return self.state is State.CLOSED and not self._failures and self.keepalive_s is None

    def next_timer(self) -> float | None:
        """When `TICK` is due, None when nothing is waited for."""
        return None if self.due_s == inf else self.due_s

    def keep_alive(self, every_s: float | None, first_s: float) -> None:
        """OPTIONS every so many seconds from `first_s` on; None: only while it is open."""
        if every_s == self.keepalive_s:
            return
        self.keepalive_s = every_s
        if self.state in (State.CLOSED, State.TRIAL):
            self.due_s = inf if every_s is None else first_s

    def handle(self, event: Event, now: float, reason: str = "") -> list[Command]:
        """Take one event; `reason` says what has failed. What is to be done, in order."""
        if event in (Event.PROBE_WORKED, Event.PROBE_FAILED):
            self._probing = False
            self._heard = self._heard or event is Event.PROBE_WORKED
        if event is Event.TICK and (now < self.due_s or self._probing):
            return []
        step = TRANSITIONS.get((self.state, event))
        if step is None:
            return []
        action, leads_to = step
        if event in (Event.FAILED, Event.PROBE_FAILED):
            self.reason = reason or self.reason
        commands: list[Command] = getattr(self, action)(now)
        assert self.state in leads_to, f"{action} led to {self.state}"
        return commands

    def _probe(self, now: float) -> list[Command]:
        self._probing = True
        self.due_s = self._usual(now)
        return [Command.PROBE]

    def _usual(self, now: float) -> float:
        return inf if self.keepalive_s is None else now + self.keepalive_s

    def _lives(self, now: float) -> list[Command]:
        self._failures = 0
        if self.state is State.TRIAL:
            self.state, self._wait_s = State.CLOSED, WAIT_S
            self.due_s = self._usual(now)
        return []

    def _count(self, now: float, most: int = FAILURES) -> list[Command]:
        if not self._failures or now - self._first_s > max(WINDOW_S, (FAILURES + 1) * (self.keepalive_s or 0.0)):
            self._failures, self._first_s = 0, now
        self._failures += 1
        return self._open(now) if self._failures >= most else []

    def _miss(self, now: float) -> list[Command]:
        return self._count(now, MISSES)

    def _open(self, now: float) -> list[Command]:
        self.state, self._failures, self._deaf = State.OPEN, 0, 0
        self.due_s = now + self._wait()
        return [Command.DOWN]

    def _wait(self) -> float:
        return self._wait_s if self.keepalive_s is None else min(self._wait_s, self.keepalive_s)

    def _once(self, now: float) -> list[Command]:
        self.state, self.due_s = State.PROBED, now + AGAIN_S
        return []

    def _wait_longer(self, now: float) -> list[Command]:
        self._deaf += 1
        self._wait_s = min(2 * self._wait_s, WAIT_S_MAX)
        if self._deaf >= DEAF_AFTER and not self._heard and self.keepalive_s is None:
            self.state, self.due_s = State.TRIAL, inf
            return [Command.UP]
        self.due_s = now + self._wait()
        return []

    def _reopen(self, now: float) -> list[Command]:
        self.state = State.OPEN
        self.due_s = now + self._wait()
        return []

    def _close(self, now: float) -> list[Command]:
        self.state, self._failures, self._wait_s = State.CLOSED, 0, WAIT_S
        self.due_s = self._usual(now)
        return [Command.UP]
