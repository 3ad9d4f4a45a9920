"""Takes a decision of the journal once more, with the cursor that took it, and says of every route why.

The journal keeps little of a decision: seed, versions, what was offered, what was not and by which counter. All the
rest follows from the configuration, the facts and the caller. What nobody can compute again is what was taken of each
limit at that instant, and whose turn it was: there the cursor is answered as the journal tells. What comes out is
compared with what was written; any difference is told (`Rebuilt.differences`). Bidders are not asked again: auctions
are settled with the bids that the journal tells, and have to come out as they did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.engine.routing.auction import EXPIRED
from trunkline.engine.routing.auction_log import Lot, bids_told, same_fates, settled
from trunkline.engine.routing.case import Case
from trunkline.engine.routing.contest import Held
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.limits import Full, LimitRule
from trunkline.engine.routing.met import Met
from trunkline.engine.routing.offer import Auction, Candidate, Exhausted
from trunkline.engine.routing.program import Line
from trunkline.engine.routing.reasons import Reason, Unsold
from trunkline.engine.routing.routes import RouteTrace, offered_trace, rejected_trace, waiting_trace
from trunkline.engine.routing.stage import Stage
from trunkline.events.auctions import AuctionHeld
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import CounterId, Demand, Lease, TurnId, Usage

_CAPACITY: Final = frozenset({Reason.FUNDS.value, Reason.LIMIT.value})
_LATE_NS: Final = 86_400 * SECOND
"""Longer than anybody's patience."""
_OF_ROUTING: Final = frozenset(Unsold) - {Unsold.WAITED_TOO_LONG, Unsold.QUEUE_FULL}
_NOT_YET: Final = 1 << 62
UNLISTED: Final = "had no room; the journal does not list which limit"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says of one search for a buyer.

    `offered` are routes in order, `rejected` as many others as are listed, `more` counts those that are not. `ended`:
    the search came to its end, for `reason` (an Unsold, or why the caller could not wait); else somebody took the call,
    or the caller left. `auctions` are those of the search, in order, `sold` the routes whose buyers
    have taken a lead that went on to others, `had` the buyers who had taken it before.
    """

    offered: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    more: int = 0
    ended: bool = False
    reason: str | None = None
    auctions: tuple[AuctionHeld, ...] = ()
    sold: tuple[str, ...] = ()
    had: tuple[str, ...] = ()


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A decision taken again: its routes, those offered first, then the others in rank order.

    `differences` from the journal, one sentence each: empty when it is proved to be the same.
    """

    plan: str
    routes: tuple[RouteTrace, ...]
    differences: tuple[str, ...]


class ToldUsage:
    """Capacity as the journal tells: nothing is taken, and turns were as the offers show."""

    def __init__(self, told: Told, targets: Mapping[str, str], taken: frozenset[str]) -> None:
        """`targets` by route; `taken` are targets that were offered before this search."""
        self._turns: dict[str, int] = {route: 2 * place + 2 for place, route in enumerate(told.offered)}
        passed = {targets[route]: turn + 1 for route, turn in self._turns.items() if route in targets}
        for each in told.rejected:
            if each.reason in _CAPACITY or each.target in taken:
                self._turns[each.route] = 0
            elif each.reason == Reason.ALREADY_OFFERED:  # met when its target had become an offer
                self._turns[each.route] = passed.get(each.target, 0)

    def used(self, counter: CounterId, window_start_ms: int) -> int:
        """What was taken is told by route, where something refused."""
        return 0

    def offered(self, counter: CounterId) -> int | None:
        """Gaps likewise."""
        return None

    def turn(self, turn: TurnId) -> int:
        """An order that gives the offers that were made; who was not met comes last."""
        return self._turns.get(f"{turn.plan}.{turn.tier}.{turn.route}", _NOT_YET)


