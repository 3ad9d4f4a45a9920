"""What the four transaction tables are written in, and the few lines that run them.

A table maps (state, input) to a row: the next state, the commands for the owner in order, and what becomes of the two
timers any transaction can have. One repeats the last message (A, E, G), the other ends the state (B, D, F, H to M).
An input without a row is ignored, which is what the RFC asks for whenever it is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, auto
from math import inf
from typing import ClassVar, NamedTuple

from trunkline.sip.timers import T1, T2


class State(IntEnum):
    """States of all four; each uses its own five."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Input(IntEnum):
    """What can happen to a transaction."""

    REQUEST = auto()  # the request came again
    ACK = auto()
    PROVISIONAL = auto()  # 1xx: received by a client, to be sent by a server
    SUCCESS = auto()  # 2xx
    FAILURE = auto()  # 3xx to 6xx
    REPEAT_DUE = auto()  # Timer A, E or G fired
    DEADLINE = auto()  # the timer that ends the state fired
    LIMIT = auto()  # its user waits no longer than 64*T1 from now, for instance because it sent a CANCEL
    ABANDONED = auto()  # its user has given up and wants no more copies on the wire
    TRANSPORT_ERROR = auto()


class Command(IntEnum):
    """What the owner of a transaction must do."""

    SEND = auto()  # the last message, for the first time
    REPEAT = auto()  # the last message, again
    ACK = auto()  # acknowledge the failure just received
    DELIVER = auto()  # give the message to the transaction's user
    ABSORB = auto()  # a duplicate; only count it
    REPLAY = auto()  # a duplicate INVITE after the 2xx, whose repetition is the user's affair
    TIMED_OUT = auto()
    FAILED = auto()  # the transport said so
    TERMINATED = auto()  # forget the transaction


class Repeat(IntEnum):
    """What becomes of the repeating timer."""

    KEEP = auto()
    STOP = auto()
    START = auto()  # in T1
    DOUBLE = auto()
    DOUBLE_TO_T2 = auto()
    EVERY_T2 = auto()


KEEP = -1.0
STOP = -2.0


class Row(NamedTuple):
    """One transition. `deadline` is seconds from now, or KEEP, or STOP."""

    state: State
    commands: tuple[Command, ...] = ()
    repeat: Repeat = Repeat.KEEP
    deadline: float = KEEP


Table = Mapping[tuple[State, Input], Row]
END = Row(State.TERMINATED, (Command.TERMINATED,), Repeat.STOP, STOP)


class Transaction:
    """A running transaction."""

    TABLE: ClassVar[Table]
    START: ClassVar[Row]

    __slots__ = ("deadline_at", "interval_s", "repeat_at", "state")

    def __init__(self, now: float) -> None:
        self.repeat_at = inf
        self.deadline_at = inf
        self.interval_s = T1
        self._take(self.START, now)

    def handle(self, event: Input, now: float) -> tuple[Command, ...]:
        """Take one input at `now` (monotonic seconds); returns what to do, in order."""
        row = self.TABLE.get((self.state, event))
        if row is None:
            return ()
        self._take(row, now)
        return row.commands

    def fire(self, now: float) -> tuple[Command, ...]:
        """Take the timer that is due at `now`; the ending timer goes first when both are."""
        if self.deadline_at <= now:
            return self.handle(Input.DEADLINE, now)
        if self.repeat_at <= now:
            return self.handle(Input.REPEAT_DUE, now)
        return ()

    def next_timer(self) -> float | None:
        """The earlier of the two timers, in monotonic seconds, or None."""
        due = self.repeat_at if self.repeat_at < self.deadline_at else self.deadline_at
        return None if due == inf else due

    def _take(self, row: Row, now: float) -> None:
        self.state = row.state
        if row.repeat != Repeat.KEEP:
            self._repeat(row.repeat, now)
        if row.deadline != KEEP:
            self.deadline_at = inf if row.deadline == STOP else now + row.deadline

    def _repeat(self, repeat: Repeat, now: float) -> None:
        if repeat == Repeat.STOP:
            self.repeat_at = inf
            return
        if repeat == Repeat.START:
            self.interval_s = T1
        elif repeat == Repeat.DOUBLE:
            self.interval_s *= 2
        elif repeat == Repeat.DOUBLE_TO_T2:
            self.interval_s = min(self.interval_s * 2, T2)
        elif repeat == Repeat.EVERY_T2:
            self.interval_s = T2
        self.repeat_at = now + self.interval_s
