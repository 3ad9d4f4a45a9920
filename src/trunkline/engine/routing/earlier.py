"""What the snapshot before has of a plan's routes that a new program takes over.

A line says of a route what its own object, its tier, plan, target and buyer say. Where none of these has changed, the
line is kept. That is asked of many routes at once: neighbours in a tier are mostly the very objects that they were, and
to find two lists of the same objects equal takes next to no time.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from operator import is_

from trunkline.config.lookup import route_id
from trunkline.config.schema import Route, Tier
from trunkline.engine.routing.program import Block, Line, Program


class Earlier:
    """The program of a plan in the snapshot before; None when there is none. Lines, blocks and tables of it."""

    def __init__(self, program: Program | None, renewed: Collection[str], *, same_plan: bool) -> None:
        """`renewed` are targets of which something has changed, or of their buyers; `same_plan` says whether the plan
        itself, without its tiers, says what it said.
        """
        self._lines: list[Line] = [] if program is None else program.lines
        self._by_id: Mapping[str, Line] = {} if program is None else program.by_id
        self._blocks = {} if program is None else dict(program.blocks())
        self._renewed = renewed
        self._same_plan = same_plan

    def line(self, name: str) -> Line | None:
        """The line of that name, whatever it says."""
        return self._by_id.get(name)

    def same(self, line: Line, tier: Tier, route: Route) -> bool:
        """Whether a line says of `route` what a new one would say. `tier` is the object that is known since then."""
        return (
            self._same_plan
            and line.tier is tier
            and (line.route is route or line.route == route)
            and route.target not in self._renewed
        )

    def run(self, plan: str, tier: Tier, routes: Sequence[Route]) -> list[Line] | None:
        """The lines of these neighbours, when they were neighbours and every line says what a new one would say."""
        old = self._by_id.get(route_id(plan, tier.key or "", routes[0].key or routes[0].target))
        if old is None or not self._same_plan:
            return None
        lines = self._lines[old.rank : old.rank + len(routes)]
        if len(lines) < len(routes) or old.tier is not tier or lines[-1].tier is not tier:
            return None
        if not all(map(is_, [line.route for line in lines], routes)):
            return None
        if self._renewed and any(route.target in self._renewed for route in routes):
            return None
        return lines

    def block(self, lines: Sequence[Line], places: array[int], first: int) -> Block | None:
        """The block that begins with the line of rank `first` and is the same to its end.

        `places` are for all lines the ranks that they had, -1 for those that are new.
        """
        block = self._blocks.get(places[first])
        if block is None:
            return None
        after, before = first + block.count, places[first] + block.count
        if places[first:after] != array("q", range(places[first], before)):
            return None
        # The last block ends because nothing comes behind it, all others because of their routes.
        return block if before < len(self._lines) or after == len(lines) else None

    def like(self, lines: Sequence[Line]) -> Block | None:
        """The block with routes of the same criteria, one for one; None when there is none."""
        old = self._by_id.get(lines[0].id)
        block = None if old is None else self._blocks.get(old.rank)
        if block is None or block.count != len(lines):
            return None
        same = map(is_, [line.parts for line in block.lines], [line.parts for line in lines])
        return block if all(same) else None
