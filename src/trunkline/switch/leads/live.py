"""One live lead: carries out what its machine says, and tells the machine what came of it.

A lead waits for one thing at a time, so it is one coroutine. What it writes between two waits is one append to the
journal: the seats of a lease, the offer that names it and the lead itself are durable together, or not at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from trunkline.engine.leads import commands as c
from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.machine import LeadMachine
from trunkline.engine.leads.outcomes import TAKEN, DeliveryOutcome, LeadOutcome
from trunkline.engine.leads.queueing import Queued, queued
from trunkline.engine.leads.sales import Sale, packed
from trunkline.engine.routing.auction import amounts
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction, Candidate, Exhausted, Offer
from trunkline.engine.routing.reasons import Unsold
from trunkline.engine.routing.views import for_publisher
from trunkline.engine.terms.promises import packed as packed_promise
from trunkline.engine.terms.promises import told
from trunkline.events.calls import CallRouted
from trunkline.events.changes import Change, LeadDrop, LeadPut, ResaleDrop, StoredLead
from trunkline.events.entry import Entry
from trunkline.events.leads import DeliveryEnded, LeadAccepted, LeadClaimed, LeadEnded, LeadReceived, LeadUnmatched
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import DECIDED_LATER, Lease
from trunkline.switch.bidding.lead import LeadBidding, refused
from trunkline.switch.history import CallHistory
from trunkline.switch.leads.orders import LeadAnswer, LeadOrder
from trunkline.switch.leads.posting import post_lead, unsure

if TYPE_CHECKING:
    from trunkline.config.lookup import AccountIndex
    from trunkline.config.schema import Target
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.leads")

OURS: Final = "internal_error"


class LiveLead:
    """The executor of one lead machine."""

    def __init__(
        self,
        plant: Plant,
        world: World,
        machine: LeadMachine,
        new_cursor: Callable[[], Cursor],
        order: LeadOrder,
        histories: tuple[CallHistory, ...] = (),
        changes: tuple[Change, ...] = (),
    ) -> None:
        """`order` is what was asked; `histories` are the past of what the lead is known by, the first judges."""
        self.machine = machine
        self.lease: str | None = None
        self.rejected: tuple[str, ...] = ()
        self.sold: tuple[str, ...] = ()
        """Buyers that have bought it, before a restart too."""
        self.claimed: LeadClaimed | None = None
        """What came of its certificate, where that was claimed before it was offered."""
        self.stored: StoredLead | None = None
        """What a restart would go on with."""
        self.first_ms = machine.received.utc_ms
        """When it came in first (UTC): before it was held, and before it was offered again."""
        self.rounds = 0
        """How often it has been offered again."""
        self.exclusive: dict[str, bool] = {}
        """The sales that were offered, and whether to one buyer alone."""
        self._plant = plant
        self._world = world
        self._new_cursor = new_cursor
        self._order = order
        self._cursor: Cursor | None = None
        self._bidding = LeadBidding(plant, world, machine.context) if order.bids else None
        self._histories = histories
        self._entries: list[Entry] = []
        self._changes: list[Change] = list(changes)
        self._began = False
        self._begun_on_disk = False
        self._resumed = False
        self._open: Sale | None = None
        self._queued: Queued | None = None
        self._stored = False
        self._routing_ns = time.perf_counter_ns()

    async def run(self, event: i.Input) -> c.Tell:
        """Sell the lead. An error of ours ends it `failed`, and gives back what it holds."""
        if isinstance(event, i.Resumed):
            self._resumed = self._stored = self._began = True
            self._open = event.sale
            self.lease = None if event.sale is None else event.sale.lease
        elif isinstance(event, i.Reviewed):
            self._stored = self._began = True
        elif isinstance(event, i.Aged):
            self._began, self.rounds = True, event.round
            self._changes.append(ResaleDrop(self.machine.context.lead))
        try:
            while True:
                now = self._plant.clock()
                commands = self.machine.handle(event, now)
                last = commands.pop()
                for command in commands:
                    _DO[type(command)](self, command, now)
                match last:
                    case c.Seek():
                        event = await self._seek(now)
                    case c.Await():
                        event = await self._await(last)
                    case c.Post():
                        event = await self._post(last)
                    case c.Tell():
                        if last.status == "failed":
                            self._unwrite()
                        self._append(patient=True)
                        if last.status == "accepted":
                            self._plant.claims.after_sale(self._world, self.machine.context)
                        return last
        except Exception:
            self._plant.metrics.lead_errors.inc()
            log.exception("lead %s is ended by an error of ours", self.machine.context.lead)
            return self._fail()

    def _fail(self) -> c.Tell:
        """The machine or its executor has failed: what was begun in the journal gets its end, seats are given back."""
        context, now = self.machine.context, self._plant.clock()
        if self._open is not None:
            self._entries.append(
                Entry(
                    DeliveryEnded(
                        account=context.account,
                        call=context.lead,
                        at_ms=now.utc_ms,
                        attempt=self._open.attempt,
                        outcome=DeliveryOutcome.INTERRUPTED.value,
                        reason=OURS,
                    ),
                    context.contact,
                )
            )
        if self.lease is not None:
            self._plant.capacity.release(self.lease, now)
        if self._began:
            ended = LeadEnded(
                account=context.account, call=context.lead, at_ms=now.utc_ms, outcome="failed", reason=OURS
            )
            self._entries.append(Entry(ended, context.contact))
        self.machine.outcome = LeadOutcome.FAILED
        # What a buyer may have got is not to be sent again.
        told = c.Tell("interrupted" if self.machine.on_disk else "failed", reason=OURS)
        if self.machine.on_disk:
            self._keep(c.Keep(told), now)
        else:
            self._unwrite()
        self._forget(c.Forget(), now)
        self._append(patient=True)
        return told

    # -- the journal -------------------------------------------------------------------------------------------------

    def _write(self, command: c.Write, _now: Instant) -> None:
        event = command.event
        self._entries.append(Entry(event, self.machine.context.contact))
        if isinstance(event, LeadReceived):
            self._began = True
            if self.claimed is not None:
                self._entries.append(Entry(self.claimed, self.machine.context.contact))
            if self._order.promise is not None:
                bids = amounts(self._order.bids)
                promised = told(self._order.promise, event.account, event.call, event.at_ms, bids)
                self._entries.append(Entry(promised, self.machine.context.contact))
        elif isinstance(event, LeadUnmatched | LeadAccepted):
            self._changes += self._plant.resales.after(self._world, self, event)
            if isinstance(event, LeadAccepted):
                self._changes += self._plant.claims.noted(self._world, self.machine.context)
        elif isinstance(event, DeliveryEnded):
            if self._queued is not None:  # now that the machine says so, and not if it fails before
                self._entries.append(Entry(self._queued.event, self.machine.context.contact))
                self._changes.append(self._queued.change)
                self._plant.outbox.queued()
                self._queued = None
            self._plant.metrics.deliveries.labels(event.outcome).inc()
            if event.outcome in TAKEN and self._open is not None:
                self.sold += (self._open.buyer,)
                if self._cursor is not None:  # else it is told when it is made
                    self._cursor.sold(self._open.buyer)
        buyer = None if self._open is None else self._open.buyer
        for history in self._histories:
            tells = history is self._histories[0]
            history.follow_lead(event, buyer, self._entries, self._changes, tells=tells)

    def _remember(self, command: c.Remember, _now: Instant) -> None:
        self._open = command.sale
        order, context = self._order, self.machine.context
        if context.test:
            return  # nobody waits for what becomes of it
        self._stored = True
        if command.sale is not None:
            self.exclusive[command.sale.attempt] = command.sale.exclusive
        stored = self.stored = StoredLead(
            lead=context.lead,
            account=context.account,
            campaign=context.campaign,
            publisher=context.publisher,
            contact=context.contact,
            received_ms=self.first_ms,
            sale=None if command.sale is None else packed(command.sale),
            bought=command.bought,
            paid=command.paid,
            held=command.held,
            plan=order.plan,
            post=order.post,
            promise=None if order.promise is None else packed_promise(order.promise),
        )
        self._changes.append(LeadPut(stored))

    def _keep(self, command: c.Keep, now: Instant) -> None:
        if self._order.kept is not None:
            self._changes.append(self._order.kept(self.answer(command.answer), now))

    def _forget(self, _command: c.Forget, _now: Instant) -> None:
        self._open = None
        if self._stored:
            self._stored = False
            self._changes.append(LeadDrop(self.machine.context.lead))

    def answer(self, told: c.Tell) -> LeadAnswer:
        """What whoever sent the lead is answered."""
        reasons: tuple[str, ...] = ()
        if told.status in {"unmatched", "blocked"}:
            reasons = for_publisher("unsold", told.reason, self.rejected).reasons
        lead = self.machine.context.lead
        return LeadAnswer(lead=lead, status=told.status, payout=told.payout, reasons=reasons, of=told.of)

    def _append(self, *, finishing: bool = True, patient: bool = False) -> Any:
        """Hand everything written since the last append to the journal, as one transaction; None for nothing."""
        entries, changes = self._entries, self._changes
        self._entries, self._changes = [], []
        return self._plant.write(entries, changes, finishing=finishing, patient=patient)

    async def _await(self, command: c.Await) -> i.Input:
        started_s = time.perf_counter()
        entries, changes = self._entries, self._changes
        future = self._append(finishing=not command.new)
        assert future is not None, "there is always something to wait for"
        if not await self._kept(future, entries, changes):
            return i.NotDurable()
        self._plant.metrics.journal.observe(time.perf_counter() - started_s)
        return i.Durable()

    async def _kept(self, future: Any, entries: list[Entry], changes: list[Change]) -> bool:
        """Whether it is durable now. What is not, is written with what comes next: no end without a beginning."""
        try:
            await future
        except JournalUnavailable:
            self._entries[:0], self._changes[:0] = entries, changes
            return False
        self._begun_on_disk = True
        return True

    def _unwrite(self) -> None:
        """Nothing was kept of the lead, and its sender hears so: nothing is written of it later either."""
        for history in self._histories:
            history.forget()
        if not self._begun_on_disk:
            self._entries, self._changes = [], []

    def _write_routing(self, command: c.WriteRouting, now: Instant) -> None:
        if self._cursor is None:
            return
        decision, context = self._cursor.decision(), self.machine.context
        self.rejected = tuple(each.reason for each in decision.rejected)
        routed = CallRouted(
            account=context.account,
            call=context.lead,
            at_ms=now.utc_ms,
            plan=decision.plan,
            seed=decision.seed,
            versions=decision.versions,
            routed_ms=(time.perf_counter_ns() - self._routing_ns) // 1_000_000,
            outcome=command.outcome,
            reason=command.reason,
            offered=decision.offered,
            rejected=decision.rejected,
            more=decision.more,
            began_ms=self.machine.received.utc_ms,
        )
        self._entries.append(Entry(routed, context.contact))

    # -- selling -----------------------------------------------------------------------------------------------------

    async def _seek(self, now: Instant) -> i.Input:
        plant = self._plant
        started_ns = time.perf_counter_ns()
        if self._cursor is None:
            self._cursor = self._new_cursor()
            for buyer in self.sold:
                self._cursor.sold(buyer)
        while isinstance(found := self._next(self._cursor, now), Auction):
            if not self._stored:
                self._remember(c.Remember(paid=self.machine.books.paid), now)
            entries, changes = self._entries, self._changes
            written = self._append()  # bidders take their time
            self._bidding = self._bidding or LeadBidding(plant, self._world, self.machine.context)
            await self._bidding.ask(found, self._cursor)
            if written is not None and await self._kept(written, entries, changes) and self._stored:
                self.machine.on_disk = True
            started_ns, now = time.perf_counter_ns(), plant.clock()
        took_ns = time.perf_counter_ns() - started_ns
        plant.metrics.decision.observe(took_ns / 1e9)
        if self._bidding is not None:
            contact = self.machine.context.contact
            self._entries += [Entry(event, contact) for event in self._bidding.entries(self._cursor, now)]
        if isinstance(found, Offer):
            self.lease = found.lease.id
            if self._bidding is not None:
                self._bidding.offered(found.candidate)
            exclusive = self.machine.context.share == 1 or self._cursor.is_exclusive(found.candidate)
            return i.Offered(found, found.lease.attempt, took_ns // 1000, exclusive)
        of = None
        if found.reason == Unsold.DUPLICATE.value and self._histories:
            of = self._histories[0].repeats(now.utc_ms)
        return i.Exhausted(found.reason, of)

    def _next(self, cursor: Cursor, now: Instant) -> Offer | Auction | Exhausted:
        """The next offer with its seats held; a test lead takes none. Ids are made for offers alone."""
        plant, context = self._plant, self.machine.context
        while isinstance(found := cursor.candidate(plant.capacity, now), Candidate):
            attempt, lease = plant.ids.make("att", now.utc_ms), plant.ids.make("lease", now.utc_ms)
            if context.test:
                return cursor.take(found, Lease(lease, context.account, context.lead, attempt, (), now.utc_ms))
            held = plant.capacity.reserve(lease, context.account, context.lead, attempt, found.demands, found.turn, now)
            if isinstance(held, Lease):
                return cursor.take(found, held)
            cursor.refuse(found, held)
        return found

    async def _post(self, command: c.Post) -> i.Delivered:
        index = self._world.accounts[self.machine.context.account]
        target = index.targets.get(command.sale.target)
        context, resumed = self.machine.context, self._take_resumed()
        deliver = None if target is None else target.deliver
        if command.sale.bid is not None and (no := await self._not_confirmed(command.sale, resumed=resumed)):
            return no
        if target is not None and deliver is not None and not context.test:
            if deliver.queued:
                return self._queue(index, target, command.sale)
            if self._bidding is not None and (delivered := await self._bidding.post(command.sale, deliver.deadline_ms)):
                return unsure(delivered, target, resumed=resumed)
        return await post_lead(self._plant, self._world, context, command.sale, target, resumed=resumed)

    async def _not_confirmed(self, sale: Sale, *, resumed: bool) -> i.Delivered | None:
        """Ask the winner of an auction whether it stands by its bid, where it has to say so; None when it does."""
        context = self.machine.context
        self._bidding = self._bidding or LeadBidding(self._plant, self._world, context)
        event = None if resumed else await self._bidding.confirm(sale)
        if event is None:
            return None
        self._entries.append(Entry(event, context.contact))
        return refused(event)

    def _queue(self, index: AccountIndex, target: Target, sale: Sale) -> i.Delivered:
        """Have the lead put into the outbox: durable with the acceptance, and only with it."""
        context, now_ms = self.machine.context, self._plant.clock().utc_ms
        if self._plant.outbox.full:
            return i.Delivered(DeliveryOutcome.HTTP_ERROR, "outbox_full", sent=False)
        self._queued = queued(
            index,
            target,
            context.attributes,
            lead=context.lead,
            attempt=sale.attempt,
            campaign=context.campaign,
            now_ms=now_ms,
        )
        return i.Delivered(DeliveryOutcome.QUEUED, sent=False)

    def _take_resumed(self) -> bool:
        """Whether the post at hand is the one that was open when the process before this one ended."""
        resumed, self._resumed = self._resumed, False
        return resumed

    def _settle(self, command: c.Settle, now: Instant) -> None:
        self._plant.capacity.settle(command.lease, command.measure, now, command.amount)

    def _release(self, command: c.Release, now: Instant) -> None:
        keep = DECIDED_LATER if command.keep_s else frozenset()
        self._plant.capacity.release(command.lease, now, keep, 1000 * command.keep_s)
        if command.lease == self.lease:
            self.lease = None
        self._plant.queues.freed()


_DO: dict[type, Callable[[LiveLead, Any, Instant], None]] = {
    c.Write: LiveLead._write,
    c.Remember: LiveLead._remember,
    c.Keep: LiveLead._keep,
    c.Forget: LiveLead._forget,
    c.WriteRouting: LiveLead._write_routing,
    c.Settle: LiveLead._settle,
    c.Release: LiveLead._release,
}
"""What carries out each command that nothing is waited for."""
