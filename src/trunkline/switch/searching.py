"""A live call's searches for buyers: one for each route node and hop, and one each time that somebody may have room."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.machine import CallMachine
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction, Offer
from trunkline.engine.routing.reasons import Unsold
from trunkline.engine.routing.router import Router
from trunkline.events.auctions import BidConfirmed
from trunkline.events.calls import CallRouted
from trunkline.events.entry import Entry
from trunkline.kernel.clock import Instant
from trunkline.switch.bidding.caller import CallBidding
from trunkline.switch.history import CallHistory
from trunkline.switch.plant import Plant
from trunkline.switch.world import World

log = logging.getLogger("trunkline.calls")

NewCursor = Callable[[str | None, frozenset[str], int, Instant], Cursor]
"""Makes a call's cursor for one search: its plan (None: the campaign's), targets offered already, hop, the moment."""


class Searching(ABC):
    """The part of a live call that asks the router."""

    seat: str | None = None
    """A lease that was held for this call before it came, until its first search."""
    _bidding: CallBidding | None = None
    """Only of a call that has come to an auction."""
    _held = False
    """Whether the search at hand is for a caller who is held, and tells nothing unless somebody has room."""

    def __init__(
        self,
        plant: Plant,
        world: World,
        machine: CallMachine,
        router: Router,
        new_cursor: NewCursor,
        history: CallHistory | None,
    ) -> None:
        self.plant = plant
        self.world = world
        self.machine = machine
        self.lease: str | None = None
        self.routing_ns = time.perf_counter_ns()
        self.answered = False
        self._router = router
        self._new_cursor = new_cursor
        self._cursor: Cursor | None = None
        self._exhausted = False
        self._taken: set[str] = set()
        self._taken_here: set[str] = set()
        self._hop = 0
        self._began_ms = 0
        self._waits_for: c.Enqueue | None = None
        self._ticket = 0
        self._history = history
        self._inbox: deque[i.Input] = deque()
        self._entries: list[Entry] = []

    @abstractmethod
    def tell(self, event: i.Input | None) -> None:
        """Tell the machine something, and carry out what follows from it; None is no news."""

    def _seek(self, command: c.Seek, now: Instant) -> None:
        started_ns = time.perf_counter_ns()
        if self._cursor is None or self._exhausted or command.hop != self._hop:
            # Each route node and each hop is a search of its own, but no target is offered twice to one caller; after
            # a reroute that allows it, not twice at one hop.
            if command.hop != self._hop:
                self._taken_here = set()
            taken = frozenset(self._taken_here if command.again else self._taken)
            self._cursor, self._exhausted = self._new_cursor(command.plan, taken, command.hop, now), False
            self._hop, self._began_ms = command.hop, now.utc_ms
            if self._bidding is not None:
                self._bidding.search()
            if self._history is not None:
                self._history.tell(now.utc_ms, self._entries)
            if self.answered:
                self.routing_ns = started_ns  # what a flow said before is no delay of ours
        self._inbox.append(self._find(self._cursor, started_ns, now))

    def _find(self, cursor: Cursor, started_ns: int, now: Instant) -> i.Offered | i.Asking | i.Exhausted:
        """The next offer, or that bidders are being asked, or that nobody is left."""
        call = self.machine.context.call
        self.give_seat_back(now)  # to take it at once: nobody comes in between
        lease, attempt = self.plant.ids.make("lease", now.utc_ms), self.plant.ids.make("att", now.utc_ms)
        while isinstance(found := cursor.next(self.plant.capacity, lease, attempt, call, now), Auction):
            if not self._settles_at_once(cursor, found, now):
                return i.Asking()
        took_ns = time.perf_counter_ns() - started_ns
        self.plant.metrics.decision.observe(took_ns / 1e9)
        news: i.Offered | i.Exhausted
        if isinstance(found, Offer):
            self.lease = lease
            self._taken.add(found.candidate.target)
            self._taken_here.add(found.candidate.target)
            news = i.Offered(found, attempt, took_ns // 1000)
        else:
            self._exhausted = True
            plan = cursor.decision().plan
            news = i.Exhausted(found.reason, self._router.no_buyer(plan), found.waits)
        if self._bidding is not None:
            self._note_auctions(self._bidding, cursor, news, now)
        return news

    # -- auctions --------------------------------------------------------------------------------------------------

    def _settles_at_once(self, cursor: Cursor, auction: Auction, now: Instant) -> bool:
        """Settle an auction with what its bidders have said before, if that is all there is; else have them asked."""
        if self._bidding is None:
            self._bidding = CallBidding(self.plant, self.world, self.machine.context, self._auction_closed)
        said = self._bidding.said_before(auction, now) if self._held else None
        if said is not None:
            cursor.settle(said)
            return True
        return self._bidding.ask(auction, cursor, self._hop)

    def _auction_closed(self) -> None:
        """Everybody has answered, or has had its time: go on with the search. An error of ours ends this call."""
        started_ns, now = time.perf_counter_ns(), self.plant.clock()
        assert self._bidding is not None
        assert self._cursor is not None
        news: i.Input
        self._held = held = self in self.plant.queues
        try:
            self._bidding.settle(self._cursor)
            news = self._find(self._cursor, started_ns, now)
        except Exception:
            self.plant.metrics.call_errors.inc()
            log.exception("call %s is ended: its auction cannot be settled", self.machine.context.call)
            news = i.HangUp("internal_error", fault=True)
        finally:
            self._held = False
        if held and (isinstance(news, i.Asking) or (isinstance(news, i.Exhausted) and news.waits)):
            return
        self.plant.queues.leave(self)
        self.tell(news)

    def _note_auctions(self, bidding: CallBidding, cursor: Cursor, news: i.Offered | i.Exhausted, now: Instant) -> None:
        """Write what became of everybody, with the offer or with the end of routing."""
        contact = self.machine.context.contact
        last = not (self._held and isinstance(news, i.Exhausted) and news.waits)
        self._entries += [Entry(event, contact) for event in bidding.entries(cursor, now, last=last)]
        if isinstance(news, i.Offered):
            bidding.offered(cursor, news.offer.candidate)

    def _break_off_auction(self, now: Instant) -> None:
        """Nobody wants the bids any more."""
        held = None if self._bidding is None else self._bidding.break_off(now)
        if held is not None:
            self._entries.append(Entry(held, self.machine.context.contact))

    def _confirm(self, command: c.Confirm, _now: Instant) -> None:
        assert self._bidding is not None, "only the winner of an auction confirms"
        assert self._cursor is not None
        self._bidding.confirm(command, self._cursor, self._bid_confirmed)

    def _bid_confirmed(self, news: i.Input, event: BidConfirmed) -> None:
        self._entries.append(Entry(event, self.machine.context.contact))
        self.tell(news)

    def know_bids(self) -> None:
        """Bidders have said what they pay before the call came: its auctions are settled with that, and told."""
        self._bidding = CallBidding(self.plant, self.world, self.machine.context, self._auction_closed, known=True)

    def give_seat_back(self, now: Instant) -> None:
        """Let go of the seat that was held for this call before it came."""
        if self.seat is not None:
            self.plant.capacity.release(self.seat, now)
            self.seat = None

    def _enqueue(self, command: c.Enqueue, now: Instant) -> None:
        queues, plan = self.plant.queues, self._plan_of(command)
        name = (self.machine.context.account, plan)
        if command.fresh:
            self._ticket = queues.ticket()
        self._waits_for = command
        news = None
        if command.fresh:
            self._cursor = None  # what an earlier search has found is told already
        if not queues.length(name):
            news = self._find_room(now)
        elif command.fresh and queues.length(name) >= command.most:
            news = i.Exhausted(Unsold.QUEUE_FULL.value, self._router.no_buyer(plan))
        self._inbox.append(news or i.Queued(queues.join(self, name, self._ticket), plan))

    def _dequeue(self, command: c.Dequeue, now: Instant) -> None:
        if not self.plant.queues.leave(self):
            return  # a search has ended the waiting at the same moment, and the machine is being told
        self._break_off_auction(now)
        assert self._waits_for is not None
        # Nobody may have been looked for yet.
        plan = self._plan_of(self._waits_for) if self._cursor is None else self._cursor.decision().plan
        self._inbox.append(i.Exhausted(command.reason, self._router.no_buyer(plan)))

    def _plan_of(self, command: c.Enqueue) -> str:
        context = self.machine.context
        return command.plan or self.world.accounts[context.account].campaigns[context.campaign].plan

    def _tell_place(self, _command: c.TellPlace, _now: Instant) -> None:
        if self in self.plant.queues:  # else it is being served at this moment
            self._inbox.append(i.Placed(self.plant.queues.position(self)))

    def try_again(self) -> None:
        """Look whether anybody has room for this caller, who waits for it; tell the machine what has changed.

        An error of ours ends this call, and keeps nobody else from being looked for.
        """
        news: i.Input | None
        try:
            news = self._find_room(self.plant.clock())
        except Exception:
            self.plant.metrics.call_errors.inc()
            log.exception("call %s is ended: no room can be looked for", self.machine.context.call)
            news = i.HangUp("internal_error", fault=True)
        if news is not None:
            self.plant.queues.leave(self)
            self.tell(news)

    def _find_room(self, now: Instant) -> i.Offered | i.Exhausted | None:
        """Search for somebody with room: an offer, or that nobody takes this caller at all, or None for not yet."""
        wanted = self._waits_for
        assert wanted is not None
        if self._bidding is not None and self._bidding.asks:
            return None
        self._cursor, self._held = None, True
        try:
            self._seek(c.Seek(wanted.plan, wanted.hop, wanted.again), now)
        finally:
            self._held = False
        found = self._inbox.pop()
        if isinstance(found, i.Asking) or (isinstance(found, i.Exhausted) and found.waits):
            return None
        assert isinstance(found, i.Offered | i.Exhausted)
        return found

    def _write_routing(self, command: c.WriteRouting, now: Instant) -> None:
        if self._cursor is None:
            return
        self._break_off_auction(now)
        decision = self._cursor.decision()
        context = self.machine.context
        routed = CallRouted(
            account=context.account,
            call=context.call,
            at_ms=now.utc_ms,
            plan=decision.plan,
            seed=decision.seed,
            versions=decision.versions,
            routed_ms=(time.perf_counter_ns() - self.routing_ns) // 1_000_000,
            outcome=command.outcome,
            reason=command.reason,
            offered=decision.offered,
            rejected=decision.rejected,
            more=decision.more,
            hop=self._hop,
            began_ms=self._began_ms if self._hop or self._waits_for is not None else None,
        )
        self._entries.append(Entry(routed, context.contact))