class Replay(Cursor):
    """The cursor of one search that was made before. Limits answer as told."""

    __slots__ = ("_told", "differences", "listed")

    def __init__(self, case: Case, told: Told) -> None:
        super().__init__(case, reported_max=None)
        self._told = told
        self.listed = {each.route: each for each in told.rejected}
        self.differences: list[str] = []

    def pass_over(self, candidate: Candidate, rejection: Rejection) -> None:
        """The candidate was not offered then, for this reason."""
        stage, line = self._waiting(candidate)
        stage.refuse(line, rejection)
        self._refused |= {Reason(rejection.reason)}

    def unlisted(self, route: str) -> bool:
        """Whether the journal may have left out why the route was not offered."""
        return self._told.more > 0 and route not in self.listed

    def traces(self, offers: list[Candidate]) -> list[RouteTrace]:
        """Every route of the plans that were reached."""
        lines = {line.id: (line, stage) for stage in self._stages for line in stage.program.lines}
        found = [
            offered_trace(lines[offer.route][0], self._case, rank, offer) for rank, offer in enumerate(offers, start=1)
        ]
        done = {offer.route for offer in offers}
        rejected = {each.route: each for each in self.decision().rejected}
        for line, _ in lines.values():
            if line.id in rejected:
                found.append(rejected_trace(line, self._case, rejected[line.id]))
            elif line.id not in done:
                found.append(waiting_trace(line, self._case))
        return found

    def _ask(
        self,
        line: Line,
        stage: Stage,
        met: Met,
        usage: Usage,
        utc_ms: int,
        demands: list[Demand],
        least: int | None = None,
    ) -> Full | None:
        met.spare = -1  # what is told may be above the plan: every limit is asked
        full = super()._ask(line, stage, met, usage, utc_ms, demands, least)
        told = self.listed.get(line.id)
        if told is None or told.reason not in _CAPACITY:
            return None if line.id in self._told.offered else full  # more than a limit ever gives
        asked = demands if full is None else [*demands, full.demand]
        rule = next((rule for rule in self._rules(line) if _names(told, rule)), None)
        demand = None if rule is None else next((each for each in asked if each.counter == rule.counter), None)
        if rule is None or demand is None:
            self.differences.append(f"{line.id}: nothing limits it as is told: {told.level} {told.measure}")
            return full
        if told.detail == rule.counter.key and (told.used or 0) + demand.amount <= (told.max or 0):
            self.differences.append(f"{line.id}: {told.used} of {told.max} {told.measure} leave room")
        return Full(rule, demand, told.used or 0)

    def _worth_asking(self, stage: Stage, usage: Usage, utc_ms: int) -> bool:
        """Leave out whom the journal does not tell of among those that were asked: it had no room."""
        first, told = stage.asking[0], self._told.auctions[len(_bid_for(self)) : len(_bid_for(self)) + 1]
        here = [event for event in told if (event.plan, event.tier) == (first.plan, first.tier.key or "")]
        asked = {ping.route for event in here for ping in event.pings}
        whole = not any(event.more for event in here)
        for line in stage.asking:
            if line.id in asked:
                continue
            listed = self.listed.get(line.id)
            if listed is not None and listed.reason in _CAPACITY:
                full = self._ask(line, stage, Met(), usage, utc_ms, [], self._least(line))
                if full is not None:
                    stage.refuse(line, listed)
                    self._refused |= {Reason(listed.reason)}
            elif whole and self.unlisted(line.id):
                stage.refuse(line, Rejection(line.id, line.target.key, Reason.LIMIT.value, detail=UNLISTED))
                self._refused |= {Reason.LIMIT}
        return stage.still_asks()

    def _full(self, line: Line, full: Full, usage: Usage, utc_ms: int) -> Rejection:
        told = self.listed.get(line.id)
        return super()._full(line, full, usage, utc_ms) if told is None or told.reason not in _CAPACITY else told

    def _judge(self, line: Line, stage: Stage) -> Rejection:
        rejection = super()._judge(line, stage)
        late = rejection.reason in {Reason.ALREADY_OFFERED.value, Reason.OUT_OF_PATIENCE.value}
        return (
            msgspec.structs.replace(rejection, detail=f"or {UNLISTED}")
            if late and self.unlisted(line.id)
            else rejection
        )


def replay(case: Case, told: Told) -> Rebuilt:
    """Take the decision of `told` again. Pure: the same arguments give the same answer."""
    cursor = Replay(case, told)
    targets = {line.id: line.target.key for program in case.shared.programs.values() for line in program.lines}
    offers = _drive(cursor, case, told, ToldUsage(told, targets, case.query.taken))
    traces = cursor.traces(offers)
    differences = [*cursor.differences, *_differences(cursor, told, [offer.route for offer in offers])]
    differences += _settled_otherwise(cursor, case, told)
    return Rebuilt(plan=cursor.decision().plan, routes=tuple(traces), differences=tuple(differences))


