"""How much of one target may be on its way at once, and how often something may be begun for it."""

from __future__ import annotations

from collections import deque
from typing import Final

from trunkline.config.deliveries import Deliver

AT_ONCE: Final = {"email": 2, "sftp": 1, "sms": 4}
"""Deliveries of one target at once where its configuration says nothing. Two files at once could want one name."""
MINUTE_MS: Final = 60_000


class Pace:
    """What one target has on its way, and when the last ones were begun."""

    __slots__ = ("_begun_ms", "running")

    def __init__(self) -> None:
        self.running = 0
        self._begun_ms: deque[int] = deque()

    def room(self, deliver: Deliver | None, now_ms: int) -> int:
        """How many more may be begun now; of a target that is gone there is nothing to be careful with."""
        if deliver is None:
            return AT_ONCE["sms"] - self.running
        most = deliver.concurrency or AT_ONCE.get(deliver.kind, 1)
        room = most - self.running
        if deliver.per_minute is not None:
            while self._begun_ms and self._begun_ms[0] <= now_ms - MINUTE_MS:
                self._begun_ms.popleft()
            room = min(room, deliver.per_minute - len(self._begun_ms))
        return max(0, room)

    def begin(self, deliver: Deliver | None, now_ms: int) -> None:
        """One is begun."""
        self.running += 1
        if deliver is not None and deliver.per_minute is not None:
            self._begun_ms.append(now_ms)

    def end(self) -> None:
        """One is over."""
        self.running -= 1
