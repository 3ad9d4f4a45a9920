"""A bad line: what becomes of each datagram, decided by a seed, so that a test that failed fails again."""

from __future__ import annotations

import random


class Line:
    """Loses, repeats, delays and reorders. Shares are from 0 to 1, times in seconds.

    A datagram that is reordered arrives up to `delay_s` times 6 later than the others. With `in_a_row_max` the same
    datagram is never lost more often than that before it passes once: it takes the one bad case in many thousands out
    of a test that must never fail by chance.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        delay_s: float = 0.0,
        in_a_row_max: int | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self.loss, self.duplicate, self.reorder, self.delay_s = loss, duplicate, reorder, delay_s
        self.in_a_row_max = in_a_row_max
        self.lost = 0
        self._in_a_row: dict[bytes, int] = {}

    def arrivals(self, data: bytes) -> list[float]:
        """After how many seconds each copy of a datagram arrives; empty when it is lost."""
        if self.random.random() < self.loss and self._may_be_lost(data):
            self.lost += 1
            return []
        copies = 2 if self.random.random() < self.duplicate else 1
        return [self.delay_s + self._late_s() for _ in range(copies)]

    def _late_s(self) -> float:
        return self.delay_s * 6 * self.random.random() if self.random.random() < self.reorder else 0.0

    def _may_be_lost(self, data: bytes) -> bool:
        if self.in_a_row_max is None:
            return True
        times = self._in_a_row.get(data, 0)
        if times >= self.in_a_row_max:
            del self._in_a_row[data]
            return False
        self._in_a_row[data] = times + 1
        return True
