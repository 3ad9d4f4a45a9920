"""The offers for one caller, one after another until one is accepted.

`candidate` looks: it walks the routes in order and gives the first that has room now. `take` counts the offer once
its seats are held; `refuse` says that somebody else got the seats in between. `next` does all three at once for a
store in the same process. A route that was passed over is not asked again: its moment has gone.

When an auction is reached whose bidders have not been asked, both give an `Auction`: whoever asked them calls `settle`
with what they said, and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from trunkline.engine.routing.auction import EXPIRED, Bid
from trunkline.engine.routing.bid_terms import by_bid
from trunkline.engine.routing.case import Case, traffic_of
from trunkline.engine.routing.compared import open_until
from trunkline.engine.routing.contest import Held, counted_bid
from trunkline.engine.routing.deadlines import auction_ms
from trunkline.engine.routing.limits import Full, LimitRule, Rules, ask
from trunkline.engine.routing.met import Met
from trunkline.engine.routing.offer import Auction, Bidder, Candidate, Decision, Exhausted, Offer, Query
from trunkline.engine.routing.program import Line
from trunkline.engine.routing.reasons import Reason, Unsold
from trunkline.engine.routing.report import capacity_rejection, guard_rejection, late_rejection
from trunkline.engine.routing.shared import Resolved
from trunkline.engine.routing.stage import Stage
from trunkline.engine.terms.payouts import NotPaid, Selected, select_payout
from trunkline.engine.terms.terms import Terms
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import MS, Instant
from trunkline.kernel.leases import FUNDS, Capacity, CounterId, Demand, Lease, Refused, Usage
from trunkline.kernel.money import Money

REPORTED_MAX: Final = 100
"""As many rejected routes are listed in a journal entry; explain lists all."""
_PAID_MAX = 1_000
HAD_BY_OTHERS: Final = "somebody has bought it"
"""Why a route is passed over that shares no lead, or whose buyer has it."""


_ALREADY_OFFERED, _FUNDS, _LIMIT = Reason.ALREADY_OFFERED, Reason.FUNDS, Reason.LIMIT
"""Asked for by the hundred thousand, and an enumeration's members are slow to look up."""


