"""The peers of the routing bench: the same rules by a linear scan, as a careful programmer would write it.

Values are folded beforehand, lists are sets, each route's narrowest test comes first and the first that fails ends
the matter. Hours are judged once a minute for each set of hours. A scan stops at the first band (the routes that one
draw is among) in which somebody has room.

`Linear` asks whatever a route may ask, as ours does: hours and floors of every level, the hop, the attestation, the
target's health, and criteria with any operator and nesting, in three values, prepared as functions when the
configuration is read. What never changes (kind, pauses) is left out of the scan beforehand. `Fitted` is what can be had
when it is known that there will be this market and no other: one look at the state's set for nearly every route, and
operators that are written into the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bench.load.market import ACCOUNT, NUMBER

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.folds import fold_text
from trunkline.config.schema import AccountConfig, Kind, Method, Route, Tier
from trunkline.engine.routing.draw import Draws, text_hash
from trunkline.engine.routing.hours import OpenTimes, WallClock
from trunkline.engine.routing.limits import Rules
from trunkline.engine.routing.offer import Query
from trunkline.engine.routing.router import Router
from trunkline.kernel.leases import Lease

Ask = Callable[[dict[str, str]], bool | None]
"""What is asked of a caller's folded values: true, false, or None for unknown."""
Test = tuple[str, frozenset[str], bool]
"""Attribute, folded values, and whether the caller's must be one of them or none of them."""


class Row:
    """One route. `first` are the attribute and values asked first; `tests` and `rest` are asked after them."""

    __slots__ = ("asks", "attested", "band", "first", "floor", "hops", "name", "price", "rest", "rules", "target",
                 "tests", "times", "values", "weight")  # fmt: skip

    def __init__(
        self, name: str, route: Route, band: int, tests: list[Test], rest: list[list[Test]], times: int
    ) -> None:
        self.name = name
        self.band = band
        self.weight = route.weight
        assert route.price is not None
        self.price = route.price.minor
        wanted = sorted((test for test in tests if test[2]), key=lambda test: len(test[1]))
        self.first, self.values, _ = min(wanted, key=lambda test: (test[0] != "geo.state", len(test[1])))
        self.tests = tuple(
            test for test in (*wanted, *(each for each in tests if not each[2])) if test[0] != self.first
        )
        self.rest = tuple(map(tuple, rest))
        self.asks: tuple[Ask, ...] = ()
        self.times = (times,)
        self.floor = 0
        self.hops = frozenset(route.hops)
        self.attested: frozenset[str] | None = None
        self.target = route.target
        self.rules: Rules = ()


class Linear:
    """A market, scanned for each caller. Limits are taken ready-made from the router: they are not what is compared."""

    def __init__(self, config: AccountConfig, router: Router) -> None:
        self._lines = router.programs[config.plans[0].key].by_id
        self._above = router.limits_above(config.campaigns[0].key, config.publishers[0].key, NUMBER, Kind.CALL)
        self._times: dict[object, int] = {}
        self._judged: list[OpenTimes] = []
        self._minute = -1
        self._open: list[bool] = []
        self._seeds: list[int] = []
        self._out: frozenset[str] = frozenset()
        self._floor = max(each.floor.minor for each in config.campaigns if each.floor is not None)
        self._buyers = {buyer.key: buyer for buyer in config.buyers}
        self._targets = {target.key: target for target in config.targets}
        plan = config.plans[0]
        self._tiers = [self._rows(plan.key, tier) for tier in plan.tiers]

    def eligible(self, query: Query) -> list[Row]:
        """The routes that all rules let through, in rank order."""
        values = {name: fold_text(attribute.value) for name, attribute in query.attributes.items()}
        self._judge_hours(query.now.utc_ms)
        found: list[Row] = []
        for rows in self._tiers:
            found += self._scan(rows, values, query)
        return found

    def decide(self, query: Query, capacity: MemoryCapacity, lease_id: str) -> tuple[Row, Lease] | None:
        """The first offer with its seats held."""
        values = {name: fold_text(attribute.value) for name, attribute in query.attributes.items()}
        self._judge_hours(query.now.utc_ms)
        for rows in self._tiers:
            fit = self._scan(rows, values, query)
            while fit:
                band = fit[0].band
                count = next((place for place, row in enumerate(fit) if row.band != band), len(fit))
                offered = self._offer(fit[:count], query, capacity, lease_id)
                if offered is not None:
                    return offered
                fit = fit[count:]
        return None

    def _scan(self, rows: Sequence[Row], values: dict[str, str], query: Query) -> list[Row]:
        open_, floor, hop, out = self._open, self._floor, query.hop, self._out
        found: list[Row] = []
        for row in rows:
            for times in row.times:
                if not open_[times]:
                    break
            else:
                for ask in row.asks:
                    if ask(values) is not True:
                        break
                else:
                    if row.attested is not None and values.get("caller.attestation") not in row.attested:
                        continue
                    if row.price < floor or row.price < row.floor or hop not in row.hops or row.target in out:
                        continue
                    found.append(row)
        return found

    def _offer(
        self, band: list[Row], query: Query, capacity: MemoryCapacity, lease_id: str
    ) -> tuple[Row, Lease] | None:
        """Draw among equals by weight until one has room."""
        left = sorted(band, key=lambda row: row.weight)
        draws = Draws(query.seed, self._seeds[band[0].band])
        while left:
            place = draws.below(sum(row.weight for row in left)) if len(left) > 1 else 0
            for row in left:
                if place < row.weight:
                    break
                place -= row.weight
            demands = []
            for rule in (*self._above, *row.rules):
                demand = rule.demand(row.price, query.now.utc_ms)
                if capacity.used(demand.counter, demand.window_start_ms) + demand.amount > demand.max:
                    break
                demands.append(demand)
            else:
                lease = capacity.reserve(lease_id, ACCOUNT, "call", lease_id, demands, None, query.now)
                if isinstance(lease, Lease):
                    return row, lease
            left.remove(row)
        return None

    def _judge_hours(self, utc_ms: int) -> None:
        minute = utc_ms // 60_000
        if minute != self._minute:
            self._minute = minute
            clocks = {times.zone: WallClock(utc_ms, times.zone) for times in self._judged}
            self._open = [times.open_at(clocks[times.zone]) for times in self._judged]

    def _rows(self, plan: str, tier: Tier) -> list[Row]:
        numbers = sorted({route.priority for route in tier.routes}) if tier.method is Method.PRIORITY else [0]
        rows: list[Row] = []
        for number in numbers:
            same = f"{ACCOUNT}/{plan}.{tier.key}" + (f"/{number}" if tier.method is Method.PRIORITY else "")
            self._seeds.append(text_hash(same))
            rows += [
                self._row(f"{plan}.{tier.key}.{route.key}", route)
                for route in tier.routes
                if tier.method is not Method.PRIORITY or route.priority == number
                if not route.paused and route.weight
            ]
        return rows

    def _row(self, name: str, route: Route) -> Row:
        target = self._targets[route.target]
        buyer = self._buyers[target.buyer]
        zone = buyer.timezone or "UTC"
        assert buyer.hours is not None
        times = OpenTimes(buyer.hours, zone)
        place = self._times.setdefault(times.identity, len(self._times))
        if place == len(self._judged):
            self._judged.append(times)
        assert isinstance(route.criteria, All)
        tests = [_test(node) for node in route.criteria.nodes if isinstance(node, Condition)]
        rest = [[_test(each) for each in node.nodes] for node in route.criteria.nodes if isinstance(node, AnyOf)]
        row = Row(name, route, len(self._seeds) - 1, tests, rest, place)
        row.rules = self._lines[name].rules
        row.asks = tuple(map(_prepared, sorted(route.criteria.nodes, key=_width)))
        return row


