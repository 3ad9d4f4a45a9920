"""The timers of one machine: each has a name, at most one due time, and fires in the order of due times.

Of timers that are due at one instant, what is earned fires before what ends the call: a call that is cut at the very
moment at which the buyer owes has lasted long enough.
"""

from __future__ import annotations

from enum import StrEnum


class Timer(StrEnum):
    """What a call can wait for, in the order in which timers of one instant fire."""

    CONVERSION = "conversion"
    PAYOUT = "payout"
    FLOW = "flow"
    QUEUE = "queue"
    PLACE = "place"
    LEG = "leg"
    PROMPT = "prompt"
    MAX_DURATION = "max_duration"
    MESSAGE = "message"
    FILE = "file"


_PLACE = {timer: place for place, timer in enumerate(Timer)}


class Timers:
    """Due times in monotonic nanoseconds by name."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due: dict[Timer, int] = {}

    def set(self, timer: Timer, due_ns: int | None) -> None:
        """(Re)arm a timer, or disarm it with None."""
        if due_ns is None:
            self._due.pop(timer, None)
        else:
            self._due[timer] = due_ns

    def clear(self) -> None:
        """Disarm all."""
        self._due.clear()

    def next_ns(self) -> int | None:
        """The earliest due time."""
        return min(self._due.values()) if self._due else None

    def take_due(self, now_ns: int) -> tuple[Timer, int] | None:
        """Disarm and give the earliest timer that is due by `now_ns`, with its due time."""
        if not self._due or min(self._due.values()) > now_ns:
            return None
        due_ns, _, timer = min((due, _PLACE[name], name) for name, due in self._due.items())
        del self._due[timer]
        return timer, due_ns
