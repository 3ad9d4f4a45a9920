"""Whether one target takes traffic at this moment: what people say of it, its wrap-up, and its answering at all.

    available    offers are made
    wrap_up      a call that it had taken has just ended
    auto_paused  it has not answered so many offers in a row that it is left alone for a while
    away         somebody said so

Where several hold, the last of this list is told. Away lasts until somebody says otherwise; the others end by
themselves.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from trunkline.config.schema import PauseAfter
from trunkline.kernel.clock import SECOND, Instant

Status = Literal["available", "wrap_up", "auto_paused", "away"]

UNANSWERED = frozenset({"no_answer", "timeout"})
"""Outcomes of attempts that count against a target. A refusal is an answer."""


class Availability:
    """One target. Times of `until_ms` are UTC milliseconds, as they outlive a restart."""

    __slots__ = ("_misses", "away", "paused_until_ms", "settings", "wrap_up_s", "wrap_up_until_ms")

    def __init__(self, wrap_up_s: int | None = None, settings: PauseAfter | None = None) -> None:
        self.wrap_up_s = wrap_up_s
        self.settings = settings
        self.away = False
        self.wrap_up_until_ms = 0
        self.paused_until_ms = 0
        self._misses: deque[int] = deque()

    def status(self, now: Instant) -> Status:
        """Where the target stands."""
        if self.away:
            return "away"
        if self.paused_until_ms > now.utc_ms:
            return "auto_paused"
        return "wrap_up" if self.wrap_up_until_ms > now.utc_ms else "available"

    def until_ms(self, now: Instant) -> int | None:
        """When its status ends by itself, if it does."""
        match self.status(now):
            case "auto_paused":
                return self.paused_until_ms
            case "wrap_up":
                return self.wrap_up_until_ms
            case _:
                return None

    def ended(self, outcome: str, now: Instant) -> None:
        """An attempt at the target is over."""
        if outcome == "connected":
            self._misses.clear()
            if self.wrap_up_s is not None:
                self.wrap_up_until_ms = now.utc_ms + 1000 * self.wrap_up_s
        elif outcome in UNANSWERED and self.settings is not None:
            self._missed(self.settings, now)

    def take(self, *, away: bool) -> None:
        """Somebody says that the target is away, or that it is there: nothing stands in its way any more then."""
        self.away = away
        if not away:
            self.wrap_up_until_ms = 0
            self.resume()

    def resume(self) -> None:
        """The pause for not answering is over."""
        self.paused_until_ms = 0
        self._misses.clear()

    def _missed(self, settings: PauseAfter, now: Instant) -> None:
        misses = self._misses
        misses.append(now.mono_ns)
        while misses and misses[0] <= now.mono_ns - settings.window_seconds * SECOND:
            misses.popleft()
        if len(misses) >= settings.no_answers:
            misses.clear()
            self.paused_until_ms = now.utc_ms + 1000 * settings.cool_down_seconds
