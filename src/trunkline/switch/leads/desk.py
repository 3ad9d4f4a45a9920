"""The desk where leads are sold, whichever way they come in: a form's post, a post after a ping, a file, a review.

Whether a lead repeats another one is exact under concurrent posts: where rules about duplicates ask for the past, leads
of one contact are sold one after another, so each knows what came of those before it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trunkline.config.lead_rules import Lookup
from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.outcomes import LeadOutcome
from trunkline.engine.routing.offer import Attribute
from trunkline.kernel.clock import Instant
from trunkline.switch.leads.asking import look_up
from trunkline.switch.leads.live import LiveLead
from trunkline.switch.leads.orders import LeadAnswer, LeadOrder
from trunkline.switch.leads.preparing import Names, attributes_of, names_of, prepared

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World


SAME_WAITING_MAX: Final = 16
"""Leads of one contact that wait for one another: one that is sent again and again must not keep the others out."""


class LeadDesk:
    """Sells leads. `live` are those that are being sold, by id."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._busy: dict[str, asyncio.Event | None] = {}
        self._waiting: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._closing = False
        self.live: dict[str, LiveLead] = {}

    def renew(self, now: Instant) -> None:
        """Renew the leases of the leads that are being posted."""
        for lead in self.live.values():
            if lead.lease is not None:
                self._plant.capacity.renew(lead.lease, now)

    def cut(self) -> None:
        """Stop selling, where it is: what is on disk of these leads goes on with the next start."""
        self._closing = True
        for task in self._tasks.values():
            task.cancel()

    async def sell(self, order: LeadOrder) -> LeadAnswer:
        """Sell a lead; the answer is durable. The campaign of `order` is one of its account's."""
        plant, received = self._plant, self._plant.clock()
        lead = order.lead or plant.ids.make("lead", received.utc_ms)
        world = plant.world
        names = names_of(plant, world, order, lead)
        if order.account not in world.contact_events or order.test:
            return await self._sell(order, world, lead, names, received)
        if names.same in self._busy:
            if self._waiting[names.same] >= SAME_WAITING_MAX:
                plant.metrics.leads_refused.labels("same_waiting").inc()
                return LeadAnswer(lead=lead, status="failed")  # to be sent again when those have been sold
            await self._enter(names.same)
        else:
            self._busy[names.same] = None
        try:
            # What came of those before it is the past from now on.
            return await self._sell(order, plant.world, lead, names, plant.clock())
        finally:
            self._leave(names.same)

    async def _sell(self, order: LeadOrder, world: World, lead: str, names: Names, received: Instant) -> LeadAnswer:
        plant = self._plant
        claimed = await plant.claims.before_sale(world, order, lead) if "certificate" in order.consent else None
        if claimed is not None and claimed.outcome == "refused":
            order = msgspec.structs.replace(order, block="certificate")
        elif claimed is not None and claimed.outcome == "error":
            order = msgspec.structs.replace(order, flags=(*order.flags, "certificate_not_checked"))
        lookups = world.accounts[order.account].campaigns[order.campaign].leads.lookups
        looked_up = await self._look_up(lookups, order, world, received) if lookups else {}
        if self._closing:
            return LeadAnswer(lead=lead, status="failed")  # nothing is on disk: to be sent again when we are back
        live = prepared(plant, world, order, lead, names, received, looked_up)
        live.claimed = claimed
        if live.machine.context.hold is not None and plant.held.full:
            return LeadAnswer(lead=lead, status="failed")  # nobody looks at them: to be sent again later
        return await self.run(live, i.Arrived())

    async def _look_up(
        self, lookups: tuple[Lookup, ...], order: LeadOrder, world: World, received: Instant
    ) -> Mapping[str, Attribute]:
        """What other servers say of the lead, by the look-ups of its campaign."""
        if order.block is not None:
            return {}
        attributes = attributes_of(self._plant, world, order, None, received.utc_ms)
        known = {name: each.value for name, each in attributes.items() if not each.chances}
        return await look_up(self._plant, world, lookups, known)

    @asynccontextmanager
    async def alone(self, same: str) -> AsyncIterator[None]:
        """Nobody else sells a lead of that name meanwhile."""
        await self._enter(same)
        try:
            yield
        finally:
            self._leave(same)

    async def _enter(self, same: str) -> None:
        if same in self._busy:
            self._waiting[same] += 1
            try:
                while same in self._busy:
                    over = self._busy[same] = self._busy[same] or asyncio.Event()
                    await over.wait()
            finally:
                self._waiting[same] -= 1
                if not self._waiting[same]:
                    del self._waiting[same]
        self._busy[same] = None  # nobody waits yet, and mostly nobody will

    def _leave(self, same: str) -> None:
        over = self._busy.pop(same)
        if over is not None:
            over.set()

    async def run(self, live: LiveLead, event: i.Input) -> LeadAnswer:
        """Sell a lead from `event` on."""
        if self._closing:  # it has waited for another one of its name
            raise asyncio.CancelledError
        plant, lead, began = self._plant, live.machine.context.lead, self._plant.clock()
        task = asyncio.current_task(plant.loop)  # asking for the running loop costs a system call
        assert task is not None, "leads are sold by tasks"
        self.live[lead], self._tasks[lead] = live, task
        try:
            told = await live.run(event)
        finally:
            del self.live[lead], self._tasks[lead]
        outcome = live.machine.outcome
        assert outcome is not None, "a lead that is over has an outcome"
        if outcome is LeadOutcome.HELD:
            assert live.stored is not None, "a held lead is on disk"
            plant.held.add(live.stored)
        plant.metrics.leads_by_outcome[outcome].inc()
        plant.metrics.lead_seconds.observe(plant.clock().ms_since(began) / 1000)
        return live.answer(told)
