"""How many leads each publisher may send: counted second by second over the last minute."""

from __future__ import annotations

from typing import Final

MINUTE_S: Final = 60


class Pace:
    """One publisher's last minute. In any 60 whole seconds no more pass than may."""

    __slots__ = ("_cells", "_count", "_last_s")

    def __init__(self) -> None:
        self._cells = [0] * MINUTE_S
        self._count = 0
        self._last_s = -1

    def take(self, most: int, now_s: int) -> int | None:
        """Count one more at second `now_s` of any clock that goes on. None when it passes, else seconds to wait."""
        self._forget(now_s)
        if self._count >= most:
            return next(age for age in range(1, MINUTE_S + 1) if self._cells[(now_s + age) % MINUTE_S])
        self._cells[now_s % MINUTE_S] += 1
        self._count += 1
        return None

    def _forget(self, now_s: int) -> None:
        """Empty the cells of the seconds that have gone by."""
        for second in range(max(self._last_s + 1, now_s - MINUTE_S + 1), now_s + 1):
            self._count -= self._cells[second % MINUTE_S]
            self._cells[second % MINUTE_S] = 0
        self._last_s = max(self._last_s, now_s)


class Paces:
    """Those of all publishers, by account and key."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], Pace] = {}

    def take(self, account: str, publisher: str, most: int | None, now_s: int) -> int | None:
        """The same for one publisher that may send `most` in a minute; None: as many as it likes."""
        if most is None:
            return None
        pace = self._of.get((account, publisher))
        if pace is None:
            pace = self._of[account, publisher] = Pace()
        return pace.take(most, now_s)
