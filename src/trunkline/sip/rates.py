"""How often each of many sources may do something: a token bucket each, kept as one number."""

from __future__ import annotations

SOURCES_MAX = 16_384
"""Sources whose bucket is remembered. When there are more, full buckets are forgotten first, then all of them."""


class Rates:
    """Allows each source `per_s` a second in the long run, and `burst_s` seconds' worth of it at once.

    What is kept of a source is the time at which its bucket would be full again (the virtual scheduling form of the
    token bucket, ITU-T I.371 A), so that taking is one look-up, and a source at rest needs no memory.
    """

    __slots__ = ("_burst_s", "_full_at", "_gap_s")

    def __init__(self, per_s: float, burst_s: float) -> None:
        self._gap_s = 1 / per_s
        self._burst_s = burst_s - self._gap_s
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, source: str, now: float) -> bool:
        """Whether `source` may do it at `now` (monotonic seconds); if so it has."""
        if self._full_at.get(source, now) - now > self._burst_s:
            return False
        self.charge(source, now)
        return True

    def charge(self, source: str, now: float) -> None:
        """Note that `source` has done it, allowed or not; it is in debt for as long as `wait_s` says."""
        full_at = self._full_at.get(source, now)
        if full_at <= now:
            full_at = now
            if len(self._full_at) >= SOURCES_MAX and source not in self._full_at:
                self._forget(now)
        self._full_at[source] = full_at + self._gap_s

    def wait_s(self, source: str, now: float) -> float:
        """How long until `take` will allow it, 0 when it does now."""
        return max(0.0, self._full_at.get(source, now) - now - self._burst_s)

    def _forget(self, now: float) -> None:
        self._full_at = {source: at for source, at in self._full_at.items() if at > now}
        if len(self._full_at) >= SOURCES_MAX:
            self._full_at.clear()
