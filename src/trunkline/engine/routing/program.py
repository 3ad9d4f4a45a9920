"""One plan compiled: its routes in rank order, and every static question about them as bitmaps.

Rank order is the order in which routes would be offered if nothing were left to chance: tiers in order, in a
priority tier lower numbers first. Routes of one number (or all of a weighted or round-robin tier) form a `Band`:
neighbours in rank whose order is found out for each caller.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Literal

from trunkline.config.lookup import route_id
from trunkline.config.schema import Buyer, Kind, Method, Plan, Route, Target, Tier
from trunkline.engine.routing.columns import choices_of, columns_of
from trunkline.engine.routing.guards import Guards, skills_of
from trunkline.engine.routing.hours import Clocks, OpenTimes
from trunkline.engine.routing.index import ChoiceTable, Table, bitmap, building_tables
from trunkline.engine.routing.limits import Rules
from trunkline.engine.routing.parts import Piece, Predicate
from trunkline.engine.routing.performance import Contender
from trunkline.engine.routing.screening import Screen
from trunkline.engine.routing.settings import patience_seconds
from trunkline.engine.routing.values import Known
from trunkline.engine.scoring.rate_book import RateBook
from trunkline.engine.terms.conversion import charge_ceiling
from trunkline.kernel.clock import SECOND
from trunkline.kernel.leases import TurnId

_FLOOR_MASKS_MAX = 1_024
_MEMBERS_MAX = 1_024
_LINES_A_STEP = 64
_SHARING = frozenset({"group", "buyer", "target"})

Order = Literal["fixed", "weighted", "round_robin", "auction", "performance"]


class Line:
    """A route of the plan with everything about it that does not depend on the caller.

    `tier` is without its routes; `price` is in minor units and None when the campaign's counts; `guards` stand from
    plan to route; `parts` is what tables say of its criteria and `rest` what has to be asked; `rules` its limits below
    the publisher; `funds` its buyer's. `bids` says that its price is a
    bid in an auction; `min_scores` the chances asked of it (level, millionths).
    """

    __slots__ = (
        "bids",
        "buyer",
        "ceiling",
        "funds",
        "guards",
        "id",
        "kind",
        "method",
        "min_scores",
        "name_hash",
        "parts",
        "plan",
        "price",
        "rank",
        "rest",
        "route",
        "rules",
        "target",
        "tier",
        "turn",
    )

    def __init__(self, rank: int, plan: Plan, tier: Tier, route: Route, target: Target, buyer: Buyer) -> None:
        self.rank = rank
        self.plan = plan.key
        self.tier = tier
        self.route = route
        self.target = target
        self.buyer = buyer
        self.method = tier.method.value
        self.kind = Kind.CALL if target.dial is not None else Kind.LEAD
        self.id = route_id(plan.key, tier.key or "", route.key or route.target)
        price = next((level.price for level in (route, target, buyer, plan) if level.price is not None), None)
        self.price = None if price is None else price.minor
        self.ceiling = charge_ceiling(self.kind, route, target, buyer, plan)
        """The most that its conversion may charge whatever the price; None when the campaign's rule says."""
        self.guards: Guards
        self.parts: tuple[Piece, ...] = ()
        self.rest: tuple[Predicate, ...] = ()
        self.rules: Rules = ()
        self.funds: Rules = ()
        self.turn: TurnId | None = None
        self.bids = target.bid is not None and tier.method is Method.AUCTION
        levels = (("tier", tier.min_score), ("route", route.min_score))
        self.min_scores = tuple((level, least) for level, least in levels if least is not None)
        self.name_hash = 0
        """Seeds the draws of a route in a performance tier."""

    def moved(self, rank: int) -> Line:
        """The same route at another rank. The one of the earlier program stays where it is: calls may be using it."""
        # Written out: one route more before all others moves ten thousand.
        line = Line.__new__(Line)
        line.rank = rank
        line.bids = self.bids
        line.buyer = self.buyer
        line.ceiling = self.ceiling
        line.funds = self.funds
        line.guards = self.guards
        line.id = self.id
        line.kind = self.kind
        line.method = self.method
        line.min_scores = self.min_scores
        line.name_hash = self.name_hash
        line.parts = self.parts
        line.plan = self.plan
        line.price = self.price
        line.rest = self.rest
        line.route = self.route
        line.rules = self.rules
        line.target = self.target
        line.tier = self.tier
        line.turn = self.turn
        return line

    def price_for(self, campaign_price: int | None) -> int | None:
        """What an offer costs the buyer, in minor units; None for a bidder."""
        if self.target.bid is not None:
            return None
        return campaign_price if self.price is None else self.price


