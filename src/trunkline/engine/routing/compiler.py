"""Compiles plans: configuration in, programs out, in small steps, and what has not changed only once.

Lines are made one by one, cut into what tables answer and what has to be asked, and tabulated a block at a time. Given
the compiler and the programs of the snapshot before, equal buyers, targets and routes keep what was made of them, and a
block all of whose routes are the same is taken over as it is (`earlier.py`). So a changed route costs its own block and
a glance at every other route, not a compilation.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from msgspec import Struct, structs

from trunkline.config.lookup import AccountIndex, route_id
from trunkline.config.schema import Buyer, BuyerGroup, Kind, Method, Plan, Route, Target, Tier
from trunkline.config.trunks import Trunk
from trunkline.engine.routing.banding import banding, neighbours, weighing
from trunkline.engine.routing.draw import text_hash
from trunkline.engine.routing.earlier import Earlier
from trunkline.engine.routing.guards import ATTESTATION, Guards, Stand
from trunkline.engine.routing.limited import Limited, Limits
from trunkline.engine.routing.limits import Calendar, Rules, funds_rule, limit_rules, merged
from trunkline.engine.routing.parts import Cutter
from trunkline.engine.routing.program import Band, Block, Line, Program
from trunkline.engine.routing.values import Types
from trunkline.kernel.leases import TurnId

_BLOCK_MIN = 512
_BLOCK_MAX = 2_048
_BLOCK_ENDS = 512
"""Beyond the least size one route in so many ends its block."""
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
    stands: tuple[Stand, ...]
    rules: Rules
    closed_by: str | None


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
        self._renewed: set[str] = set()
        """Targets of which something has changed, or of their buyers; all of them when nothing was there before."""

    def prepare(self, earlier: Compiler | None) -> Iterator[None]:
        """Make what plans share, in small steps: it is for the caller to go on with other things between them."""
        buyers: dict[str, _OfBuyer] = {} if earlier is None else earlier._buyers
        renewed: set[str] = set()  # buyers
        for place, (key, buyer) in enumerate(self._index.buyers.items()):
            if place % _SHARED_A_STEP == 0:
                yield
            groups = self._index.groups_of.get(key, ())
            known = buyers.get(key)
            if known is None or not (_same(known.buyer, buyer) and known.groups == groups):
                renewed.add(key)
                known = _OfBuyer(
                    buyer,
                    groups,
                    self._stands_of_buyer(buyer),
                    self._buyer_rules(buyer),
                    funds_rule(self._account.key, buyer, self._calendar),
                )
            self._buyers[key] = known
        targets: dict[str, _OfTarget] = {} if earlier is None else earlier._targets
        for place, (key, target) in enumerate(self._index.targets.items()):
            if place % _SHARED_A_STEP == 0:
                yield
            mine = targets.get(key)
            if mine is None or target.buyer in renewed or not self._is_still(mine, target):
                mine = self._of_target(target)
                self._renewed.add(key)
            self._targets[key] = mine

    def compile(self, plan: Plan, earlier: Compiler | None, before: Program | None) -> Generator[None, None, Program]:
        """The program of one plan, in small steps; of the program `before` it takes over what is the same."""
        cutter = Cutter(self._types)
        by_id: dict[str, Line] = {}
        lines: list[Line] = []
        places = array("q")  # for each line its rank in the program before, -1 when it is new
        bands: list[Band] = []
        bare, zone = structs.replace(plan, tiers=()), self._account.timezone
        plan_head = self._head("plan", plan.key, bare, plan.timezone or zone, earlier)
        same_plan = earlier is not None and earlier._heads.get(plan.key) is plan_head
        old = Earlier(before, self._renewed, same_plan=same_plan)
        for tier in plan.tiers:
            yield
            key = f"{plan.key}.{tier.key}"
            head, stand = self._head("tier", key, structs.replace(tier, routes=()), zone, earlier)
            assert isinstance(head, Tier)
            above = (plan_head[1], stand)
            for order, routes in (yield from banding(tier)):
                first = len(lines)
                for some in neighbours(routes):
                    yield
                    run = old.run(plan.key, head, some)
                    if run is None:
                        yield from self._adding(plan, head, some, above, old, cutter, lines, places)
                        continue
                    rank, was = len(lines), run[0].rank
                    places.extend(range(was, was + len(run)))
                    lines += run if rank == was else [line.moved(at) for at, line in enumerate(run, rank)]
                weights = (yield from weighing(routes, first)) if order == "weighted" else []
                name_hash = _draw_name(self._account.key, key, tier, lines[first])
                bands.append(Band(order, first, len(routes), weights, name_hash))
        for some_lines in neighbours(lines):
            yield
            by_id.update((line.id, line) for line in some_lines)
        assert len(by_id) == len(lines), f"two routes of the plan {plan.key} have one name"
        blocks = yield from _blocking(lines, places, old)
        yield from cutter.forgetting()
        return Program(plan, lines, by_id, bands, blocks)

    def _adding(
        self,
        plan: Plan,
        tier: Tier,
        routes: Sequence[Route],
        above: tuple[Stand, ...],
        earlier: Earlier,
        cutter: Cutter,
        lines: list[Line],
        places: array[int],
    ) -> Iterator[None]:
        """Add the lines of some routes one by one, and their `places` in the program before."""
        for route in routes:
            rank = len(lines)
            if rank % _LINES_A_STEP == 0:
                yield
            old = earlier.line(route_id(plan.key, tier.key or "", route.key or route.target))
            if old is not None and earlier.same(old, tier, route):
                lines.append(old if old.rank == rank else old.moved(rank))
                places.append(old.rank)
                continue
            line = self._line(rank, plan, tier, route, above)
            if old is not None and _asks_alike(line, old):
                line.parts, line.rest = old.parts, old.rest
            else:
                self._cut(line, cutter)
            lines.append(line)
            places.append(-1)

    def _is_still(self, known: _OfTarget, target: Target) -> bool:
        """Whether a target whose buyer has not changed is what it was."""
        return _same(known.target, target) and (not target.trunk or known.closed_by == self._closed_by(target))

    def _of_target(self, target: Target) -> _OfTarget:
        zone = target.timezone or self._zone(self._index.buyers[target.buyer])
        closed_by = self._closed_by(target)
        return _OfTarget(target, self._stands_of_target(target, zone, closed_by), self._target_rules(target), closed_by)

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


def _blocking(lines: list[Line], places: array[int], earlier: Earlier) -> Generator[None, None, list[Block]]:
    """The blocks of a plan in rank order, those of before where they are the same; in small steps."""
    blocks: list[Block] = []
    first = 0
    while first < len(lines):
        yield
        block = earlier.block(lines, places, first)
        if block is None:
            after = _end(lines, first)
            yield
            block = Block(lines[first:after])
            yield from block.filling(earlier.like(block.lines))
        blocks.append(block)
        first += block.count
    return blocks


def _draw_name(account: str, tier_key: str, tier: Tier, first: Line) -> int:
    """What a band's draws are seeded with besides the caller's seed: names only, so that reordering moves nothing."""
    number = f"/{first.route.priority}" if tier.method is Method.PRIORITY else ""
    return text_hash(f"{account}/{tier_key}{number}")


def _same(mine: Struct, other: Struct) -> bool:
    """Whether they are equal; mostly they are one object, and then it costs nothing to know."""
    return mine is other or mine == other


def _asks_alike(line: Line, old: Line) -> bool:
    """Whether what stands above a route, and the route itself, ask of callers what was asked before."""
    mine, theirs = line.guards.stands, old.guards.stands
    return (
        line.kind is old.kind
        and len(mine) == len(theirs)
        and all(
            (my.criteria is their.criteria or my.criteria == their.criteria) and my.attested == their.attested
            for my, their in zip(mine, theirs, strict=True)
        )
    )


def _end(lines: Sequence[Line], first: int) -> int:
    """Where the block ends that begins at `first`.

    A name decides whether a block ends with it, not a count: so a route more or less moves the bounds near it alone.
    """
    last = min(first + _BLOCK_MAX, len(lines))
    for place in range(first + _BLOCK_MIN, last):
        if crc32(lines[place - 1].id.encode()) % _BLOCK_ENDS == 0:
            return place
    return last
