"""Limits and funds as demands: what one offer needs of each, in the order in which a refusal is reported.

Order: funds; then the levels account, campaign, publisher, group, buyer, bidder, target, route; within a level live,
counts (shortest window first, then attempt, connect, convert), spend (shortest window first). The store reserves
demands in this order, so its refusal names the same counter that explain names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from trunkline.config.schema import Buyer, Kind, Measure
from trunkline.engine.routing.hours import OpenTimes, WallClock
from trunkline.engine.routing.limited import Limited, OpenBy
from trunkline.engine.routing.pacing import OpenTime, allowed, due_ms, open_time
from trunkline.engine.routing.reasons import LIMIT_LEVELS
from trunkline.kernel.leases import FUNDS, CounterId, Demand, Usage, gap_left_ms
from trunkline.kernel.windows import FOREVER_MS, Per, Window, window_at

_MEASURES: dict[str, int] = {measure.value: place for place, measure in enumerate(Measure)} | {FUNDS: -1}
"""Measures in the order in which they are judged: the configuration's own."""
_PERS = {per: place for place, per in enumerate((None, *Per))}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOT_FOR = {Kind.CALL: Measure.IN_FLIGHT, Kind.LEAD: Measure.LIVE}
_ALWAYS = Window(0, 0)
_TIME_BEGINS_MS: Final = -(1 << 62)
_OPEN_MAX: Final = 4_096
_AMOUNTS_MAX: Final = 256
"""Prices of which a limit remembers what an offer at them needs."""


class Calendar:
    """The windows that hold the present instant and their open time, each computed once for as long as it lasts."""

    __slots__ = ("_open", "_windows")

    def __init__(self) -> None:
        self._windows: dict[tuple[Per, str, int], Window] = {}
        self._open: dict[tuple[object, ...], OpenTime] = {}

    def window(self, per: Per, zone: str, week_start: int, utc_ms: int) -> Window:
        """The window of that kind, zone and start of week that holds `utc_ms`."""
        key = (per, zone, week_start)
        window = self._windows.get(key)
        if window is None or not window.start_ms <= utc_ms < window.end_ms:
            window = self._windows[key] = window_at(per, utc_ms, zone, week_start)
        return window

    def open_time(self, times: OpenTimes | None, window: Window) -> OpenTime:
        """The open time of a window; equal hours share it."""
        key = (None if times is None else times.identity, window)
        found = self._open.get(key)
        if found is None:
            if len(self._open) >= _OPEN_MAX:
                self._open.clear()
            found = self._open[key] = open_time(times, window)
        return found


