"""What stands at one level of the way down to a route, and which of it turns a caller away.

A `Stand` is one object of the configuration (a buyer, a tier, …) reduced to its guards. The functions here are the
definition of each guard; the bitmaps of `program.py` only answer the same questions for all routes at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from trunkline.config.criteria import Node
from trunkline.config.folds import Several, fold_text
from trunkline.config.hours import Hours
from trunkline.config.schema import Attestation, Kind, Target
from trunkline.engine.routing.criteria import judge
from trunkline.engine.routing.hours import Clocks, OpenTimes
from trunkline.engine.routing.openings import Opening
from trunkline.engine.routing.screening import Screen, Screening, screens_of
from trunkline.engine.routing.values import Known, Types
from trunkline.kernel.money import Money

ATTESTATION: Final = "caller.attestation"
SKILLS: Final = "caller.skills"
_NO_SKILLS: Final[frozenset[str]] = frozenset()


def levels_from(least: Attestation) -> frozenset[str]:
    """The levels of attestation that are at least `least`, folded as values of `caller.attestation` are."""
    return frozenset("abc"[: "ABC".index(least) + 1])


class Guarded(Protocol):
    """An object of the configuration that can be paused."""

    @property
    def paused(self) -> bool: ...


def skills_of(target: Target) -> frozenset[str]:
    """What a target can do, folded as `caller.skills` is."""
    return _NO_SKILLS if not target.skills else frozenset(map(fold_text, target.skills))


def skills_missing(target: Target, known: Known) -> list[str]:
    """The skills that this caller needs and the target does not have. Who says nothing of skills needs none."""
    needed = known.get(SKILLS)
    if needed is None:
        return []
    assert isinstance(needed, Several), "skills are a set"
    has = skills_of(target)
    return [skill for skill in needed.values if skill not in has]


class Screened(Protocol):
    """A caller of which lists can be asked."""

    @property
    def screening(self) -> Screening: ...


class Stand:
    """The guards of one object. `closed_by` says what is paused when it is not the object itself."""

    __slots__ = ("attested", "closed_by", "criteria", "floor", "key", "level", "opening", "paused", "screens", "times")

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
        least: Attestation | None = getattr(thing, "min_attestation", None)
        self.level = level
        self.key = key
        self.paused = thing.paused or getattr(thing, "weight", 1) == 0 or closed_by is not None
        self.closed_by = closed_by or ("weight 0" if not thing.paused and self.paused else None)
        self.times = None if hours is None else OpenTimes(hours, zone)
        self.opening = None if self.times is None else Opening(self.times)
        """When its hours change next."""
        self.floor = 0 if floor is None else floor.minor
        self.criteria = criteria
        self.attested = None if least is None else levels_from(least)
        """The levels of attestation that are enough, folded."""
        self.screens = screens_of(thing)


class Guards:
    """The guards of several objects from the top down, sorted by what they ask."""

    __slots__ = ("_asked", "_attesting", "_floored", "_timed", "floor", "open", "paused", "screens",
                 "stands")  # fmt: skip

    def __init__(self, stands: Iterable[Stand]) -> None:
        self.stands = tuple(stands)
        self.paused = next((stand for stand in self.stands if stand.paused), None)
        """The first that is paused."""
        self.floor = max(stand.floor for stand in self.stands)
        """The highest floor, in minor units."""
        self._timed = tuple((stand, stand.times) for stand in self.stands if stand.times is not None)
        self._asked = tuple((stand, stand.criteria) for stand in self.stands if stand.criteria is not None)
        self.screens = tuple((stand, screen) for stand in self.stands for screen in stand.screens)
        self._attesting = tuple((stand, stand.attested) for stand in self.stands if stand.attested is not None)
        self._floored = tuple(stand for stand in self.stands if stand.floor > 0)
        self.open = self.paused is None and not (self._timed or self._asked or self.screens or self._attesting)
        """Whether they let everybody through, whatever the price."""

    def closed(self, clocks: Clocks, utc_ms: int) -> Stand | None:
        """The first whose hours are not open."""
        for stand, times in self._timed:
            if not times.open_at(clocks.at(utc_ms, times.zone)):
                return stand
        return None

    def open_until(self, utc_ms: int) -> int | None:
        """When the first of them closes that is open now; None when none does within 400 days."""
        changes = [stand.opening.change_ms(utc_ms) for stand, _ in self._timed if stand.opening is not None]
        return min((change for change in changes if change is not None), default=None)

    def unmet(self, known: Known, types: Types) -> Stand | None:
        """The first whose criteria are not true."""
        for stand, criteria in self._asked:
            if judge(criteria, known, types) is not True:
                return stand
        return None

    def screened(self, case: Screened) -> tuple[Stand, str, Screen] | None:
        """The first that keeps the caller away by a list or a law, why, and what was asked."""
        for stand, screen in self.screens:
            why = case.screening.stopped(screen)
            if why is not None:
                return stand, why, screen
        return None

    def unattested(self, kind: Kind, known: Known) -> Stand | None:
        """The first that asks more of the attestation of a caller's number than it has. Leads have none to be asked."""
        if kind is not Kind.CALL:
            return None
        for stand, enough in self._attesting:
            if known.get(ATTESTATION) not in enough:
                return stand
        return None

    def above(self, price: int) -> Stand | None:
        """The first whose floor is above `price` (minor units)."""
        for stand in self._floored:
            if stand.floor > price:
                return stand
        return None
