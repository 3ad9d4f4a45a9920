"""What each trunk carries: calls going on, calls begun in the last second, minutes talked in the last hour.

Both directions count. Everything runs on the monotonic clock, so that a clock that is set moves no window, and it is
kept over a reload: the limits come with each question, from the configuration of the moment. A limit lets no new call
begin; it ends none.
"""

from __future__ import annotations

from collections import deque

from trunkline.config.trunks import Trunk
from trunkline.kernel.clock import MS, SECOND

MINUTES_KEPT = 60
_MINUTE = 60 * SECOND
MINUTE_MS = 60_000
"""Costs are compared as millionths a minute times milliseconds, in whole numbers."""


class TrunkLoad:
    """One trunk's load. `live` are its calls, `talking` those that were answered."""

    __slots__ = ("_begun", "_callers", "_minute", "_minutes", "_since_ns", "_talked_ns", "live", "talking")

    def __init__(self) -> None:
        self.live = 0
        self.talking = 0
        self._begun: deque[int] = deque()
        self._callers: dict[str, int] = {}
        self._minutes: deque[tuple[int, int]] = deque()  # whole minutes with what was talked in each, oldest first
        self._minute = 0
        self._talked_ns = 0  # in the minute that is running
        self._since_ns = 0

    def full(self, trunk: Trunk, now_ns: int) -> str | None:
        """The first limit of `trunk` that lets no call begin at `now_ns` (monotonic), None when all do."""
        if trunk.max_live is not None and self.live >= trunk.max_live:
            return "max_live"
        if trunk.max_per_second is not None and self._in_last_second(now_ns) >= trunk.max_per_second:
            return "max_per_second"
        if trunk.max_minutes_per_hour is None and trunk.max_cost_per_hour is None:
            return None
        talked_ms = self.talked_ms(now_ns)
        if trunk.max_minutes_per_hour is not None and talked_ms >= trunk.max_minutes_per_hour * MINUTE_MS:
            return "max_minutes_per_hour"
        cost, most = trunk.cost_per_minute, trunk.max_cost_per_hour
        if cost is not None and most is not None and talked_ms * cost >= most * MINUTE_MS:
            return "max_cost_per_hour"
        return None

    def live_of(self, caller: str) -> int:
        """How many calls of this caller (E.164) go on."""
        return self._callers.get(caller, 0)

    def struck(self, now_ns: int) -> None:
        """A call is begun, or blocked: it counts for this second."""
        self._in_last_second(now_ns)
        self._begun.append(now_ns)

    def begin(self, now_ns: int, caller: str | None = None) -> Seat:
        """A call is begun by `caller`, None for outgoing and withheld ones; the seat is what ends it."""
        self.struck(now_ns)
        self.live += 1
        if caller is not None:
            self._callers[caller] = self._callers.get(caller, 0) + 1
        return Seat(self, caller)

    def talked_ms(self, now_ns: int) -> int:
        """Milliseconds talked in the running minute and the 59 before it, calls that go on included."""
        self._accrue(now_ns)
        return (sum(talked for _, talked in self._minutes) + self._talked_ns) // MS

    def _in_last_second(self, now_ns: int) -> int:
        begun = self._begun
        while begun and begun[0] <= now_ns - SECOND:
            begun.popleft()
        return len(begun)

    def _accrue(self, now_ns: int) -> None:
        """Add what was talked since the last look to the minutes it was talked in."""
        minute = now_ns // _MINUTE
        while self._minute < minute:
            if self._minute < minute - MINUTES_KEPT:  # nobody has looked for an hour: only the last one counts
                self._minutes.clear()
                self._minute, self._since_ns = minute - MINUTES_KEPT, (minute - MINUTES_KEPT) * _MINUTE
                self._talked_ns = 0
            ends_ns = (self._minute + 1) * _MINUTE
            talked_ns = self._talked_ns + self.talking * (ends_ns - self._since_ns)
            if talked_ns:
                self._minutes.append((self._minute, talked_ns))
            self._minute, self._since_ns, self._talked_ns = self._minute + 1, ends_ns, 0
        self._talked_ns += self.talking * (now_ns - self._since_ns)
        self._since_ns = now_ns
        while self._minutes and self._minutes[0][0] <= minute - MINUTES_KEPT:
            self._minutes.popleft()

    def _answered(self, now_ns: int) -> None:
        self._accrue(now_ns)
        self.talking += 1

    def _ended(self, now_ns: int, talking: bool, caller: str | None) -> None:
        self.live -= 1
        if talking:
            self._accrue(now_ns)
            self.talking -= 1
        if caller is not None:
            left = self._callers[caller] - 1
            if left:
                self._callers[caller] = left
            else:
                del self._callers[caller]


class Seat:
    """One call on a trunk. Answering and ending count once, however often they are said."""

    __slots__ = ("_caller", "_load", "_over", "_talking")

    def __init__(self, load: TrunkLoad, caller: str | None) -> None:
        self._load = load
        self._caller = caller
        self._talking = False
        self._over = False

    def answered(self, now_ns: int) -> None:
        """It is talked from now on."""
        if not self._talking and not self._over:
            self._load._answered(now_ns)
            self._talking = True

    def ended(self, now_ns: int) -> None:
        """The call is over."""
        if not self._over:
            self._over = True
            self._load._ended(now_ns, self._talking, self._caller)


class TrunkLoads:
    """The loads of all trunks by key."""

    def __init__(self) -> None:
        self._loads: dict[str, TrunkLoad] = {}

    def of(self, trunk: str) -> TrunkLoad:
        """The load of a trunk that is, or was, in the configuration."""
        load = self._loads.get(trunk)
        if load is None:
            load = self._loads[trunk] = TrunkLoad()
        return load