class Band:
    """Neighbouring ranks [first, first + count) and how they are ordered for one caller."""

    __slots__ = ("contenders", "first", "mask", "name_hash", "order", "weights")

    def __init__(self, order: Order, first: int, count: int, weights: list[tuple[int, int]], name_hash: int) -> None:
        """`weights` are the routes of each weight, where that decides: the weight and a bitmap."""
        self.order: Order = order
        self.first = first
        self.mask = ((1 << count) - 1) << first
        self.name_hash = name_hash
        self.contenders: dict[tuple[RateBook, str | None, int | None], dict[int, Contender]] = {}
        """What a performance tier has looked up in a rate book, by source and the campaign's price (`contest.py`)."""
        self.weights = weights


class Block:
    """Some hundred neighbouring routes and every static question about them, as bitmaps over their places in it.

    A block knows no ranks, so the next program can take it over although routes have been added before it. `lines` are
    those that it was made of.
    """

    __slots__ = (
        "_floors",
        "_hops",
        "asked",
        "asking",
        "count",
        "hours",
        "lines",
        "members",
        "open",
        "scored",
        "screens",
        "skilled",
        "tables",
    )

    def __init__(self, lines: list[Line]) -> None:
        """Without what it knows of them: `filling` finds it out."""
        self.lines = lines
        self.count = len(lines)
        self.tables: tuple[Table | ChoiceTable, ...] = ()
        self.open: dict[Kind, int] = {}
        """By kind: routes that neither kind nor pause turns away."""
        self.members: dict[tuple[str, str], list[int]] = {}
        """For (group, buyer or target, key) the places of the routes that share its limits."""
        self.asked = 0
        """Routes of which something has to be asked that no table answers."""
        self.asking: dict[tuple[Predicate, ...], int] = {}
        """What has to be asked, each set of predicates with the routes that they must all hold for."""
        self.scored = 0
        """Routes that a chance is asked of."""
        self.skilled: dict[frozenset[str], list[int]] = {}
        """For each set of skills the places of the routes to targets with these."""
        self.screens: list[tuple[Screen, int]] = []
        """What lists are asked, each question once, with the routes that it may close."""
        self.hours: list[tuple[OpenTimes, int]] = []
        """Each set of hours in each zone once, with the routes that it closes."""
        self._floors: dict[tuple[int, int | None], int] = {}
        self._hops: dict[int, int] = {}

    def filling(self, like: Block | None = None) -> Iterator[None]:
        """Look at all routes, in small steps. `like` is a block whose routes have the same parts: its tables hold."""
        lines, count = self.lines, self.count
        if like is None:
            yield
            parts = [(at, part) for at, line in enumerate(lines) for part in line.parts]
            yield
            tables: list[Table | ChoiceTable] = []
            yield from building_tables(parts, count, tables)
            self.tables = tuple(tables)
        else:
            self.tables = like.tables
        for kind in Kind:
            yield
            self.open[kind] = bitmap((at for at, line in enumerate(lines) if _stands_open(line, kind)), count)
        yield
        self.scored = bitmap((at for at, line in enumerate(lines) if line.min_scores and not line.bids), count)
        times: dict[tuple[object, ...], tuple[OpenTimes, list[int]]] = {}
        asking: dict[tuple[Predicate, ...], list[int]] = {}
        screens: dict[Screen, list[int]] = {}
        for at, line in enumerate(lines):
            if at % _LINES_A_STEP == 0:
                yield
            self.skilled.setdefault(skills_of(line.target), []).append(at)
            if line.rest:
                asking.setdefault(line.rest, []).append(at)
            for _, screen in line.guards.screens:
                screens.setdefault(screen, []).append(at)
            for stand in line.guards.stands:
                if stand.level in _SHARING:
                    self.members.setdefault((stand.level, stand.key), []).append(at)
                if stand.times is not None:
                    times.setdefault(stand.times.identity, (stand.times, []))[1].append(at)
        yield
        self.asked = bitmap((at for places in asking.values() for at in places), count)
        self.asking = {rest: bitmap(places, count) for rest, places in asking.items()}
        yield
        self.hours = [(open_times, bitmap(places, count)) for open_times, places in times.values()]
        self.screens = [(screen, bitmap(places, count)) for screen, places in screens.items()]

    def taking(self, hop: int) -> int:
        """Routes that take traffic that was rerouted so often."""
        mask = self._hops.get(hop)
        if mask is None:
            places = (at for at, line in enumerate(self.lines) if hop in line.route.hops)
            mask = self._hops[hop] = bitmap(places, self.count)
        return mask

    def above(self, floor: int, price: int | None) -> int:
        """Routes whose price reaches every floor, and bidders in auctions, whose bids are judged when known."""
        mask = self._floors.get((floor, price))
        if mask is None:
            if len(self._floors) >= _FLOOR_MASKS_MAX:
                self._floors.clear()
            places = (
                at
                for at, line in enumerate(self.lines)
                if line.bids or ((cost := line.price_for(price)) is not None and cost >= max(line.guards.floor, floor))
            )
            mask = self._floors[floor, price] = bitmap(places, self.count)
        return mask

    def closed(self, utc_ms: int, clocks: Clocks) -> int:
        """Routes whose hours are not open."""
        closed = 0
        for times, mask in self.hours:
            if not times.open_at(clocks.at(utc_ms, times.zone)):
                closed |= mask
        return closed