class LimitRule:
    """One limit of one object (or a buyer's funds), ready to be asked for a seat.

    `priced` says that an offer takes its price and not one seat; `gap_ms` is the least time between two offers.
    """

    __slots__ = ("_calendar", "_last", "_made", "_week_start", "counter", "from_ms", "gap_ms", "max", "now",
                 "order", "per", "priced", "until_ms", "zone")  # fmt: skip

    def __init__(
        self,
        counter: CounterId,
        maximum: int,
        calendar: Calendar,
        per: Per | None = None,
        zone: str = "UTC",
        week_start: int = 0,
        gap_ms: int = 0,
    ) -> None:
        self.counter = counter
        self.max = maximum
        self.per = per
        self.zone = zone
        self.gap_ms = gap_ms
        self.priced = counter.measure in {Measure.SPEND, FUNDS}
        self._week_start = week_start
        self._calendar = calendar
        place = _MEASURES[counter.measure]
        self.order = (0 if place <= 1 else 2 if self.priced else 1, _PERS[per], place)
        """Where the rule stands among those of its level."""
        self._last = Demand(counter, 0, maximum, gap_ms=gap_ms)  # the demand made last: mostly it is the next one too
        self._made: dict[int, Demand] = {}  # by amount, those of the window of `_last`
        self.now = self._last
        self.from_ms, self.until_ms = 0, 0
        """From when and until when `now` is what every offer needs; never where it depends on price or pace."""
        if per is None and not self.priced:
            self._set_now(Demand(counter, 1, maximum, gap_ms=gap_ms), _TIME_BEGINS_MS, FOREVER_MS)

    def window(self, utc_ms: int) -> Window:
        """The window that holds `utc_ms`; one from 0 to 0 for a limit without windows."""
        if self.per is None:
            return _ALWAYS
        return self._calendar.window(self.per, self.zone, self._week_start, utc_ms)

    @property
    def windowed(self) -> bool:
        """Whether it counts in windows that have an end."""
        return self.per not in {None, Per.LIFETIME}

    @property
    def placing(self) -> tuple[str, str]:
        """Zone and first day of weeks: where the windows of the rule are."""
        return self.zone, _WEEKDAYS[self._week_start if self.per is Per.WEEK else 0]

    def demand(self, price: int, utc_ms: int) -> Demand:
        """What an offer at `price` (minor units) needs of this limit in the window that holds `utc_ms`."""
        last, made = self._last, self._made
        amount = price if self.priced else 1
        if self.per is None or last.window_start_ms <= utc_ms < last.window_end_ms:
            demand = last if last.amount == amount else made.get(amount)
            if demand is not None:
                return demand
        else:
            made.clear()
        if len(made) >= _AMOUNTS_MAX:
            made.clear()
        window = self.window(utc_ms)
        demand = made[amount] = self._demand(amount, self.max, window)
        if not self.priced:
            self._set_now(demand, window.start_ms, window.end_ms)
        return demand

    def wait(self, demand: Demand, used: int, usage: Usage, utc_ms: int) -> Wait | None:
        """When the next offer may be made, where only pacing is in its way; None where the seats themselves lack."""
        if used + demand.amount > demand.max:
            return None
        return Wait(f"{self.gap_ms // 1000} s between offers", (usage.offered(self.counter) or utc_ms) + self.gap_ms)

    def max_told(self, demand: Demand, used: int) -> int:
        """Which maximum was in the way of that many used seats: the one that held then."""
        return demand.max

    def _set_now(self, demand: Demand, from_ms: int, until_ms: int) -> None:
        self._last = self.now = demand
        self.from_ms, self.until_ms = from_ms, until_ms

    def _demand(self, amount: int, maximum: int, window: Window) -> Demand:
        self._last = Demand(self.counter, amount, maximum, window.start_ms, window.end_ms, self.gap_ms)
        return self._last


class Wait(msgspec.Struct, frozen=True, gc=False):
    """What makes an offer wait, in words, and until when (UTC milliseconds)."""

    words: str
    until_ms: int


