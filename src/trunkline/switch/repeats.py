"""Finds the second call of one caller to one number within a moment: a carrier's double INVITE, a stuck redial key.

A copy of the same call has the same Call-ID and is none. Memory is bounded: the oldest are forgotten first. All on the
monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict

from trunkline.kernel.clock import SECOND

REPEATS_MAX = 65_536
"""Callers and numbers that are remembered at once, about 300 bytes each."""


class Repeats:
    """Which caller called which number when. `at_ns` never runs backwards."""

    def __init__(self, most: int = REPEATS_MAX) -> None:
        self._calls: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._calls)

    def again(self, caller: str, number: str, call_id: str, seconds: int, now_ns: int) -> bool:
        """Whether this call comes within `seconds` of another of the same two that was let through.

        One that was not let through does not make the wait longer.
        """
        before = self._calls.get((caller, number))
        return before is not None and now_ns - before[0] < seconds * SECOND and before[1] != call_id

    def let_through(self, caller: str, number: str, call_id: str, now_ns: int) -> None:
        """The call is taken."""
        self._calls[caller, number] = (now_ns, call_id)
        self._calls.move_to_end((caller, number))
        if len(self._calls) > self._most:
            self._calls.popitem(last=False)
