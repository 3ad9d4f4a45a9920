"""How the routes of a tier fall into bands, and what weighs what in one, found in small steps.

A tier of any method but `priority` is one band. In a priority tier the routes of one number are one, and routes whose
numbers are theirs alone stand together in a band of fixed order.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

from trunkline.config.schema import Method, Route, Tier
from trunkline.engine.routing.program import Order

T = TypeVar("T")

_ORDERS: dict[Method, Order] = {
    Method.WEIGHTED: "weighted",
    Method.ROUND_ROBIN: "round_robin",
    Method.AUCTION: "auction",
    Method.PERFORMANCE: "performance",
}
"""How all of a tier are ordered; those of `priority` fall into several bands."""
_ROUTES_A_STEP = 64
"""Routes that are only looked at: whether they are what they were, and in which order they come."""


def banding(tier: Tier) -> Generator[None, None, list[tuple[Order, Sequence[Route]]]]:
    """The bands of a tier in rank order, each with its routes; found in small steps."""
    if not tier.routes:
        return []
    if tier.method is not Method.PRIORITY:
        return [(_ORDERS[tier.method], tier.routes)]
    by_priority: dict[int, list[Route]] = {}
    for some in neighbours(tier.routes):
        yield
        for route in some:
            by_priority.setdefault(route.priority, []).append(route)
    bands: list[tuple[Order, Sequence[Route]]] = []
    alone: list[Route] = []
    for place, (_, routes) in enumerate(sorted(by_priority.items())):
        if place % _ROUTES_A_STEP == 0:
            yield
        if len(routes) == 1:
            alone += routes
            continue
        if alone:
            bands.append(("fixed", alone))
            alone = []
        bands.append(("weighted", routes))
    if alone:
        bands.append(("fixed", alone))
    return bands


def weighing(routes: Sequence[Route], first: int) -> Generator[None, None, list[tuple[int, int]]]:
    """The routes of each weight as bitmaps over ranks, of which the first is `first`; in small steps."""
    rows: dict[int, bytearray] = {}
    size, rank = (first + len(routes) >> 3) + 1, first
    for some in neighbours(routes):
        yield
        for route in some:
            row = rows.get(route.weight)
            if row is None:
                row = rows[route.weight] = bytearray(size)
            row[rank >> 3] |= 1 << (rank & 7)
            rank += 1
    yield
    return [(weight, int.from_bytes(row, "little")) for weight, row in sorted(rows.items())]


def neighbours(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many neighbours at a time as one step looks at."""
    for first in range(0, len(things), _ROUTES_A_STEP):
        yield things[first : first + _ROUTES_A_STEP]
