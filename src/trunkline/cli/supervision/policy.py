"""When a process that has ended is started again, and when not.

A process that was ready and ends has crashed, or was killed: it is started again, at once the first time, since peers
wait to be told to hang up, and after longer and longer pauses when that does not help. One that has never been ready
and ends with an exit code of ours has said why, and would say it again: the configuration is wrong, a port is taken.
That is for a person. Only a process that others can do without is tried again all the same, after the longest pause:
what it lacks may come back, and those that work must not end for it.

Pauses are drawn from an interval, so that several that fail together do not come back together.
"""

from __future__ import annotations

from typing import Final

import msgspec

from trunkline.kernel.errors import ExitCode

FIRST_S: Final = 0.25
LONGEST_S: Final = 30.0
STEADY_S: Final = 60.0
"""Who was ready for so long has nothing to do with its crashes before."""
STARTS_MAX: Final = 5
"""How often one is started that dies before it has ever been ready, and does not say why."""

_EXPLAINED: Final = frozenset({ExitCode.WRONG, ExitCode.USAGE, ExitCode.ENVIRONMENT})


class Again(msgspec.Struct, frozen=True):
    """Start it again, `after_s` seconds from now."""

    after_s: float


class GiveUp(msgspec.Struct, frozen=True):
    """Do not start it again, and end with `exit_code`."""

    exit_code: int


class Restarts:
    """What was seen of one process so far."""

    __slots__ = ("_failures", "_needed", "_was_ready")

    def __init__(self, *, needed: bool = True) -> None:
        """`needed` is what all ends with when it cannot start."""
        self._needed = needed
        self._failures = 0
        self._was_ready = False

    def ended(self, code: int, ready_s: float | None, draw: float) -> Again | GiveUp:
        """The process has ended with `code` (negative: the number of a signal).

        `ready_s` is how long it had been ready, None when it was not; `draw` lies in [0, 1).
        """
        if ready_s is None and not self._was_ready:
            if not self._needed:
                return Again(LONGEST_S * (1 + draw) / 2)
            if code in _EXPLAINED:
                return GiveUp(code)
            if self._failures + 1 >= STARTS_MAX:
                return GiveUp(ExitCode.ENVIRONMENT)
        self._was_ready = self._was_ready or ready_s is not None
        if ready_s is not None and ready_s >= STEADY_S:
            self._failures = 0
        pause_s = min(LONGEST_S, FIRST_S * 2**self._failures)
        self._failures = min(self._failures + 1, 32)
        return Again(pause_s * (1 + draw) / 2)