def _drive(cursor: Replay, case: Case, told: Told, usage: Usage) -> list[Candidate]:
    """Make the offers that were made; pass over what was passed over."""
    offers: list[Candidate] = []
    now = case.query.now
    late = Instant(now.mono_ns + _LATE_NS, now.utc_ms)
    bids = bids_told(event for event in told.auctions if event.settled)
    broken_off = bool(told.auctions) and not told.auctions[-1].settled
    for buyer in told.had:
        cursor.sold(buyer)
    while told.ended or broken_off or len(offers) < len(told.offered):
        found = cursor.candidate(usage, now)
        if isinstance(found, Exhausted):
            if not told.more and told.reason in _OF_ROUTING and found.reason != told.reason:
                cursor.differences.append(f"the search ends with {found.reason}, not {told.reason}")
            break
        if isinstance(found, Auction):
            following = told.auctions[len(_bid_for(cursor)) :]
            if following and not following[0].settled:  # the caller was gone before that
                asked = {route for bidder in found.bidders for route in bidder.routes}
                also = asked - {ping.route for ping in following[0].pings}
                if also and not following[0].more:
                    cursor.differences.append(f"{', '.join(sorted(also))} would be asked, too")
                break
            if following or now is late:
                cursor.settle(bids)
            now = now if following else late  # nobody was asked any more
            continue
        wanted = told.offered[len(offers)] if len(offers) < len(told.offered) else None
        if found.route == wanted:
            offers.append(found)
            cursor.take(found, Lease("", case.query.account, "", "", found.demands, now.utc_ms))
            if found.route in told.sold:
                cursor.sold(found.buyer)
            continue
        listed = cursor.listed.get(found.route)
        why = told.reason if listed is None else listed.reason
        if wanted is None and now is not late and why == Reason.OUT_OF_PATIENCE.value:
            now = late
            continue
        expired = listed is not None and (listed.reason, listed.detail) == (Reason.BID.value, EXPIRED)
        if not cursor.unlisted(found.route) and not expired:
            why = "not at all" if listed is None else listed.reason
            cursor.differences.append(f"{found.route} would be offered; the journal tells of it: {why}")
        cursor.pass_over(found, listed or Rejection(found.route, found.target, Reason.LIMIT.value, detail=UNLISTED))
    return offers


def _differences(cursor: Replay, told: Told, offered: list[str]) -> list[str]:
    found: list[str] = []
    if offered != list(told.offered):
        found.append(f"offered are {', '.join(offered) or 'none'}, not {', '.join(told.offered) or 'none'}")
    decision = cursor.decision()
    rejected = {each.route: each for each in decision.rejected}
    for each in told.rejected:
        now = rejected.get(each.route)
        if now is None:
            found.append(f"{each.route} is not rejected; the journal tells: {each.reason}")
        elif now != each:
            found.append(f"{each.route} is rejected for {_words(now)}, not {_words(each)}")
    if not told.more:
        untold = [route for route in rejected if route not in cursor.listed]
        found += [f"{route} is rejected for {_words(rejected[route])}, which is not told" for route in untold]
    elif len(rejected) != len(told.rejected) + told.more:
        found.append(f"{len(rejected)} routes are rejected, not {len(told.rejected) + told.more}")
    return found


def _bid_for(cursor: Cursor) -> list[Held]:
    """The settled auctions that the journal tells of."""
    return [held for held in cursor.auctions() if held.bid_for]


def _settled_otherwise(cursor: Replay, case: Case, told: Told) -> list[str]:
    """Whether the auctions come out as they did, now that their bids are known."""
    again = _bid_for(cursor)
    were = [event for event in told.auctions if event.settled]
    if len(again) != len(were):
        return [f"{len(again)} auctions are settled, not {len(were)}"]
    lot = Lot(account=case.query.account, call="", currency=case.shared.account.currency)
    bids = case.query.bids or {}
    events = (settled(lot, held, None, bids, told.offered, 0, 0) for held in again)
    return [each for event, now in zip(were, events, strict=True) for each in same_fates(event, now)]


def _words(rejection: Rejection) -> str:
    parts = (rejection.reason, rejection.level, rejection.measure, rejection.per, rejection.detail)
    counted = None if rejection.max is None else f"{rejection.used} of {rejection.max}"
    return " ".join(part for part in (*parts, counted) if part)


def _names(told: Rejection, rule: LimitRule) -> bool:
    """Whether a rejection tells of this rule's counter."""
    counter, detail = rule.counter, told.detail or ""
    same = (counter.level, counter.measure, counter.per or None) == (told.level, told.measure, told.per)
    return same and (detail == counter.key or detail.startswith(f"{counter.key}: "))
