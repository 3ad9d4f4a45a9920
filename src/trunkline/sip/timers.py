"""The timers of RFC 3261 (table 4) over UDP in seconds, and the heap every owner of a timer is armed on."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import Protocol

T1 = 0.5  # round trip estimate, and the first gap of Timers A, E and G (17.1.1.1)
T2 = 4.0  # longest retransmission interval of non-INVITE requests and INVITE responses (17.1.2.2)
T4 = 5.0  # how long a message stays in the network (17.1.2.2)

TIMER_B = 64 * T1  # INVITE given up (17.1.1.2)
TIMER_C = 180.0  # ringing given up; must be above 3 minutes for a proxy (16.6 item 11), refreshed by 101-199
TIMER_D = 64 * T1  # response retransmissions to re-ACK; at least 32 s over UDP (17.1.1.2)
TIMER_F = 64 * T1  # non-INVITE given up (17.1.2.2)
TIMER_H = 64 * T1  # wait for the ACK of a failure given up (17.2.1)
TIMER_I = T4  # ACK retransmissions to absorb (17.2.1)
TIMER_J = 64 * T1  # request retransmissions to absorb (17.2.2)
TIMER_K = T4  # response retransmissions to absorb (17.1.2.2)
TIMER_L = 64 * T1  # INVITE retransmissions to absorb after a 2xx (RFC 6026 8.11)
TIMER_M = 64 * T1  # 2xx retransmissions and forked 2xx to expect (RFC 6026 8.11)

ACK_WAIT = 64 * T1  # a 2xx without ACK is given up (13.3.1.4)
CANCEL_WAIT = 64 * T1  # an INVITE without final response after its CANCEL is given up (9.1)
PROVISIONAL_REFRESH = 60.0  # a ringing UAS repeats its 1xx every minute (13.3.1.1)


class TimerOwner(Protocol):
    """Something with one next deadline.

    `armed` and `alarm` belong to the heap: deadline and number of the entry that counts; inf when there is none.
    """

    armed: float
    alarm: int

    def next_timer(self) -> float | None:
        """When this owner wants to be woken, in monotonic seconds, or None."""


class TimerHeap:
    """Deadlines of many owners; at most one live entry per owner.

    An owner whose deadline moved later, or vanished, is not searched for: its entry is looked at when it comes to
    the top and then dropped or put back (lazy deletion), so arming costs O(log n) and cancelling nothing. Entries name
    their owners by number: one that counts no more, which may lie there for minutes, keeps nothing in memory.
    """

    __slots__ = ("_heap", "_last", "_owners")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._owners: dict[int, TimerOwner] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._heap)

    def arm(self, owner: TimerOwner) -> None:
        """Take note of the owner's deadline after anything that may have changed it."""
        due = owner.next_timer()
        if due is not None and due < owner.armed:
            self._owners.pop(owner.alarm, None)
            self._last = owner.alarm = number = self._last + 1
            owner.armed = due
            self._owners[number] = owner
            heappush(self._heap, (due, number))

    def forget(self, owner: TimerOwner) -> None:
        """Let go of an owner that has no deadline any more, at once."""
        self._owners.pop(owner.alarm, None)
        owner.armed = inf

    def next_due(self) -> float | None:
        """The earliest deadline, or None."""
        heap = self._heap
        while heap:
            at, number = heap[0]
            owner = self._owners.get(number)
            if owner is None:
                heappop(heap)
                continue
            due = owner.next_timer()
            if due is not None and due <= at:
                return at
            heappop(heap)
            self.forget(owner)
            self.arm(owner)
        return None

    def pop_due(self, now: float) -> TimerOwner | None:
        """An owner whose deadline is not after `now`, taken off the heap; arm it again when it was handled."""
        due = self.next_due()
        if due is None or due > now:
            return None
        owner = self._owners[heappop(self._heap)[1]]
        self.forget(owner)
        return owner
