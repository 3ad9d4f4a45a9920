"""Limits and funds as demands: what one offer needs of each, in the order in which a refusal is reported.

Order: funds; then the levels account, campaign, publisher, group, buyer, bidder, target, route; within a level live,
counts (shortest window first, then attempt, connect, convert), spend (shortest window first). The store reserves
demands in this order, so its refusal names the same counter that explain names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from trunkline.config.schema import Buyer, Kind, Limit, Measure
from trunkline.engine.routing.reasons import LIMIT_LEVELS
from trunkline.kernel.leases import FUNDS, CounterId, Demand, Usage
from trunkline.kernel.windows import Per, Window, window_at

_MEASURES: dict[str, int] = {measure.value: place for place, measure in enumerate(Measure)} | {FUNDS: -1}
"""Measures in the order in which they are judged: the configuration's own."""
_PERS = {per: place for place, per in enumerate((None, *Per))}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOT_FOR = {Kind.CALL: Measure.IN_FLIGHT, Kind.LEAD: Measure.LIVE}
_ALWAYS = Window(0, 0)


class Calendar:
    """The windows that hold the present instant, each computed once for as long as it lasts."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: dict[tuple[Per, str, int], Window] = {}

    def window(self, per: Per, zone: str, week_start: int, utc_ms: int) -> Window:
        """The window of that kind, zone and start of week that holds `utc_ms`."""
        key = (per, zone, week_start)
        window = self._windows.get(key)
        if window is None or not window.start_ms <= utc_ms < window.end_ms:
            window = self._windows[key] = window_at(per, utc_ms, zone, week_start)
        return window


class LimitRule:
    """One limit of one object (or a buyer's funds), ready to be asked for a seat.

    `priced` says that an offer takes its price and not one seat.
    """

    __slots__ = ("_calendar", "_last", "_week_start", "counter", "max", "order", "per", "priced", "zone")

    def __init__(
        self, counter: CounterId, maximum: int, per: Per | None, zone: str, week_start: int, calendar: Calendar
    ) -> None:
        self.counter = counter
        self.max = maximum
        self.per = per
        self.zone = zone
        self.priced = counter.measure in {Measure.SPEND, FUNDS}
        self._week_start = week_start
        self._calendar = calendar
        place = _MEASURES[counter.measure]
        self.order = (0 if place <= 1 else 2 if self.priced else 1, _PERS[per], place)
        """Where the rule stands among those of its level."""
        self._last = Demand(counter, 0, maximum)  # the demand made last: mostly it is the next one too

    def window(self, utc_ms: int) -> Window:
        """The window that holds `utc_ms`; one from 0 to 0 for a limit without windows."""
        if self.per is None:
            return _ALWAYS
        return self._calendar.window(self.per, self.zone, self._week_start, utc_ms)

    def demand(self, price: int, utc_ms: int) -> Demand:
        """What an offer at `price` (minor units) needs of this limit in the window that holds `utc_ms`."""
        last = self._last
        amount = price if self.priced else 1
        if last.amount == amount and (self.per is None or last.window_start_ms <= utc_ms < last.window_end_ms):
            return last
        window = self.window(utc_ms)
        self._last = Demand(self.counter, amount, self.max, window.start_ms, window.end_ms)
        return self._last


Rules = tuple[LimitRule, ...]
_ORDER = attrgetter("order")


def limit_rules(
    account: str, level: str, key: str, limits: Iterable[Limit], zone: str, kind: Kind, calendar: Calendar
) -> Rules:
    """The limits of one object that apply to `kind`, in order; `zone` is where its windows are when a limit says none.

    Of several limits on one counter the lowest counts.
    """
    assert level in LIMIT_LEVELS
    found: dict[tuple[CounterId, str, int], LimitRule] = {}
    for limit in limits:
        if limit.applies_to not in {"both", kind.value} or limit.measure is _NOT_FOR[kind]:
            continue
        per = None if limit.measure in {Measure.LIVE, Measure.IN_FLIGHT} else limit.per or Per.LIFETIME
        counter = CounterId(
            account, level, key, limit.measure.value, per.value if per is not None else "", limit.applies_to
        )
        week_start = _WEEKDAYS.index(limit.week_start)
        rule = LimitRule(counter, limit.max, per, limit.zone or zone, week_start, calendar)
        known = found.get((counter, rule.zone, week_start))
        if known is None or rule.max < known.max:
            found[counter, rule.zone, week_start] = rule
    if len(found) == 1:
        return tuple(found.values())
    return tuple(sorted(found.values(), key=_ORDER))


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
    return (LimitRule(counter, buyer.funding.limit.minor, None, "UTC", 0, calendar),)


class Full:
    """The first demand without room, and how many of its seats are used and held."""

    __slots__ = ("demand", "used")

    def __init__(self, demand: Demand, used: int) -> None:
        self.demand = demand
        self.used = used


def ask(rules: Rules, price: int, usage: Usage, utc_ms: int, demands: list[Demand]) -> Full | None:
    """Append each rule's demand to `demands`; stop at the first without room and give it back."""
    for rule in rules:
        demand = rule.demand(price, utc_ms)
        used = usage.used(demand.counter, demand.window_start_ms)
        if used + demand.amount > demand.max:
            return Full(demand, used)
        demands.append(demand)
    return None
