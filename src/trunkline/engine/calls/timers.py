"""The timers of one machine: each has a name, at most one due time, and fires in the order of due times."""

from __future__ import annotations

from enum import StrEnum


class Timer(StrEnum):
    """What a call can wait for."""

    FLOW = "flow"
    RING = "ring"
    PRESS = "press"
    CONVERSION = "conversion"
    PAYOUT = "payout"
    MAX_DURATION = "max_duration"
    MESSAGE = "message"
    FILE = "file"


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
        if not self._due:
            return None
        timer = min(self._due, key=self._due.__getitem__)
        due_ns = self._due[timer]
        if due_ns > now_ns:
            return None
        del self._due[timer]
        return timer, due_ns
