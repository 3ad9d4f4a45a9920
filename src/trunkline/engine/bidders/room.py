"""How many requests may be open at once, found out from how the switch keeps up.

Nobody can say beforehand what a machine holds: it depends on the bidders' answers, on new connections, on the calls
beside. So the number grows slowly with every answer in time, and shrinks at once when something was done too late
(additive increase, multiplicative decrease, as TCP finds its rate). What is above it is shed.
"""

from __future__ import annotations

from typing import Final

LEAST: Final = 100
"""So few are not what holds the switch up."""
FIRST: Final = 400
MOST: Final = 800
"""Less than the HTTP client has connections: posts of leads need some too."""
STEP: Final = 0.1
"""Of a request, for every answer in time."""
KEPT: Final = 0.7
"""What is left of it when the switch lags behind."""
PAUSE_S: Final = 0.1
"""One lag is noticed by many; it counts once."""


class Room:
    """For all bidders together. `most` is how many requests may be open now."""

    __slots__ = ("_room", "_until_s")

    def __init__(self) -> None:
        self._room = float(FIRST)
        self._until_s = 0.0

    @property
    def most(self) -> int:
        """How many requests may be open."""
        return int(self._room)

    def kept_up(self) -> None:
        """An answer was read in time."""
        self._room = min(float(MOST), self._room + STEP)

    def lagged(self, opened: int, now_s: float) -> None:
        """Something was done too late while `opened` requests were open, at `now_s` (seconds of any steady clock)."""
        if opened > LEAST and now_s >= self._until_s:
            self._until_s = now_s + PAUSE_S
            self._room = max(float(LEAST), min(self._room, KEPT * opened))
