"""Compiles plans: configuration in, programs out, in small steps, and what has not changed only once.

Lines are made one by one, cut into what tables answer and what has to be asked, and tabulated a block at a time. Given
the compiler and the programs of the snapshot before, equal buyers, targets and routes keep what was made of them, and a
block all of whose routes are the same is taken over as it is. So a changed route costs its own block and a look at
every other route, not a compilation.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import NamedTuple
from zlib import crc32

from msgspec import Struct, structs

from trunkline.config.lookup import AccountIndex, route_id
from trunkline.config.schema import Buyer, BuyerGroup, Kind, Method, Plan, Route, Target, Tier
from trunkline.config.trunks import Trunk
from trunkline.engine.routing.draw import text_hash
from trunkline.engine.routing.guards import ATTESTATION, Guards, Stand
from trunkline.engine.routing.limited import Limited, Limits, OpenBy
from trunkline.engine.routing.limits import Calendar, Rules, funds_rule, limit_rules, merged
from trunkline.engine.routing.parts import Cutter
from trunkline.engine.routing.program import Band, Block, Line, Order, Program
from trunkline.engine.routing.values import Types
from trunkline.kernel.leases import TurnId

_BLOCK_MIN = 512
_BLOCK_MAX = 2_048
_BLOCK_ENDS = 512
"""Beyond the least size one route in so many ends its block."""
_ORDERS: dict[Method, Order] = {
    Method.WEIGHTED: "weighted",
    Method.ROUND_ROBIN: "round_robin",
    Method.AUCTION: "auction",
    Method.PERFORMANCE: "performance",
}
"""How all of a tier are ordered; those of `priority` fall into several bands."""
_LINES_A_STEP = 8
_SHARED_A_STEP = 16


class _OfBuyer(NamedTuple):
    """What the routes of one buyer share. `rules` are its limits and those of its groups."""

    buyer: Buyer
    groups: tuple[BuyerGroup, ...]
    stands: tuple[Stand, ...]
    rules: dict[Kind, Rules]
    funds: Rules


class _OfTarget(NamedTuple):
    """What the routes to one target share."""

    target: Target
    zone: str
    closed_by: str | None
    open_by: OpenBy
    stands: tuple[Stand, ...]
    rules: Rules


class Compiler:
    """Compiles the plans of one account. What objects share (a buyer's guards and limits) is made once.

    With the compiler of an earlier snapshot, whatever is equal in both is taken over from there.
    """

    def __init__(
        self,
        index: AccountIndex,
        trunks: Mapping[str, Trunk],
        types: Types,
        calendar: Calendar,
    ) -> None:
        self._index = index
        self._trunks = trunks
        self._types = types
        self._calendar = calendar
        self._limits = Limits(index)
        self._account = index.config.account
        self._heads: dict[str, tuple[Plan | Tier, Stand]] = {}
        self._buyers: dict[str, _OfBuyer] = {}
        self._targets: dict[str, _OfTarget] = {}

    def prepare(self, earlier: Compiler | None) -> Iterator[None]:
        """Make what plans share, in small steps: it is for the caller to go on with other things between them."""
        for place, (key, buyer) in enumerate(self._index.buyers.items()):
            if place % _SHARED_A_STEP == 0:
                yield
            groups = self._index.groups_of.get(key, ())
            known = None if earlier is None else earlier._buyers.get(key)
            if known is None or not (_same(known.buyer, buyer) and known.groups == groups):
                known = _OfBuyer(
                    buyer,
                    groups,
                    self._stands_of_buyer(buyer),
                    self._buyer_rules(buyer),
                    funds_rule(self._account.key, buyer, self._calendar),
                )
            self._buyers[key] = known
        for place, (key, target) in enumerate(self._index.targets.items()):
            if place % _SHARED_A_STEP == 0:
                yield
            zone = target.timezone or self._zone(self._index.buyers[target.buyer])
            closed_by = self._closed_by(target)
            mine = None if earlier is None else earlier._targets.get(key)
            open_by = self._limits.of_target(target).open_by
            placed = (zone, closed_by, open_by)
            if mine is None or not (_same(mine.target, target) and (mine.zone, mine.closed_by, mine.open_by) == placed):
                stands = self._stands_of_target(target, zone, closed_by)
                mine = _OfTarget(target, *placed, stands, self._target_rules(target))
            self._targets[key] = mine

    def compile(self, plan: Plan, earlier: Compiler | None, before: Program | None) -> Generator[None, None, Program]:
        """The program of one plan, in small steps; of the program `before` it takes over what is the same."""
        cutter = Cutter(self._types)
        old_lines = {} if before is None else before.by_id
        by_id: dict[str, Line] = {}
        lines: list[Line] = []
        old_ranks: list[int] = []  # for each line its rank in the program before, -1 when it is new
        bands: list[Band] = []
        bare = structs.replace(plan, tiers=())
        plan_stand = self._head("plan", plan.key, bare, plan.timezone or self._account.timezone, earlier)[1]
        for tier in plan.tiers:
            yield
            key = f"{plan.key}.{tier.key}"
            head, stand = self._head("tier", key, structs.replace(tier, routes=()), self._account.timezone, earlier)
            assert isinstance(head, Tier)
            for order, routes in _bands(tier):
                first = len(lines)
                weights: dict[int, list[int]] = {}
                for place, route in routes:
                    if place % _LINES_A_STEP == 0:
                        yield
                    rank = first + place
                    if order == "weighted":
                        weights.setdefault(route.weight, []).append(rank)
                    name = route_id(plan.key, tier.key or "", route.key or route.target)
                    old = old_lines.get(name)
                    if old is not None and self._unchanged(old, head, route, (plan_stand, stand)):
                        by_id[name] = old if old.rank == rank else old.moved(rank)
                        lines.append(by_id[name])
                        old_ranks.append(old.rank)
                        continue
                    line = self._line(rank, plan, head, route, (plan_stand, stand))
                    self._cut(line, cutter)
                    by_id[name] = line
                    lines.append(line)
                    old_ranks.append(-1)
                yield
                name_hash = _draw_name(self._account.key, key, tier, lines[first])
                bands.append(Band(order, first, len(routes), weights, name_hash))
        assert len(by_id) == len(lines), f"two routes of the plan {plan.key} have one name"
        old_blocks = {} if before is None else dict(before.blocks())
        blocks: list[Block] = []
        for first, after in _stretches(lines):
            yield
            block = old_blocks.get(old_ranks[first])
            if block is None or old_ranks[first:after] != [*range(old_ranks[first], old_ranks[first] + block.count)]:
                block = Block(lines[first:after])
                yield from block.filling()
            blocks.append(block)
        yield from cutter.forgetting()
        return Program(plan, by_id, bands, blocks)

    def _unchanged(self, old: Line, tier: Tier, route: Route, above: tuple[Stand, ...]) -> bool:
        """Whether a line of the program before says of this route what a new one would say."""
        if old.tier is not tier or not _same(old.route, route):
            return False
        target = self._targets[route.target]
        buyer = self._buyers[target.target.buyer]
        stands = (*above, *buyer.stands, *target.stands)
        return old.guards.stands[:-1] == stands and old.target is target.target and old.buyer is buyer.buyer

    def _cut(self, line: Line, cutter: Cutter) -> None:
        for stand in line.guards.stands:
            if stand.criteria is not None:
                own, more = cutter.cut(stand.criteria)
                line.parts += own
                line.rest += more
            if stand.attested is not None and line.kind is Kind.CALL:
                line.parts += (cutter.one_of(ATTESTATION, stand.attested),)

    def _line(self, rank: int, plan: Plan, tier: Tier, route: Route, above: tuple[Stand, ...]) -> Line:
        target = self._targets[route.target]
        buyer = self._buyers[target.target.buyer]
        line = Line(rank, plan, tier, route, target.target, buyer.buyer)
        zone = route.timezone or buyer.buyer.timezone or self._account.timezone
        stand = Stand("route", line.id, route, zone)
        line.guards = Guards((*above, *buyer.stands, *target.stands, stand))
        line.funds = buyer.funds
        line.rules = buyer.rules[line.kind] + target.rules
        if route.limits:
            line.rules += self._rules(self._limits.of_route(line.id, route), line.kind)
        if tier.method in {Method.ROUND_ROBIN, Method.AUCTION}:
            line.turn = TurnId(self._account.key, plan.key, tier.key or "", route.key or route.target)
        if tier.method is Method.PERFORMANCE:
            line.name_hash = text_hash(f"{self._account.key}/{line.id}")
        return line

    def _head(
        self, level: str, key: str, bare: Plan | Tier, zone: str, earlier: Compiler | None
    ) -> tuple[Plan | Tier, Stand]:
        """A plan or tier without what stands below it, and its guards."""
        known = None if earlier is None else earlier._heads.get(key)
        if known is None or known[0] != bare:
            known = (bare, Stand(level, key, bare, zone))
        self._heads[key] = known
        return known

    def _stand(self, level: str, key: str, thing: object, zone: str, closed_by: str | None = None) -> Stand:
        return Stand(level, key, thing, zone, closed_by)  # type: ignore[arg-type]

    def _rules(self, limited: Limited, kind: Kind) -> Rules:
        return limit_rules(self._account.key, limited, kind, self._calendar)

    def _zone(self, thing: Buyer | BuyerGroup) -> str:
        return thing.timezone or self._account.timezone

    def _buyer_rules(self, buyer: Buyer) -> dict[Kind, Rules]:
        groups = self._index.groups_of.get(buyer.key, ())
        return {
            kind: merged([self._rules(self._limits.of_group(group), kind) for group in groups])
            + self._rules(self._limits.of_buyer(buyer), kind)
            for kind in Kind
        }

    def _target_rules(self, target: Target) -> Rules:
        kind = Kind.CALL if target.dial is not None else Kind.LEAD
        return self._rules(self._limits.of_bidder(target), kind) + self._rules(self._limits.of_target(target), kind)

    def _stands_of_buyer(self, buyer: Buyer) -> tuple[Stand, ...]:
        groups = self._index.groups_of.get(buyer.key, ())
        return (
            *(self._stand("group", group.key, group, self._zone(group)) for group in groups),
            self._stand("buyer", buyer.key, buyer, self._zone(buyer)),
        )

    def _closed_by(self, target: Target) -> str | None:
        """What is paused when all trunks of a target are."""
        if not target.trunk:
            return None
        trunks = [trunk for key in target.trunk if (trunk := self._trunks.get(key)) is not None]
        closed = bool(trunks) and all(trunk.paused for trunk in trunks)
        names = ", ".join(trunk.key for trunk in trunks)
        return f"trunk {names} is paused" if closed else None

    def _stands_of_target(self, target: Target, zone: str, closed_by: str | None) -> tuple[Stand, ...]:
        stand = self._stand("target", target.key, target, zone, closed_by)
        if target.bid is None:
            return (stand,)
        return (self._stand("bidder", target.key, target.bid, zone), stand)


def _bands(tier: Tier) -> Iterator[tuple[Order, list[tuple[int, Route]]]]:
    """The bands of a tier in rank order, each with its routes and their places in it."""
    if not tier.routes:
        return
    if tier.method is not Method.PRIORITY:
        yield _ORDERS[tier.method], list(enumerate(tier.routes))
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


def _draw_name(account: str, tier_key: str, tier: Tier, first: Line) -> int:
    """What a band's draws are seeded with besides the caller's seed: names only, so that reordering moves nothing."""
    number = f"/{first.route.priority}" if tier.method is Method.PRIORITY else ""
    return text_hash(f"{account}/{tier_key}{number}")


def _same(mine: Struct, other: Struct) -> bool:
    """Whether they are equal; mostly they are one object, and then it costs nothing to know."""
    return mine is other or mine == other


def _stretches(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end.

    A name decides whether a block ends with it, not a count: so a route more or less moves the bounds near it alone.
    """
    first = 0
    for place, line in enumerate(lines, 1):
        count = place - first
        if count >= _BLOCK_MIN and (count == _BLOCK_MAX or crc32(line.id.encode()) % _BLOCK_ENDS == 0):
            yield first, place
            first = place
    if first < len(lines):
        yield first, len(lines)
