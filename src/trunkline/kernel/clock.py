"""Time as a value. Code below the plant never reads a clock: `now` comes in as an argument.

An `Instant` is a pair read at one moment. The monotonic half drives timers and durations, so a clock that an
administrator or NTP moves disturbs neither; the UTC half dates records and picks calendar windows.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

MS = 1_000_000
"""Nanoseconds in a millisecond."""
SECOND = 1_000 * MS
"""Nanoseconds in a second."""


class Instant(msgspec.Struct, frozen=True, gc=False, order=True):
    """One moment: `mono_ns` nanoseconds of a monotonic clock, `utc_ms` milliseconds since 1970-01-01 UTC."""

    mono_ns: int
    utc_ms: int

    def later(self, ns: int) -> Instant:
        """The moment `ns` nanoseconds after this one, on both clocks."""
        return Instant(self.mono_ns + ns, self.utc_ms + ns // MS)

    def ms_since(self, earlier: Instant) -> int:
        """Whole milliseconds between two moments on the monotonic clock, never rounded up."""
        return (self.mono_ns - earlier.mono_ns) // MS

    @property
    def utc(self) -> datetime:
        """The UTC half as an aware datetime."""
        return utc_datetime(self.utc_ms)


def utc_datetime(utc_ms: int) -> datetime:
    """An aware datetime for `utc_ms` milliseconds since 1970-01-01 UTC."""
    seconds, ms = divmod(utc_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=ms * 1000)


def iso(utc_ms: int) -> str:
    """`2026-11-23T15:00:00.123Z`, the one form in which times are shown to programs."""
    return utc_datetime(utc_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