class HourlyRule(LimitRule):
    """A limit of what is going on now, whose `max` is lower in some hours of the week."""

    __slots__ = ("_matrix",)

    def __init__(self, rule: LimitRule, matrix: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__(rule.counter, rule.max, rule._calendar, None, rule.zone, gap_ms=rule.gap_ms)
        self._matrix = matrix
        self.until_ms = self.from_ms  # the hour is not known yet

    def demand(self, price: int, utc_ms: int) -> Demand:
        """What an offer needs; `max` is that of the hour."""
        if not self.from_ms <= utc_ms < self.until_ms:
            hour = self._calendar.window(Per.HOUR, self.zone, 0, utc_ms)
            self._set_now(self._demand(1, self.max_at(utc_ms), _ALWAYS), hour.start_ms, hour.end_ms)
        return self.now

    def max_at(self, utc_ms: int) -> int:
        """What holds in the hour of `utc_ms`: never above `max`, which holds on weekdays that are not named."""
        local = WallClock(utc_ms, self.zone)
        hours = self._matrix.get(_WEEKDAYS[local.weekday])
        return self.max if hours is None else min(self.max, hours[local.minute // 60])


class EvenRule(LimitRule):
    """A limit of a window that is given out evenly over its open time."""

    __slots__ = ("_times",)

    def __init__(self, rule: LimitRule, times: OpenTimes | None) -> None:
        super().__init__(
            rule.counter, rule.max, rule._calendar, rule.per, rule.zone, rule._week_start, gap_ms=rule.gap_ms
        )
        self._times = times

    def demand(self, price: int, utc_ms: int) -> Demand:
        """What an offer needs; `max` is what may be used by now, and never less than the first offer needs."""
        amount = price if self.priced else 1
        window = self.window(utc_ms)
        spread = self._calendar.open_time(self._times, window)
        now = max(allowed(self.max, spread.passed_ms(utc_ms), spread.total_ms), min(amount, self.max))
        last = self._last
        if last.amount == amount and last.max == now and last.window_start_ms == window.start_ms:
            return last
        return self._demand(amount, now, window)

    def wait(self, demand: Demand, used: int, usage: Usage, utc_ms: int) -> Wait | None:
        """When the next offer may be made, where only pacing is in its way."""
        wanted = used + demand.amount
        if wanted <= demand.max:
            return super().wait(demand, used, usage, utc_ms)
        spread = self._calendar.open_time(self._times, self.window(utc_ms))
        due = spread.reached(due_ms(self.max, wanted, spread.total_ms)) if wanted <= self.max else None
        return None if due is None else Wait("spread evenly", due)

    def max_told(self, demand: Demand, used: int) -> int:
        """What may be used by now, or the limit itself where that is used up."""
        return demand.max if used + demand.amount <= self.max else self.max


Rules = tuple[LimitRule, ...]
_ORDER = attrgetter("order")


def limit_rules(account: str, limited: Limited, kind: Kind, calendar: Calendar) -> Rules:
    """The limits of one object of an account that apply to `kind`, in order.

    Of several limits on one counter the lowest counts.
    """
    if not limited.limits:
        return ()
    assert limited.level in LIMIT_LEVELS
    found: dict[tuple[CounterId, str, str], LimitRule] = {}
    for limit in limited.limits:
        if limit.applies_to not in {"both", kind.value} or limit.measure is _NOT_FOR[kind]:
            continue
        per = None if limit.measure in {Measure.LIVE, Measure.IN_FLIGHT} else limit.per or Per.LIFETIME
        counter = CounterId(
            account,
            limited.level,
            limited.key,
            limit.measure.value,
            per.value if per is not None else "",
            limit.applies_to,
        )
        week_start = _WEEKDAYS.index(limit.week_start)
        gap_ms = 1000 * (limit.min_gap_seconds or 0)
        rule = LimitRule(counter, limit.max, calendar, per, limit.zone or limited.zone, week_start, gap_ms)
        known = found.get((counter, *rule.placing))
        if known is None or rule.max < known.max:
            if limit.matrix:
                rule = HourlyRule(rule, limit.matrix)
            elif limit.pacing is not None:
                rule = EvenRule(rule, _times_of(limited.open_by))
            found[counter, *rule.placing] = rule
    if len(found) == 1:
        return tuple(found.values())
    return tuple(sorted(found.values(), key=_ORDER))


def _times_of(open_by: OpenBy) -> OpenTimes | None:
    return next((OpenTimes(hours, zone) for hours, zone in open_by if hours is not None), None)


def merged(groups: Sequence[Rules]) -> Rules:
    """The limits of several objects of one level as one sequence in order."""
    if len(groups) == 1:
        return groups[0]
    return tuple(sorted((rule for rules in groups for rule in rules), key=_ORDER))


def funds_rule(account: str, buyer: Buyer, calendar: Calendar) -> Rules:
    """What a buyer's money lets it be offered: nothing limits a buyer without funding."""
    if buyer.funding is None:
        return ()
    counter = CounterId(account, "buyer", buyer.key, FUNDS, "", "both")
    return (LimitRule(counter, buyer.funding.limit.minor, calendar),)


class Full:
    """The first demand without room, its rule, and how many of its seats are used and held."""

    __slots__ = ("demand", "rule", "used")

    def __init__(self, rule: LimitRule, demand: Demand, used: int) -> None:
        self.rule = rule
        self.demand = demand
        self.used = used


def ask(rules: Rules, price: int, usage: Usage, utc_ms: int, demands: list[Demand]) -> Full | None:
    """Append each rule's demand to `demands`; stop at the first without room and give it back."""
    for rule in rules:
        demand = rule.now if rule.from_ms <= utc_ms < rule.until_ms else rule.demand(price, utc_ms)
        used = usage.used(demand.counter, demand.window_start_ms)
        if used + demand.amount > demand.max or (
            demand.gap_ms and gap_left_ms(demand.gap_ms, usage.offered(demand.counter), utc_ms)
        ):
            return Full(rule, demand, used)
        demands.append(demand)
    return None
