"""One plan on the way of one caller: which routes are still to come, and which is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from trunkline.config.folds import Several
from trunkline.config.schema import Kind
from trunkline.engine.routing.auction import Fate
from trunkline.engine.routing.case import Case
from trunkline.engine.routing.contest import Held, Race, below_score, hold_auction
from trunkline.engine.routing.draw import Draws, nth_set_bit
from trunkline.engine.routing.duplicates import Repetition
from trunkline.engine.routing.guards import SKILLS
from trunkline.engine.routing.index import bits
from trunkline.engine.routing.named_sellers import buyers_named
from trunkline.engine.routing.parts import Predicate
from trunkline.engine.routing.performance import Odds
from trunkline.engine.routing.program import Band, Line, Program
from trunkline.engine.routing.promised import breaking
from trunkline.events.calls import Rejection
from trunkline.kernel.leases import Usage


class Stage:
    """The routes of one plan that all guards let through and that are still to come (`left`).

    At an auction whose bidders have not been asked it stops: `asking` names them until the case has their bids.
    `later` are those that only come when everybody else has been asked: a second round. `offered` are those that became
    offers, `refused` by rank those that guards let through and something else did not.
    """

    __slots__ = ("_asked", "_band", "_case", "_contest", "_draws", "_known", "_met", "_order", "_seed", "_shared",
                 "_sifted", "asking", "auctions", "later", "left", "offered", "prices", "program", "refused",
                 "resting")  # fmt: skip

    def __init__(self, program: Program, case: Case) -> None:
        self.program = program
        self.left = _eligible(program, case)
        down = self.left & program.down(case.facts.out) if case.facts.out else 0
        self.resting = down != 0
        """Whether routes that take this caller are out of service for now."""
        self.left &= ~down
        self.later = 0
        self.offered = 0
        self.refused: dict[int, Rejection] = {}
        self.asking: tuple[Line, ...] = ()
        self.auctions: tuple[Held, ...] = ()
        self.prices: dict[int, int] = {}
        """The bids that routes of settled auctions are sold at, in minor units."""
        self._asked = False
        self._contest: Race | tuple[int, ...] | None = None
        self._case = case
        self._known = case.known
        self._met: dict[Predicate, bool] | None = None
        """The predicates that have been judged."""
        self._shared = case.shared
        self._seed = case.query.seed
        self._band = 0
        self._sifted = -1
        self._draws: Draws | None = None
        self._order: Iterator[int] | None = None
        """What is still to come of a band whose order was found out at once, in this search."""
        if case.repetition is not None and self.left:
            self.later = self.left & _put_last(program, case.repetition)
            self.left &= ~self.later
        if case.query.promise is not None:
            self._keep_promise(program, case.query.promise.first)

    def _keep_promise(self, program: Program, first: str | None) -> None:
        """Leave out what would break the promise made for this caller; whoever it was made for comes first."""
        self.left &= ~breaking(program, self.left, self._case)
        self.later &= ~breaking(program, self.later, self._case)
        named = 0 if first is None else self.left & program.members("target", first)
        if named:
            self.later |= self.left & ~named
            self.left = named

    def begin_again(self) -> None:
        """The second round: those that were put last, in an order of their own."""
        self.left, self.later = self.later, 0
        self._band, self._sifted = 0, -1
        self._draws = self._contest = self._order = None
        self._asked = False

    def next(self, usage: Usage) -> Line | None:
        """The route to be offered next; None when there is none, or bidders have to be asked first.

        Whoever deals with it calls `drop` before the next. Before each search `turn_again` is called.
        """
        program = self.program
        while self.left:
            place = program.band_of((self.left & -self.left).bit_length() - 1)
            if place != self._band:
                self._band = place
                self._draws = self._contest = self._order = None
                self._asked = False
            line = self._of_band(program.bands[place], usage)
            if line is not None or self.asking:
                return line
        return None

    def turn_again(self) -> None:
        """Another search begins: turns may have moved meanwhile."""
        self._order = None

    def settle(self) -> None:
        """The bidders that were being asked have answered: the case has their bids."""
        self.asking, self._asked, self._order = (), True, None

    def still_asks(self) -> bool:
        """Whether anybody of those that were to be asked is left; if not, the auction goes on without asking."""
        self.asking = tuple(line for line in self.asking if self.left >> line.rank & 1)
        if not self.asking:
            self.settle()
        return bool(self.asking)

    def odds(self, line: Line) -> Odds | None:
        """What the offer of this route, which is still among those left, rests on; None outside a performance tier."""
        if not isinstance(self._contest, Race):
            return None
        mask = self.program.bands[self._band].mask
        return self._contest.odds(line, self.left & mask, first=not self.offered & mask)

    def drop(self, line: Line) -> None:
        """The route is dealt with."""
        self.left &= ~(1 << line.rank)

    def offer(self, line: Line) -> None:
        """The route has become an offer."""
        bit = 1 << line.rank
        self.left &= ~bit
        self.offered |= bit

    def refuse(self, line: Line, rejection: Rejection) -> None:
        """The route can not be offered now."""
        self.drop(line)
        self.refused[line.rank] = rejection

    def sift(self) -> None:
        """Ask what no bitmap answers of all routes that are left."""
        self._sift(self.left)

    def routes(self) -> list[str]:
        """The names of those that are left, in rank order."""
        return [self.program.lines[rank].id for rank in bits(self.left)]

    def rejected(self, *, ended: bool, most: int | None) -> tuple[list[Line], int]:
        """At most `most` routes that are not offered, in rank order, and how many they are in all.

        Those in `refused` come first. Before the end, routes still to come are not rejected.
        """
        mask = self.program.all & ~self.offered
        if not ended:
            mask &= ~(self.left | self.later)
        met = sorted(self.refused)[:most]
        others = mask
        for rank in met:
            others &= ~(1 << rank)
        room = None if most is None else most - len(met)
        ranks = sorted([*met, *islice(bits(others), room)])
        return [self.program.lines[rank] for rank in ranks], mask.bit_count()

    def _of_band(self, band: Band, usage: Usage) -> Line | None:
        """The next of a band; None when none of it is left any more, or bidders have to be asked."""
        lines, left = self.program.lines, self.left & band.mask
        if band.order == "fixed":
            while left:
                line = lines[(left & -left).bit_length() - 1]
                if self._passes(line):
                    return line
                left = self.left & band.mask
            return None
        if self._sifted != self._band:  # chance and turns are among routes that could really be offered
            self._sifted = self._band
            if self.program.asked:
                self._sift(left)
                left = self.left & band.mask
        if band.order == "weighted":
            if self._draws is None:
                self._draws = Draws(self._seed, band.name_hash)
            return lines[_drawn(band, left, self._draws)] if left else None
        if self._order is None:
            self._order = iter(self._ordered(band, usage))
        for rank in self._order:
            if self.left >> rank & 1:
                return lines[rank]
        return None

    def _ordered(self, band: Band, usage: Usage) -> Sequence[int]:
        """The ranks of a band whose order is found out at once."""
        if band.order == "auction":
            return self._auctioned(band, usage)
        if band.order == "performance":
            return self._raced(band)
        lines = self.program.lines
        turns = sorted((usage.turn(lines[rank].turn), rank) for rank in bits(self.left & band.mask))  # type: ignore[arg-type]
        return [rank for _, rank in turns]

    def _auctioned(self, band: Band, usage: Usage) -> tuple[int, ...]:
        """By effective bid. Who has made no bid that counts is left out, as is a chance that is too low."""
        if self._contest is None:
            lines = self.program.lines
            here = [lines[rank] for rank in bits(self.left & band.mask)]
            if self._case.asks and not self._asked:
                known = self._case.query.bids or {}
                self.asking = tuple(line for line in here if line.bids and line.target.key not in known)
                if self.asking:
                    return ()
            self._contest = self._settled(here, usage) if here else ()
        assert isinstance(self._contest, tuple)
        return self._contest

    def _settled(self, lines: Sequence[Line], usage: Usage) -> tuple[int, ...]:
        """Settle the auction among these; the ranks of those that are to be offered, best first."""
        held = hold_auction(lines, self._case, usage)
        self.auctions += (held,)
        sold = {each.entrant.place: each.bid for _, each in held.standings if each.fate in {Fate.WON, Fate.LOST}}
        for line in lines:
            if line.rank not in sold:
                self.drop(line)
            elif line.bids:
                self.prices[line.rank] = sold[line.rank] or 0
        return tuple(sold)

    def _raced(self, band: Band) -> Sequence[int]:
        """By expected revenue."""
        if self._contest is None:
            lines = self.program.lines
            self._contest = Race([lines[rank] for rank in bits(self.left & band.mask)], band, self._case)
        assert isinstance(self._contest, Race)
        return self._contest.order

    def _passes(self, line: Line) -> bool:
        passes = not line.rest or self._holds(line.rest)
        if passes and line.min_scores and not line.bids:
            passes = below_score(line, self._case) is None
        if not passes:
            self.drop(line)
        return passes

    def _sift(self, mask: int) -> None:
        """Ask of the routes in `mask` what no bitmap answers, once for all routes of which the same is asked."""
        if not mask & self.program.asked:
            return
        met = self._met
        if met is None:
            met = self._met = {}
        for first, block in self.program.blocks():
            asked = mask >> first & block.asked
            while asked:
                rest = block.lines[(asked & -asked).bit_length() - 1].rest
                same = block.asking[rest]
                asked &= ~same
                for predicate in rest:
                    holds = met.get(predicate)
                    if holds is None:
                        holds = met[predicate] = predicate.holds(self._known, self._shared.types)
                    if not holds:
                        self.left &= ~(same << first)
                        break
        if not mask & self.program.scored:
            return
        for rank in bits(mask & self.left & self.program.scored):
            if below_score(self.program.lines[rank], self._case) is not None:
                self.left &= ~(1 << rank)

    def _holds(self, predicates: tuple[Predicate, ...]) -> bool:
        """Whether all hold for this caller; each is judged once."""
        met = self._met
        if met is None:
            met = self._met = {}
        for predicate in predicates:
            holds = met.get(predicate)
            if holds is None:
                holds = met[predicate] = predicate.holds(self._known, self._shared.types)
            if not holds:
                return False
        return True


def _eligible(program: Program, case: Case) -> int:
    query, known, shared = case.query, case.known, case.shared
    utc_ms = query.now.utc_ms
    above = case.entrance.guards
    if not above.open and (
        above.paused is not None
        or above.closed(shared.clocks, utc_ms) is not None
        or above.unmet(known, shared.types) is not None
        or above.screened(case) is not None
        or above.unattested(query.kind, known) is not None
    ):
        return 0
    floor, price = case.entrance.floor, case.entrance.price
    mask = program.eligible(query.kind, query.hop, known, floor, price, utc_ms, shared.clocks)
    needed = known.get(SKILLS) if mask and SKILLS in query.attributes else None
    if isinstance(needed, Several):
        mask &= program.skilled(needed.values)
    if program.screens and mask:
        for screen, closed in program.screens:
            if mask & closed and case.screening.stopped(screen) is not None:
                mask &= ~closed
    if case.entrance.named and query.kind is Kind.LEAD and mask:
        mask &= program.of_buyers(buyers_named(known, shared.buyers_called))
    if case.repetition is not None:
        mask &= _open_to(program, case.repetition)
    return mask


def _open_to(program: Program, repetition: Repetition) -> int:
    """The routes that this history leaves."""
    if repetition.nowhere:
        return 0
    mask = program.all if repetition.only is None else program.of_buyers((repetition.only,))
    return mask & ~program.of_buyers(repetition.never) & ~program.of_buyers(repetition.unwelcome)


def _put_last(program: Program, repetition: Repetition) -> int:
    """The routes that this history puts behind all others."""
    if repetition.first is not None:
        return program.all & ~program.of_buyers((repetition.first,))
    return program.of_buyers(repetition.last)


def _drawn(band: Band, left: int, draws: Draws) -> int:
    """One of the ranks in `left`, each with a chance in proportion to its weight.

    Weights stand in ascending order and ranks of one weight in plan order; the draw is a place on that line.
    """
    if not left & (left - 1):
        return left.bit_length() - 1  # the last of the band: nothing is drawn after it
    if len(band.weights) == 1:
        ((weight, _),) = band.weights
        return nth_set_bit(left, draws.below(weight * left.bit_count()) // weight)
    total = 0
    parts: list[tuple[int, int, int]] = []
    for weight, mask in band.weights:
        if those := mask & left:
            span = weight * those.bit_count()
            parts.append((span, weight, those))
            total += span
    place = draws.below(total)
    for span, weight, those in parts:
        if place < span:
            return nth_set_bit(those, place // weight)
        place -= span
    raise AssertionError("the draw is below the sum of the weights")