class Fitted(Linear):
    """A scan that is written for this market alone."""

    def _scan(self, rows: Sequence[Row], values: dict[str, str], query: Query) -> list[Row]:
        open_, floor = self._open, self._floor
        value_of = values.get
        found: list[Row] = []
        for row in rows:
            if value_of(row.first) not in row.values:
                continue
            if not open_[row.times[0]] or row.price < floor:
                continue
            for attr, accepted, wanted in row.tests:
                value = value_of(attr)
                if value is None or (value in accepted) is not wanted:
                    break
            else:
                if not row.rest or all(_any(tests, values) for tests in row.rest):
                    found.append(row)
        return found


def _prepared(node: Node) -> Ask:
    """A node as a function of a caller's folded values."""
    match node:
        case Condition():
            return _condition(node)
        case Not():
            inner = _prepared(node.node)
            return lambda values: None if (verdict := inner(values)) is None else not verdict
        case All() | AnyOf():
            return _several(tuple(map(_prepared, node.nodes)), decisive=isinstance(node, AnyOf))


def _several(asks: tuple[Ask, ...], *, decisive: bool) -> Ask:
    def judged(values: dict[str, str]) -> bool | None:
        verdict: bool | None = not decisive
        for ask in asks:
            found = ask(values)
            if found is decisive:
                return decisive
            if found is None:
                verdict = None
        return verdict

    return judged


def _condition(node: Condition) -> Ask:
    attr, texts = node.attr, tuple(map(fold_text, node.values))
    named = frozenset(texts)
    match node.op:
        case Operator.EXISTS:
            wanted = texts[0] == "true"
            return lambda values: (attr in values) is wanted
        case Operator.EQ | Operator.IN:
            return lambda values: None if (value := values.get(attr)) is None else value in named
        case Operator.NOT_IN:
            return lambda values: None if (value := values.get(attr)) is None else value not in named
        case Operator.PREFIX:
            return lambda values: None if (value := values.get(attr)) is None else value.startswith(texts)
        case Operator.CONTAINS:
            return lambda values: None if (value := values.get(attr)) is None else any(text in value for text in texts)
        case _:
            raise AssertionError(f"the market does not compare by {node.op}")


def _width(node: Node) -> int:
    """How much a node may let through: what names few values is asked first."""
    positive = isinstance(node, Condition) and node.op in {Operator.EQ, Operator.IN}
    return len(node.values) if positive and isinstance(node, Condition) else 1_000_000


def _any(tests: Iterable[Test], values: dict[str, str]) -> bool:
    return any(values.get(attr) in accepted for attr, accepted, _ in tests)


def _test(node: Node) -> Test:
    assert isinstance(node, Condition)
    assert node.op in {Operator.EQ, Operator.IN, Operator.NOT_IN}
    return node.attr, frozenset(map(fold_text, node.values)), node.op is not Operator.NOT_IN