class Cursor:
    """One caller's way through a plan and its fallbacks."""

    __slots__ = ("_case", "_current", "_end", "_entrance", "_last", "_offered", "_patience_ns", "_payout",
                 "_pending", "_plan",
                 "_query", "_refused", "_reported_max", "_shared", "_sold", "_stages", "_taken", "_way")  # fmt: skip

    def __init__(self, case: Case, reported_max: int | None = REPORTED_MAX) -> None:
        query = case.query
        self._case = case
        self._shared = case.shared
        self._entrance = case.entrance
        self._query = query
        self._reported_max = reported_max
        self._plan = query.plan or case.entrance.campaign.plan
        self._patience_ns = self._shared.programs[self._plan].patience_ns[query.kind]
        # What grows is a tuple or a frozen set where it mostly stays empty: making a list or a set costs more.
        self._stages: tuple[Stage, ...] = ()
        self._way: Iterator[Stage] | None = None
        self._current: Stage | None = None
        self._taken = query.taken
        self._sold: frozenset[str] = frozenset()
        self._offered: tuple[str, ...] = ()
        self._refused: frozenset[Reason] = frozenset()
        self._pending: tuple[Stage, Line] | None = None
        self._payout: Selected | None = None
        self._last: tuple[Usage, int] | None = None
        self._end: Exhausted | None = None

    @property
    def duplicate(self) -> bool:
        """Whether the campaign marks the contact as one that it has seen before."""
        return self._case.repetition is not None and self._case.repetition.of is not None

    @property
    def query(self) -> Query:
        """What was asked, with the bids that are known by now."""
        return self._case.query

    @property
    def offered(self) -> tuple[str, ...]:
        """The routes that have become offers, in order."""
        return self._offered

    def candidate(self, usage: Usage, now: Instant) -> Candidate | Auction | Exhausted:
        """The next route that has room at `now`, without holding anything, or the auction to be settled first.

        Asked again before `take` or `refuse`, it looks again from the same route.
        """
        if self._end is not None:
            return self._end
        self._last = (usage, now.utc_ms)
        demands: list[Demand] = []
        found = self._search(usage, now.utc_ms, demands)
        if found is None or found[1].bids:
            found = self._by_bids(found, usage, now.utc_ms, demands)
        asking = self._current if found is None and self._current is not None and self._current.asking else None
        if found is None and asking is None:
            return self._finish(self._why_unsold())
        plan = self._shared.programs[self._plan].plan
        left_ns = self._patience_ns - (now.mono_ns - self._query.now.mono_ns)
        if len(self._offered) >= plan.max_offers or left_ns <= 0:
            return self._finish(Unsold.OUT_OF_PATIENCE)
        if found is None:
            assert asking is not None
            return self._auction(asking, left_ns)
        self._pending = found
        return self._made(*found, demands, now.utc_ms)

    def settle(self, bids: Mapping[str, Bid]) -> None:
        """What the bidders of the open auction have answered, by target; who is missing was not asked.

        A bid holds for the caller: another auction does not ask the same target again.
        """
        assert self._current is not None, "nothing was looked for yet"
        assert self._current.asking, "no auction is open"
        query = self._case.query
        self._case.query = msgspec.structs.replace(query, bids={**(query.bids or {}), **bids})
        self._current.settle()

    def auctions(self) -> tuple[Held, ...]:
        """The auctions that were settled so far."""
        return tuple(held for stage in self._stages for held in stage.auctions)

    def open_until(self, candidate: Candidate) -> int | None:
        """When hours first close on the route of a candidate (UTC milliseconds); None when none do within 400 days."""
        lines = self._shared.programs[candidate.plan].lines
        line = next(line for line in lines if line.id == candidate.route)
        return open_until(line, self._entrance.guards, self._case.query.now.utc_ms)

    def refuse(self, candidate: Candidate, refused: Refused) -> None:
        """The store had no room any more: the route is passed over with the limit that refused."""
        stage, line = self._waiting(candidate)
        assert self._last is not None
        full = Full(self._rule(line, refused.demand.counter), refused.demand, refused.used)
        stage.refuse(line, self._full(line, full, *self._last))
        self._refused |= {_reason(full)}

    def take(self, candidate: Candidate, lease: Lease) -> Offer:
        """The seats are held: the candidate has become an offer."""
        stage, line = self._waiting(candidate)
        stage.offer(line)
        self._taken |= {line.target.key}
        self._offered += (line.id,)
        plan = self._shared.programs[self._plan].plan
        return Offer(len(self._offered), candidate, lease, plan.reroute_seconds, plan.reroute_again)

    def next(
        self, capacity: Capacity, lease_id: str, attempt: str, call: str, now: Instant
    ) -> Offer | Auction | Exhausted:
        """The next offer with its seats held as `lease_id` for `attempt`, the auction to settle first, or the end."""
        while True:
            candidate = self.candidate(capacity, now)
            if not isinstance(candidate, Candidate):
                return candidate
            lease = capacity.reserve(
                lease_id, self._query.account, call, attempt, candidate.demands, candidate.turn, now
            )
            if isinstance(lease, Lease):
                return self.take(candidate, lease)
            self.refuse(candidate, lease)

    def sold(self, buyer: str) -> None:
        """`buyer` has taken the last offer, and others may have the lead too: routes that share it, none of `buyer`."""
        self._sold |= {buyer}

    def is_exclusive(self, candidate: Candidate) -> bool:
        """Whether the candidate's buyer would have the lead alone."""
        return self._is_alone(self._shared.programs[candidate.plan].by_id[candidate.route])

    def _is_alone(self, line: Line) -> bool:
        sells, plan = line.route.sells, self._shared.programs[line.plan].plan
        return plan.share_buyers == 1 if sells is None else sells == "exclusive"

    def _is_gone(self, line: Line) -> bool:
        """Whether the route takes nothing that was sold to these buyers."""
        return line.buyer.key in self._sold or self._is_alone(line)

    def decision(self) -> Decision:
        """What has been decided so far. Routes that wait behind the last offer are neither offered nor rejected."""
        rejected, more = (
            (self._end.rejected, self._end.more) if self._end is not None else self._rejections(ended=False)
        )
        return Decision(
            plan=self._plan,
            seed=self._query.seed,
            versions=self._shared.versions_with(self._case.facts, self._case.query.geo),
            offered=self._offered,
            rejected=rejected,
            more=more,
        )

    def _waiting(self, candidate: Candidate) -> tuple[Stage, Line]:
        pending, self._pending = self._pending, None
        assert pending is not None, "there is no open candidate"
        assert pending[1].id == candidate.route, "another candidate is open"
        return pending

    def _by_bids(
        self, found: tuple[Stage, Line] | None, usage: Usage, utc_ms: int, demands: list[Demand]
    ) -> tuple[Stage, Line] | None:
        """From what a search has found, the next route whose bid, if it has one, still stands.

        None where nothing is left, and where bidders are to be asked.
        """
        while True:
            if found is None:
                current = self._current
                if current is None or not current.asking or self._worth_asking(current, usage, utc_ms):
                    return None
            else:
                bid = self._bid(found[1])
                if bid is None or not bid.expired(utc_ms):
                    return found
                found[0].refuse(found[1], late_rejection(found[1], Reason.BID, EXPIRED))
                self._refused |= {Reason.BID}
            found = self._search(usage, utc_ms, demands)

    def _worth_asking(self, stage: Stage, usage: Usage, utc_ms: int) -> bool:
        """Leave bidders out that have no room even at the least they could pay; whether anybody is left to be asked.

        Their bids could not be used, and every question costs both sides something.
        """
        for line in stage.asking:
            if (full := self._ask(line, stage, Met(), usage, utc_ms, [], self._least(line))) is not None:
                self._refused |= {_reason(full)}
                stage.refuse(line, self._full(line, full, usage, utc_ms))
        return stage.still_asks()

    def _least(self, line: Line) -> int:
        """The least that an offer to a bidder could cost it (minor units)."""
        return max(line.guards.floor, self._entrance.guards.floor)

    def _search(self, usage: Usage, utc_ms: int, demands: list[Demand]) -> tuple[Stage, Line] | None:
        """The next route with room; `demands` then holds what it needs."""
        met = Met()
        pending, self._pending = self._pending, None
        if pending is not None and self._has_room(pending[1], pending[0], met, usage, utc_ms, demands):
            return pending
        current = self._current or self._enter()
        while current is not None:
            met.ranks = 0
            current.turn_again()
            while (line := current.next(usage)) is not None:
                if self._has_room(line, current, met, usage, utc_ms, demands):
                    return current, line
            if current.asking:
                return None
            current = self._enter()
        return None

    def _enter(self) -> Stage | None:
        """Go on to the plan itself, or to the next fallback; with duplicates, a second time for the buyers put last."""
        if not self._stages:
            self._current = stage = Stage(self._shared.programs[self._plan], self._case)
            self._stages = (stage,)
            return stage
        if self._way is None:
            self._way = self._stages_behind()
        self._current = next(self._way, None)
        return self._current

    def _stages_behind(self) -> Iterator[Stage]:
        for program in islice(self._shared.chain(self._plan), 1, None):
            stage = Stage(program, self._case)
            self._stages += (stage,)
            yield stage
        for stage in self._stages:
            if stage.later:
                stage.begin_again()
                yield stage

    def _has_room(self, line: Line, stage: Stage, met: Met, usage: Usage, utc_ms: int, demands: list[Demand]) -> bool:
        """Whether the route can be offered now; if not, why is kept and the route dropped."""
        if met.ranks and met.ranks >> line.rank & 1:
            stage.drop(line)
            return False
        full = self._ask(line, stage, met, usage, utc_ms, demands)
        passed = full is None and line.target.key not in self._taken
        if passed and not (self._sold and self._is_gone(line)):
            return True
        why = _ALREADY_OFFERED if full is None else _reason(full)
        if why not in self._refused:
            self._refused |= {why}
        most = self._reported_max
        if most is not None and len(stage.refused) >= most:
            stage.drop(line)
        elif full is None:
            stage.refuse(line, late_rejection(line, _ALREADY_OFFERED, HAD_BY_OTHERS if passed else None))
        else:
            stage.refuse(line, self._full(line, full, usage, utc_ms))
        if full is not None and most is not None and len(stage.refused) >= most:
            met.add(full.demand.counter, stage)
        return False

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
        """What of the route's funds and limits has no room, None when all have. `demands` are those asked with room.

        `least` (minor units) is the price of a bidder that has not been asked yet.
        """
        demands.clear()
        price = line.price_for(self._entrance.price)
        if price is None:
            price = stage.prices[line.rank] if least is None else least
        ceiling = self._entrance.ceilings[line.kind] if line.ceiling is None else line.ceiling
        if ceiling > price:  # what may be charged is what is held
            price = ceiling
        if line.funds and (full := ask(line.funds, price, usage, utc_ms, demands)) is not None:
            return full
        above = self._entrance.rules[line.kind]
        if not above or price <= met.spare:  # most routes have no room themselves: the rest is put together for one
            own: list[Demand] = []
            full = ask(line.rules, price, usage, utc_ms, own)
            if full is None:
                demands.extend(rule.demand(price, utc_ms) for rule in above)
            demands += own
            return full
        full = ask(above, price, usage, utc_ms, demands)
        if full is not None:
            return full
        met.spare = price
        return ask(line.rules, price, usage, utc_ms, demands)

    def _full(self, line: Line, full: Full, usage: Usage, utc_ms: int) -> Rejection:
        """What is told of the limit that had no room."""
        return capacity_rejection(line, full, usage, utc_ms)

    def _rules(self, line: Line) -> Rules:
        """Everything that limits offers of the route, in the order in which it is asked."""
        return (*line.funds, *self._entrance.rules[line.kind], *line.rules)

    def _rule(self, line: Line, counter: CounterId) -> LimitRule:
        """The rule of the route that counts there."""
        return next(rule for rule in self._rules(line) if rule.counter == counter)

    def _auction(self, stage: Stage, left_ns: int) -> Auction:
        """Whom to ask, once each, for at most what is left of the patience."""
        first = stage.asking[0]
        wait_ms = auction_ms(first.tier.deadline_ms, left_ns // MS)
        bidders: dict[str, Bidder] = {}
        for line in stage.asking:
            target, above = line.target, self._least(line)
            known = bidders.get(target.key)
            assert target.bid is not None, f"{target.key} does not bid"
            least = above if known is None else min(above, known.floor.minor)
            bidders[target.key] = Bidder(
                target.key,
                target.buyer,
                min(target.bid.timeout_ms, wait_ms),
                Money(least, self._shared.account.currency),
                target.bid,
                (line.id,) if known is None else (*known.routes, line.id),
            )
        return Auction(first.plan, first.tier.key or "", tuple(bidders.values()), wait_ms)

    def _made(self, stage: Stage, line: Line, demands: list[Demand], utc_ms: int) -> Candidate:
        resolved = self._shared.resolved(line, self._query.kind, self._entrance)
        candidate = Candidate(
            line.id,
            line.target.key,
            line.buyer.key,
            line.plan,
            line.tier.key or "",
            line.method,
            self._terms(stage, line, resolved, utc_ms),
            resolved.ring,
            tuple(demands),
            line.turn,
            None,
            stage.odds(line),
        )
        bid = self._bid(line) if line.bids else None
        return candidate if bid is None else by_bid(candidate, bid, line.target)

    def _bid(self, line: Line) -> Bid | None:
        """The bid that the route is sold at."""
        return (self._case.query.bids or {}).get(line.target.key) if line.bids else None

    def _terms(self, stage: Stage, line: Line, resolved: Resolved, utc_ms: int) -> Terms:
        """What is agreed with the offer; terms are frozen, so those of the last one serve again when they are equal."""
        paid = self._payout_at(utc_ms)
        last = resolved.terms
        if last is not None and last[0] is paid:
            return last[1]
        incoming = paid.terms is not None and paid.terms.event == "incoming"
        terms = Terms(
            price=resolved.price or Money(stage.prices[line.rank], self._shared.account.currency),
            conversion=resolved.conversion,
            rule=resolved.rule,
            payout=None if incoming else paid.terms,
            not_paid=NotPaid.PAID_AT_RECEIPT_ONLY if incoming else paid.not_paid,
        )
        if resolved.price is not None and self._entrance.promised is None:  # a promise is for one caller
            resolved.terms = (paid, terms)
        return terms

    def _payout_at(self, utc_ms: int) -> Selected:
        """The publisher's rule; asked once, unless its hours may change while buyers ring."""
        if self._payout is None and self._entrance.promised is not None:
            self._payout = self._entrance.promised
        if self._payout is None:
            paid = self._entrance.paid
            key = (self._query.source, self._query.kind)
            selected = None if paid is None else paid.get(key)
            if selected is None:
                known, campaign = self._case.known, self._entrance.campaign
                traffic = traffic_of(self._query, campaign, known, self._shared.account.timezone)
                types = self._shared.types
                selected = select_payout(campaign.key, campaign.payouts, traffic, known, types, utc_ms)
                if selected.place is not None and campaign.payouts[selected.place].hours is not None:
                    return selected
                if paid is not None:
                    if len(paid) >= _PAID_MAX:
                        paid.clear()
                    paid[key] = selected
            self._payout = selected
        return self._payout

    def _why_unsold(self) -> Unsold:
        if self._offered:
            return Unsold.NOT_TAKEN
        if self._entrance.guards.paused is not None:
            return Unsold.PAUSED
        if self._entrance.guards.screened(self._case) is not None:
            return Unsold.SUPPRESSION
        if self._case.repetition is not None and self._case.repetition.nowhere:
            return Unsold.DUPLICATE
        if not self._refused.isdisjoint({Reason.LIMIT, Reason.FUNDS}):
            return Unsold.NO_CAPACITY
        return Unsold.NOT_TAKEN if Reason.ALREADY_OFFERED in self._refused else Unsold.NO_ROUTE

    def _finish(self, why: Unsold) -> Exhausted:
        """Nothing more will be offered: whatever is left has come too late."""
        while self._enter() is not None:
            pass
        self._pending = None
        rejected, more = self._rejections(ended=True)
        waits = Reason.LIMIT in self._refused or any(stage.resting for stage in self._stages)
        self._end = Exhausted(why.value, rejected, more, waits)
        return self._end

    def _rejections(self, *, ended: bool) -> tuple[tuple[Rejection, ...], int]:
        """Rejected routes of the plans reached so far in rank order, as many as are listed, and the number of others.

        What was met on the way has its place on the list before what can be found out again at any time. Before the
        end, routes that still wait are not rejected.
        """
        listed: list[Rejection] = []
        total = 0
        for stage in self._stages:
            most = None if self._reported_max is None else self._reported_max - len(listed)
            lines, count = stage.rejected(ended=ended, most=most)
            listed += [stage.refused.get(line.rank) or self._judge(line, stage) for line in lines]
            total += count
        return tuple(listed), total - len(listed)

    def _judge(self, line: Line, stage: Stage) -> Rejection:
        """Why a route that was not met on the way is not offered."""
        rejection = guard_rejection(line, self._case)
        if rejection is not None:
            return rejection
        assert self._last is not None
        if line.bids and line.rank not in stage.prices:  # its auction was not reached, but its bid is known
            stage.prices[line.rank] = counted_bid(line, self._case)[2] or 0
        full = self._ask(line, stage, Met(), *self._last, [])
        if full is not None:
            return self._full(line, full, *self._last)
        return late_rejection(
            line, Reason.ALREADY_OFFERED if line.target.key in self._taken else Reason.OUT_OF_PATIENCE
        )


def _reason(full: Full) -> Reason:
    """Seats come free again, and are waited for; money does not."""
    return _FUNDS if full.demand.counter.measure == FUNDS else _LIMIT