class Program:
    """A compiled plan."""

    __slots__ = (
        "_blocks",
        "_choices",
        "_columns",
        "_down",
        "_members",
        "_minute",
        "_prices",
        "_ready",
        "_starts",
        "all",
        "asked",
        "bands",
        "by_id",
        "lines",
        "patience_ns",
        "plan",
        "scored",
        "screens",
    )  # fmt: skip

    def __init__(
        self, plan: Plan, lines: list[Line], by_id: dict[str, Line], bands: list[Band], blocks: list[Block]
    ) -> None:
        """`lines` are the routes in rank order, `by_id` the same by name."""
        self.plan = plan
        self.patience_ns = {kind: patience_seconds(plan, kind) * SECOND for kind in Kind}
        """How long offers are made, from the beginning of routing."""
        self.by_id = by_id
        self.lines = lines
        self.bands = bands
        self.all = (1 << len(lines)) - 1
        self._blocks = blocks
        self._starts = [band.first for band in bands]
        tables = [(block.count, block.tables) for block in reversed(blocks)]
        self._columns = columns_of(tables)
        self._choices = choices_of(tables)
        self.asked = 0
        """Routes of which something has to be asked that no table answers, a chance among it."""
        self.scored = 0
        """Routes that a chance is asked of."""
        for block in reversed(blocks):
            self.scored = self.scored << block.count | block.scored
            self.asked = self.asked << block.count | block.asked | block.scored
        screens: dict[Screen, int] = {}
        for first, block in self.blocks():
            for screen, mask in block.screens:
                screens[screen] = screens.get(screen, 0) | mask << first
        self.screens = tuple(screens.items())
        """What lists are asked, each question once, with the routes that it may close."""
        self._minute = -1
        self._ready: dict[tuple[Kind, int, int, int | None], int] = {}
        """What this minute leaves of all routes, before anything is asked of the caller."""
        self._down: tuple[frozenset[str], int] = (frozenset(), 0)
        self._members: dict[tuple[str, str], int] = {}
        self._prices: dict[int | None, list[tuple[int, int]]] = {}
        """By the campaign's price: what the routes cost, and which cost that much; made when somebody asks."""

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """The blocks with the ranks at which they begin."""
        first = 0
        for block in self._blocks:
            yield first, block
            first += block.count

    def eligible(
        self, kind: Kind, hop: int, known: Known, floor: int, price: int | None, utc_ms: int, clocks: Clocks
    ) -> int:
        """Routes that all guards from the plan down let through, but for predicates over several attributes.

        `floor` is the highest above the plan and `price` the campaign's, both in minor units.
        """
        minute = utc_ms // 60_000
        if minute != self._minute:
            self._minute = minute
            self._ready.clear()
        left = self._ready.get((kind, hop, floor, price))
        if left is None:
            left = self._prepare(kind, hop, floor, price, utc_ms, clocks)
        get = known.attributes.get
        for column in self._columns:
            attribute = get(column.attr)
            said = None if attribute is None else attribute.chances or attribute.value
            row = column.rows.get(said)
            left &= column.row(said, known) if row is None else row
        for choosing in self._choices:
            some = choosing.free
            for column in choosing.columns:
                attribute = get(column.attr)
                said = None if attribute is None else attribute.chances or attribute.value
                row = column.rows.get(said)
                some |= column.row(said, known) if row is None else row
            left &= some
        return left

    def band_of(self, rank: int) -> int:
        """The place of the band that holds `rank`."""
        return bisect_right(self._starts, rank) - 1

    def down(self, targets: frozenset[str]) -> int:
        """The routes to these targets. The answer is kept until other targets are asked for."""
        known, mask = self._down
        if known is not targets:
            mask = self._of(("target", target) for target in targets)
            self._down = (targets, mask)
        return mask

    def skilled(self, needed: Iterable[str]) -> int:
        """The routes to targets that have all these skills."""
        wanted = frozenset(needed)
        ranks: list[int] = []
        for first, block in self.blocks():
            for skills, places in block.skilled.items():
                if wanted <= skills:
                    ranks += (first + at for at in places)
        return bitmap(ranks, len(self.lines))

    def below(self, least: int, price: int | None) -> int:
        """The routes whose static price is below `least`; `price` is the campaign's, both in minor units."""
        known = self._prices.get(price)
        if known is None:
            if len(self._prices) >= _FLOOR_MASKS_MAX:
                self._prices.clear()
            ranks: dict[int, list[int]] = {}
            for rank, line in enumerate(self.lines):
                cost = None if line.bids else line.price_for(price)
                if cost is not None:
                    ranks.setdefault(cost, []).append(rank)
            known = self._prices[price] = sorted((cost, bitmap(at, len(self.lines))) for cost, at in ranks.items())
        mask = 0
        for cost, those in known:
            if cost >= least:
                break
            mask |= those
        return mask

    def of_buyers(self, buyers: Iterable[str]) -> int:
        """The routes of these buyers."""
        return self._of(("buyer", buyer) for buyer in buyers)

    def members(self, level: str, key: str) -> int:
        """The routes that share the limits of this group, buyer or target; those asked for are kept."""
        mask = self._members.get((level, key))
        if mask is None:
            if len(self._members) >= _MEMBERS_MAX:
                self._members.clear()
            mask = self._members[level, key] = self._of([(level, key)])
        return mask

    def _of(self, names: Iterable[tuple[str, str]]) -> int:
        ranks: list[int] = []
        for name in names:
            for first, block in self.blocks():
                ranks += (first + at for at in block.members.get(name, ()))
        return bitmap(ranks, len(self.lines)) if ranks else 0

    def _prepare(self, kind: Kind, hop: int, floor: int, price: int | None, utc_ms: int, clocks: Clocks) -> int:
        ready = 0
        for block in reversed(self._blocks):
            left = block.open[kind] & block.taking(hop) & block.above(floor, price) & ~block.closed(utc_ms, clocks)
            ready = ready << block.count | left
        if len(self._ready) >= _FLOOR_MASKS_MAX:
            self._ready.clear()
        if all(clocks.at(utc_ms, times.zone).steady for block in self._blocks for times, _ in block.hours):
            self._ready[kind, hop, floor, price] = ready
        return ready


def _stands_open(line: Line, kind: Kind) -> bool:
    return line.kind is kind and line.guards.paused is None
