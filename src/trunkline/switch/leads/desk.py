"""The desk where leads are sold, whichever way they come in: a form's post, a post after a ping, a file, a review.

Whether a lead repeats another one is exact under concurrent posts: where rules about duplicates ask for the past, leads
of one contact are sold one after another, so each knows what came of those before it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.config.schema import Campaign, Kind
from trunkline.engine.leads import commands as c
from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.consent import consent_attributes
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.machine import LeadMachine
from trunkline.engine.leads.outcomes import LeadOutcome
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.router import Router
from trunkline.engine.routing.views import for_publisher
from trunkline.events.changes import Change, ContactSeen
from trunkline.events.sealing import contact_hash
from trunkline.kernel.clock import Instant
from trunkline.switch.history import CallHistory
from trunkline.switch.leads.asking import look_up
from trunkline.switch.leads.live import LiveLead
from trunkline.switch.leads.orders import LeadAnswer, LeadOrder

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

NO_CALLER = frozenset({"caller.anonymous"})
"""A lead without a number has none; it does not withhold it."""
_SAME = "same\0"
"""Sets what makes leads the same apart from numbers and addresses."""


class LeadDesk:
    """Sells leads. `live` are those that are being sold, by id."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._busy: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self.live: dict[str, LiveLead] = {}

    def renew(self, now: Instant) -> None:
        """Renew the leases of the leads that are being posted."""
        for lead in self.live.values():
            if lead.lease is not None:
                self._plant.capacity.renew(lead.lease, now)

    def cut(self) -> None:
        """Stop selling, where it is: what is on disk of these leads goes on with the next start."""
        for task in self._tasks.values():
            task.cancel()

    async def sell(self, order: LeadOrder) -> LeadAnswer:
        """Sell a lead; the answer is durable. The campaign of `order` is one of its account's."""
        plant, received = self._plant, self._plant.clock()
        lead = plant.ids.make("lead", received.utc_ms)
        world = plant.world
        campaign = world.accounts[order.account].campaigns[order.campaign]
        form = world.form(order.account, order.campaign)
        contact = self._contact(order.account, form.phone(order.values) or (form.email(order.values) or lead).lower())
        same = self._same(order, campaign) or contact
        if order.account not in world.contact_events or order.test:
            return await self._sell(order, world, lead, contact, same, received)
        while (busy := self._busy.get(same)) is not None:
            await busy.wait()
        self._busy[same] = asyncio.Event()
        try:
            return await self._sell(order, plant.world, lead, contact, same, received)
        finally:
            self._busy.pop(same).set()

    async def _sell(
        self, order: LeadOrder, world: World, lead: str, contact: str, same: str, received: Instant
    ) -> LeadAnswer:
        claimed = await self._plant.claims.before_sale(world, order, lead)
        if claimed is not None and claimed.outcome == "refused":
            order = msgspec.structs.replace(order, block="certificate")
        elif claimed is not None and claimed.outcome == "error":
            order = msgspec.structs.replace(order, flags=(*order.flags, "certificate_not_checked"))
        looked_up = await self._look_up(order, world, received)
        live = self._begin(order, world, lead, contact, same, received, looked_up)
        live.claimed = claimed
        task = asyncio.current_task()
        assert task is not None, "leads are sold by tasks"
        self.live[lead], self._tasks[lead] = live, task
        try:
            told = await live.run(i.Arrived())
        finally:
            del self.live[lead], self._tasks[lead]
        outcome = live.machine.outcome
        assert outcome is not None, "a lead that is over has an outcome"
        self._plant.metrics.leads.labels(outcome.value).inc()
        self._plant.metrics.lead_seconds.observe(self._plant.clock().ms_since(received) / 1000)
        return _answer(lead, live, outcome, told)

    async def _look_up(self, order: LeadOrder, world: World, received: Instant) -> dict[str, Attribute]:
        """What other servers say of the lead, by the look-ups of its campaign."""
        lookups = world.accounts[order.account].campaigns[order.campaign].leads.lookups
        if not lookups or order.block is not None:
            return {}
        attributes = self._attributes(order, world, world.routers[order.account], None, received.utc_ms)
        known = {name: each.value for name, each in attributes.items() if not each.chances}
        return await look_up(self._plant, world, lookups, known)

    def _begin(
        self,
        order: LeadOrder,
        world: World,
        lead: str,
        contact: str,
        same: str,
        received: Instant,
        looked_up: dict[str, Attribute],
    ) -> LiveLead:
        plant, account = self._plant, order.account
        index, router = world.accounts[account], world.routers[account]
        campaign = index.campaigns[order.campaign]
        changes: tuple[Change, ...] = ()
        repeat = None
        if not order.test and order.block is None:
            repeat = plant.contacts.see((account, campaign.key, contact), received.utc_ms)
            changes = (ContactSeen(account, campaign.key, contact, received.utc_ms),)
        histories = self._histories(order, world, lead, campaign, (same, contact)) if order.block is None else ()
        attributes = self._attributes(order, world, router, repeat, received.utc_ms) | looked_up
        known = {name: each.value for name, each in attributes.items() if not each.chances}
        query = Query(
            account=account,
            kind=Kind.LEAD,
            campaign=campaign.key,
            publisher=order.publisher,
            source=order.source,
            number=None,
            attributes=attributes,
            now=received,
            seed=int.from_bytes(plant.entropy(8)) >> 1,
            plan=order.plan,
            history=histories[0].seen() if histories else (),
            geo=plant.geo.overlay.version,
            promise=order.promise,
        )
        context = LeadContext(
            lead=lead,
            account=account,
            campaign=campaign.key,
            publisher=order.publisher,
            source=order.source,
            via=order.via,
            contact=contact,
            attributes=known,
            basis={name: attributes[name].basis for name in known},
            consent=dict(order.consent),
            ignored=order.ignored,
            snapshot=world.snapshot.digest,
            geo=plant.geo.overlay.version,
            ping=order.ping,
            flags=order.flags,
            test=order.test,
            hold=order.hold,
            block=order.block,
            payout=router.incoming_payout(query) if campaign.payouts else None,
            pays=bool(campaign.payouts),
        )

        def new_cursor(_now: Instant) -> Cursor:
            return router.cursor(query, plant.facts.of(account))

        return LiveLead(plant, world, LeadMachine(context, received), new_cursor, histories, changes)

    def _attributes(
        self, order: LeadOrder, world: World, router: Router, repeat: bool | None, utc_ms: int
    ) -> dict[str, Attribute]:
        """All that routing knows of the lead: its fields, and what follows from them."""
        plant, form = self._plant, world.form(order.account, order.campaign)
        phone = form.phone(order.values)
        origin = router.origin(phone, order.publisher, order.source, None, repeat, None, plant.geo.overlay)
        missing = NO_CALLER if phone is None else frozenset()
        stated = form.attributes(order.values)
        if order.consent:
            stated |= consent_attributes(order.consent)
        known = derive(origin, stated, utc_ms, missing)
        plant.geo.notice(known)
        return known

    def _histories(
        self, order: LeadOrder, world: World, lead: str, campaign: Campaign, contacts: tuple[str, ...]
    ) -> tuple[CallHistory, ...]:
        """The past of those contacts, each once; a test lead adds nothing to it. None where no rule asks for it."""
        kept = world.contact_events.get(order.account)
        if kept is None:
            return ()
        kept = frozenset() if order.test else kept
        return tuple(
            CallHistory(self._plant.histories, order.account, contact, campaign, lead, kept, anonymous=False)
            for contact in dict.fromkeys(contacts)
        )

    def _contact(self, account: str, known_by: str) -> str:
        return contact_hash(self._plant.contact_secret, account, known_by)

    def _same(self, order: LeadOrder, campaign: Campaign) -> str | None:
        """What leads that are the same have in common where the campaign says so; None: the contact."""
        values = [order.values.get(name) for name in campaign.leads.same_by]
        if not any(values):
            return None
        return self._contact(order.account, _SAME + msgspec.json.encode(values).decode())


def _answer(lead: str, live: LiveLead, outcome: LeadOutcome, told: c.Tell) -> LeadAnswer:
    reasons: tuple[str, ...] = ()
    if outcome in {LeadOutcome.UNSOLD, LeadOutcome.BLOCKED}:
        reasons = for_publisher("unsold", told.reason, live.rejected).reasons
    return LeadAnswer(lead=lead, status=told.status, payout=told.payout, reasons=reasons, of=told.of)
