"""What stands at one level of the way down to a route, and which of it turns a caller away.

A `Stand` is one object of the configuration (a buyer, a tier, …) reduced to its guards. The functions here are the
definition of each guard; the bitmaps of `program.py` only answer the same questions for all routes at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from trunkline.config.criteria import Node
from trunkline.config.hours import Hours
from trunkline.config.unbuilt import unbuilt_operator
from trunkline.engine.routing.criteria import holds
from trunkline.engine.routing.hours import Clocks, OpenTimes
from trunkline.engine.routing.values import Known, Types
from trunkline.kernel.money import Money


class Guarded(Protocol):
    """An object of the configuration that can be paused."""

    @property
    def paused(self) -> bool: ...


class Stand:
    """The guards of one object. `closed_by` says what is paused when it is not the object itself.

    `criteria` is None when there are none, and when they ask something that is not built: then what they govern is
    `method_unavailable` whatever they would say.
    """

    __slots__ = ("closed_by", "criteria", "floor", "key", "level", "paused", "times")

    def __init__(
        self,
        level: str,
        key: str,
        thing: Guarded,
        zone: str,
        closed_by: str | None = None,
    ) -> None:
        hours: Hours | None = getattr(thing, "hours", None)
        floor: Money | None = getattr(thing, "floor", None)
        criteria: Node | None = getattr(thing, "criteria", None)
        self.level = level
        self.key = key
        self.paused = thing.paused or getattr(thing, "weight", 1) == 0 or closed_by is not None
        self.closed_by = closed_by or ("weight 0" if not thing.paused and self.paused else None)
        self.times = None if hours is None else OpenTimes(hours, zone)
        self.floor = 0 if floor is None else floor.minor
        self.criteria = criteria if unbuilt_operator(criteria) is None else None


def first_paused(stands: Iterable[Stand]) -> Stand | None:
    """The first that is paused."""
    return next((stand for stand in stands if stand.paused), None)


def first_closed(stands: Iterable[Stand], clocks: Clocks, utc_ms: int) -> Stand | None:
    """The first whose hours are not open."""
    for stand in stands:
        times = stand.times
        if times is not None and not times.open_at(clocks.at(utc_ms, times.zone)):
            return stand
    return None


def first_unmet(stands: Iterable[Stand], known: Known, types: Types) -> Stand | None:
    """The first whose criteria are not true."""
    return next((stand for stand in stands if not holds(stand.criteria, known, types)), None)


def first_floor_above(stands: Iterable[Stand], price: int | None) -> Stand | None:
    """The first whose floor is above `price` (minor units); a price that is not known yet is below none."""
    return None if price is None else next((stand for stand in stands if stand.floor > price), None)
