"""How long a bidder takes, and how long it is therefore waited for.

A bidder that mostly answers in 80 ms and is silent after 300 ms is not going to answer: to wait its whole timeout only
keeps the caller waiting. The bounds keep this from shutting anybody out: never less than a quarter of the configured
time, never less than `LEAST_MS`, and nothing before there is some experience. A silence counts as the whole configured
time, so that a bidder that has become slower is given more again, not less.
"""

from __future__ import annotations

from collections import deque
from typing import Final

REMEMBERED: Final = 64
SAMPLES_MIN: Final = 16
LEAST_MS: Final = 100
UNKNOWN_MS: Final = 1e6
"""Who was never asked may take long."""
SHARE: Final = 4
"""A quarter of the configured time is always given."""
SLACK: Final = 2
"""So many times what nearly all of its answers have taken."""


class Latencies:
    """The newest answers of one bidder."""

    __slots__ = ("_known", "_newest", "usual_ms")

    def __init__(self) -> None:
        self._newest: deque[int] = deque(maxlen=REMEMBERED)
        self._known: int | None = None
        self.usual_ms = UNKNOWN_MS
        """What it takes about, the newest answers counting most."""

    def took(self, ms: int) -> None:
        """An answer took `ms` milliseconds; for none, the configured time."""
        self.usual_ms = (7 * self.usual_ms + ms) / 8 if self._newest else float(ms)
        self._newest.append(ms)
        self._known = None

    def adaptive_ms(self, timeout_ms: int) -> int | None:
        """How long to wait where `timeout_ms` is configured; None while too little is known."""
        count = len(self._newest)
        if count < SAMPLES_MIN:
            return None
        if self._known is None:
            self._known = sorted(self._newest)[count - 1 - count // 16]
        return max(SLACK * self._known, LEAST_MS, timeout_ms // SHARE)
