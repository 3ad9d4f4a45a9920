"""One plan compiled: its routes in rank order, and every static question about them as bitmaps.

Rank order is the order in which routes would be offered if nothing were left to chance: tiers in order, in a
priority tier lower numbers first. Routes of one number (or all of a weighted or round-robin tier) form a `Band`:
neighbours in rank whose order is found out for each caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from trunkline.config.criteria import Node
from trunkline.config.lookup import AccountIndex, route_id
from trunkline.config.schema import Buyer, BuyerGroup, Kind, Method, Plan, Route, Target, Tier
from trunkline.config.trunks import Trunk
from trunkline.config.unbuilt import BUILT_METHODS, UnbuiltGuards
from trunkline.engine.routing.draw import text_hash
from trunkline.engine.routing.guards import ATTESTATION, Guards, Stand
from trunkline.engine.routing.hours import Clocks, OpenTimes
from trunkline.engine.routing.index import Cutter, Part, Table, bitmap, build_tables
from trunkline.engine.routing.limits import Calendar, Rules, funds_rule, limit_rules, merged
from trunkline.engine.routing.values import Known, Types
from trunkline.kernel.leases import TurnId

_FLOOR_MASKS_MAX = 1_024

Order = Literal["fixed", "weighted", "round_robin"]


class Line:
    """A route of the plan with everything about it that does not depend on the caller.

    `price` is in minor units and None when the campaign's counts; `guards` stand from plan to route;
    `rules` its limits below the publisher; `funds` its buyer's; `unbuilt` what of it this version cannot judge.
    """

    __slots__ = (
        "buyer",
        "funds",
        "guards",
        "id",
        "kind",
        "plan",
        "price",
        "rank",
        "rest",
        "route",
        "rules",
        "target",
        "tier",
        "turn",
        "unbuilt",
    )

    def __init__(self, rank: int, plan: Plan, tier: Tier, route: Route, target: Target, buyer: Buyer) -> None:
        self.rank = rank
        self.plan = plan.key
        self.tier = tier
        self.route = route
        self.target = target
        self.buyer = buyer
        self.kind = Kind.CALL if target.dial is not None else Kind.LEAD
        self.id = route_id(plan.key, tier.key or "", route.key or route.target)
        price = next((level.price for level in (route, target, buyer) if level.price is not None), None)
        self.price = None if price is None else price.minor
        self.guards: Guards
        self.rest: tuple[Node, ...] = ()
        self.rules: Rules = ()
        self.funds: Rules = ()
        self.unbuilt: str | None = None
        self.turn: TurnId | None = None

    def price_for(self, campaign_price: int | None) -> int | None:
        """What an offer costs the buyer, in minor units; None for a bidder."""
        if self.target.bid is not None:
            return None
        return campaign_price if self.price is None else self.price


class Band:
    """Neighbouring ranks [first, first + count) and how they are ordered for one caller."""

    __slots__ = ("mask", "name_hash", "order", "weights")

    def __init__(self, order: Order, lines: list[Line], name_hash: int) -> None:
        self.order: Order = order
        self.mask = ((1 << len(lines)) - 1) << lines[0].rank
        self.name_hash = name_hash
        weights: dict[int, int] = {}
        if order == "weighted":
            for line in lines:
                weights[line.route.weight] = weights.get(line.route.weight, 0) | 1 << line.rank
        self.weights = sorted(weights.items())


class Program:
    """A compiled plan."""

    __slots__ = ("_closed", "_closed_minute", "_down", "_floors", "_hours", "_targets", "all", "bands", "lines",
                 "members", "open", "plan", "predicated", "tables")  # fmt: skip

    def __init__(self, plan: Plan, lines: list[Line], bands: list[Band], tables: tuple[Table, ...]) -> None:
        count = len(lines)
        self.plan = plan
        self.lines = lines
        self.bands = bands
        self.tables = tables
        self.all = (1 << count) - 1
        self.open = {kind: bitmap((line.rank for line in lines if _stands_open(line, kind)), count) for kind in Kind}
        """By kind: routes that neither kind nor pause nor method nor an unbuilt guard turns away."""
        self.members = _by_name(lines)
        """For (group or buyer, key) the routes that share its limits."""
        self.predicated = bitmap((line.rank for line in lines if line.rest), count)
        """Routes with criteria that no table answers."""
        self._hours = _hours_of(lines)
        self._closed_minute = -1
        self._closed = 0
        self._floors: dict[tuple[int, int | None], int] = {}
        self._targets: dict[str, int] | None = None
        self._down: tuple[frozenset[str], int] = (frozenset(), 0)

    def eligible(self, kind: Kind, known: Known, floor: int, price: int | None, utc_ms: int, clocks: Clocks) -> int:
        """Routes that all guards from the plan down let through, but for predicates over several attributes.

        `floor` is the highest above the plan and `price` the campaign's, both in minor units.
        """
        mask = self.open[kind]
        for table in self.tables:
            mask &= table.mask(known)
        if not mask:
            return 0
        key = (floor, price)
        above = self._floors.get(key)
        if above is None:
            above = self._above(floor, price)
        if self._hours:
            above &= ~self._closed_at(utc_ms, clocks)
        return mask & above

    def down(self, targets: frozenset[str]) -> int:
        """The routes to these targets. The answer is kept until other targets are asked for."""
        known, mask = self._down
        if known is not targets:
            if self._targets is None:
                self._targets = {}
                for line in self.lines:
                    self._targets[line.target.key] = self._targets.get(line.target.key, 0) | 1 << line.rank
            mask = 0
            for target in targets:
                mask |= self._targets.get(target, 0)
            self._down = (targets, mask)
        return mask

    def of_buyers(self, buyers: Iterable[str]) -> int:
        """The routes of these buyers."""
        mask = 0
        for buyer in buyers:
            mask |= self.members.get(("buyer", buyer), 0)
        return mask

    def _above(self, floor: int, price: int | None) -> int:
        """Routes that have a price, and one that reaches every floor."""
        if len(self._floors) >= _FLOOR_MASKS_MAX:
            self._floors.clear()
        ranks = (
            line.rank
            for line in self.lines
            if (cost := line.price_for(price)) is not None and cost >= max(line.guards.floor, floor)
        )
        mask = self._floors[floor, price] = bitmap(ranks, len(self.lines))
        return mask

    def _closed_at(self, utc_ms: int, clocks: Clocks) -> int:
        minute = utc_ms // 60_000
        if minute == self._closed_minute:
            return self._closed
        closed, steady = 0, True
        for times, mask in self._hours:
            clock = clocks.at(utc_ms, times.zone)
            steady = steady and clock.steady
            if not times.open_at(clock):
                closed |= mask
        self._closed = closed
        self._closed_minute = minute if steady else -1
        return closed


class Compiler:
    """Compiles the plans of one account. What objects share (a buyer's guards and limits) is made once."""

    def __init__(
        self,
        index: AccountIndex,
        trunks: Mapping[str, Trunk],
        types: Types,
        calendar: Calendar,
        unbuilt: UnbuiltGuards,
    ) -> None:
        self._index = index
        self._trunks = trunks
        self._types = types
        self._calendar = calendar
        self._unbuilt = unbuilt
        self._account = index.config.account
        self._buyers = {key: self._buyer_rules(buyer) for key, buyer in index.buyers.items()}
        self._buyer_stands = {key: self._stands_of_buyer(buyer) for key, buyer in index.buyers.items()}
        self._targets = {key: self._target_rules(target) for key, target in index.targets.items()}
        self._target_stands = {key: self._stands_of_target(target) for key, target in index.targets.items()}
        self._funds = {key: funds_rule(self._account.key, buyer, calendar) for key, buyer in index.buyers.items()}

    def compile(self, plan: Plan) -> Program:
        """The program of one plan."""
        cutter = Cutter(self._types)
        lines: list[Line] = []
        bands: list[Band] = []
        plan_stand = self._stand("plan", plan.key, plan, plan.timezone or self._account.timezone)
        for tier in plan.tiers:
            key = f"{plan.key}.{tier.key}"
            stands = (plan_stand, self._stand("tier", key, tier, self._account.timezone))
            for order, routes in _bands(tier):
                members = [self._line(len(lines) + place, plan, tier, route, stands) for place, route in routes]
                bands.append(Band(order, members, _draw_name(self._account.key, key, tier, members)))
                lines += members
        parts: list[tuple[int, Part]] = []
        for line in lines:
            self._cut(line, cutter, parts)
        return Program(plan, lines, bands, build_tables(parts, len(lines)))

    def _cut(self, line: Line, cutter: Cutter, parts: list[tuple[int, Part]]) -> None:
        rest: tuple[Node, ...] = ()
        for stand in line.guards.stands:
            if stand.criteria is not None:
                own, more = cutter.cut(stand.criteria)
                parts.extend((line.rank, part) for part in own)
                rest += more
            if stand.attested is not None and line.kind is Kind.CALL:
                parts.append((line.rank, Part(ATTESTATION, dict.fromkeys(stand.attested, True), False, False)))
        line.rest = rest

    def _line(self, rank: int, plan: Plan, tier: Tier, route: Route, above: tuple[Stand, ...]) -> Line:
        target = self._index.targets[route.target]
        buyer = self._index.buyers[target.buyer]
        line = Line(rank, plan, tier, route, target, buyer)
        zone = route.timezone or buyer.timezone or self._account.timezone
        line.guards = Guards(
            (
                *above,
                *self._buyer_stands[buyer.key],
                *self._target_stands[target.key],
                self._stand("route", line.id, route, zone),
            )
        )
        line.funds = self._funds[buyer.key]
        line.rules = self._buyers[buyer.key][line.kind] + self._targets[target.key]
        if route.limits:
            line.rules += self._rules("route", line.id, route.limits, zone, line.kind)
        if tier.method is Method.ROUND_ROBIN:
            line.turn = TurnId(self._account.key, plan.key, tier.key or "", route.key or route.target)
        line.unbuilt = self._unbuilt.routes.get(line.id)
        return line

    def _stand(self, level: str, key: str, thing: object, zone: str, closed_by: str | None = None) -> Stand:
        return Stand(level, key, thing, zone, closed_by)  # type: ignore[arg-type]

    def _rules(self, level: str, key: str, limits: tuple[object, ...], zone: str, kind: Kind) -> Rules:
        if not limits:
            return ()
        return limit_rules(self._account.key, level, key, limits, zone, kind, self._calendar)  # type: ignore[arg-type]

    def _zone(self, thing: Buyer | BuyerGroup) -> str:
        return thing.timezone or self._account.timezone

    def _buyer_rules(self, buyer: Buyer) -> dict[Kind, Rules]:
        groups = self._index.groups_of.get(buyer.key, ())
        return {
            kind: merged([self._rules("group", group.key, group.limits, self._zone(group), kind) for group in groups])
            + self._rules("buyer", buyer.key, buyer.limits, self._zone(buyer), kind)
            for kind in Kind
        }

    def _target_rules(self, target: Target) -> Rules:
        zone = target.timezone or self._zone(self._index.buyers[target.buyer])
        kind = Kind.CALL if target.dial is not None else Kind.LEAD
        bid = () if target.bid is None else target.bid.limits
        return self._rules("bidder", target.key, bid, zone, kind) + self._rules(
            "target", target.key, target.limits, zone, kind
        )

    def _stands_of_buyer(self, buyer: Buyer) -> tuple[Stand, ...]:
        groups = self._index.groups_of.get(buyer.key, ())
        return (
            *(self._stand("group", group.key, group, self._zone(group)) for group in groups),
            self._stand("buyer", buyer.key, buyer, self._zone(buyer)),
        )

    def _stands_of_target(self, target: Target) -> tuple[Stand, ...]:
        zone = target.timezone or self._zone(self._index.buyers[target.buyer])
        trunks = [trunk for key in target.trunk if (trunk := self._trunks.get(key)) is not None]
        closed = bool(trunks) and all(trunk.paused for trunk in trunks)
        names = ", ".join(trunk.key for trunk in trunks)
        closed_by = f"trunk {names} is paused" if closed else None
        stand = self._stand("target", target.key, target, zone, closed_by)
        if target.bid is None:
            return (stand,)
        return (self._stand("bidder", target.key, target.bid, zone), stand)


def _bands(tier: Tier) -> Iterator[tuple[Order, list[tuple[int, Route]]]]:
    """The bands of a tier in rank order, each with its routes and their places in it."""
    if not tier.routes:
        return
    if tier.method is not Method.PRIORITY:
        order: Order = "weighted" if tier.method is Method.WEIGHTED else "round_robin"
        yield (order if tier.method in BUILT_METHODS else "fixed"), list(enumerate(tier.routes))
        return
    by_priority: dict[int, list[Route]] = {}
    for route in tier.routes:
        by_priority.setdefault(route.priority, []).append(route)
    alone: list[Route] = []
    for _, routes in sorted(by_priority.items()):
        if len(routes) == 1:
            alone += routes
            continue
        if alone:
            yield "fixed", list(enumerate(alone))
            alone = []
        yield "weighted", list(enumerate(routes))
    if alone:
        yield "fixed", list(enumerate(alone))


def _draw_name(account: str, tier_key: str, tier: Tier, members: list[Line]) -> int:
    """What a band's draws are seeded with besides the caller's seed: names only, so that reordering moves nothing."""
    number = f"/{members[0].route.priority}" if tier.method is Method.PRIORITY else ""
    return text_hash(f"{account}/{tier_key}{number}")


def _stands_open(line: Line, kind: Kind) -> bool:
    return line.kind is kind and line.unbuilt is None and line.guards.paused is None


def _by_name(lines: list[Line]) -> dict[tuple[str, str], int]:
    """For each buyer and group the routes that share its limits."""
    ranks: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        for stand in line.guards.stands:
            if stand.level in {"buyer", "group"}:
                ranks.setdefault((stand.level, stand.key), []).append(line.rank)
    return {name: bitmap(members, len(lines)) for name, members in ranks.items()}


def _hours_of(lines: list[Line]) -> list[tuple[OpenTimes, int]]:
    """Each set of hours in each zone once, with the routes that it closes."""
    ranks: dict[tuple[object, ...], tuple[OpenTimes, list[int]]] = {}
    for line in lines:
        for stand in line.guards.stands:
            if stand.times is not None:
                ranks.setdefault(stand.times.identity, (stand.times, []))[1].append(line.rank)
    return [(times, bitmap(members, len(lines))) for times, members in ranks.values()]
