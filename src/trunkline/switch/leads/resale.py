"""Leads that nobody took, offered again later by another plan.

Which leads wait for that lies in a table, written in the transaction that ends them; memory is its cache. What a lead
says is read from its `lead.received` when its time has come, so that nothing of an erased person is left here. It
never goes to a buyer that had it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.aging import due_again, why_not_again
from trunkline.events.changes import Change, ResaleDrop, ResalePut, StoredLead, StoredResale
from trunkline.events.entry import Entry
from trunkline.events.leads import LeadAccepted, LeadAgedOut, LeadUnmatched
from trunkline.switch.leads.preparing import names_of, prepared
from trunkline.switch.leads.recovery import order_of, read_left

if TYPE_CHECKING:
    from trunkline.switch.leads.live import LiveLead
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.leads")

WAITING_MAX: Final = 200_000
"""Leads that may wait to be offered again at once; the others are not."""
LOOK_S: Final = 1.0
AT_ONCE: Final = 16
"""Aged leads that are offered at once: leads that come in go first."""


class Resales:
    """The leads that are to be offered again, by id."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._waiting: dict[str, StoredResale] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def restore(self, stored: Iterable[StoredResale]) -> None:
        """Take over what waited when the process before this one ended."""
        self._waiting = {each.lead.lead: each for each in stored}

    def after(self, world: World, live: LiveLead, event: LeadUnmatched | LeadAccepted) -> Sequence[Change]:
        """What is to be written with a lead's end, so that it is offered again; it waits from now on."""
        context = live.machine.context
        rules = world.accounts[context.account].campaigns[context.campaign].leads.resale
        due_ms = due_again(rules, event, rounds=live.rounds, first_ms=live.first_ms, exclusive=live.exclusive)
        if due_ms is None or context.test:
            return ()
        if len(self._waiting) >= WAITING_MAX:
            log.warning("lead %s is not offered again: %d wait for that already", context.lead, WAITING_MAX)
            return ()
        lead = StoredLead(
            lead=context.lead,
            account=context.account,
            campaign=context.campaign,
            publisher=context.publisher,
            contact=context.contact,
            received_ms=live.first_ms,
            paid=live.machine.books.paid,
        )
        stored = self._waiting[context.lead] = StoredResale(lead, due_ms, live.rounds + 1)
        return (ResalePut(stored),)

    async def run(self) -> None:
        """Offer what is due, for ever."""
        try:
            while True:
                self.look()
                await asyncio.sleep(LOOK_S)
        finally:
            for task in self._tasks:
                task.cancel()

    def look(self) -> None:
        """Begin to offer what is due, as far as there is room."""
        if not self._waiting or not self._plant.journal.healthy:
            return
        now_ms = self._plant.clock().utc_ms
        due = [each for each in self._waiting.values() if each.due_ms <= now_ms]
        for stored in sorted(due, key=lambda each: each.due_ms)[: AT_ONCE - len(self._tasks)]:
            del self._waiting[stored.lead.lead]
            task = self._plant.loop.create_task(self._offer(stored))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _offer(self, stored: StoredResale) -> None:
        plant, lead = self._plant, stored.lead
        try:
            (left,) = await asyncio.to_thread(read_left, plant.data, (lead,))
            index = plant.world.accounts.get(lead.account)
            campaign = None if index is None else index.campaigns.get(lead.campaign)
            rules = None if campaign is None else campaign.leads.resale
            erased = left.erased or left.received is None
            why = why_not_again(rules, erased=erased, first_ms=lead.received_ms, now_ms=plant.clock().utc_ms)
            if why is not None or index is None or rules is None or left.received is None:
                self._drop(lead, why or "not_asked_for")
                return
            left.rounds = stored.round
            plan = msgspec.structs.replace(lead, plan=rules.plan)
            left.stored = plan
            order = order_of(left, left.received, index.config.account.currency, answer=False)
            names = names_of(plant, plant.world, order, lead.lead)
            async with plant.leads.alone(names.same):
                before = left.before(index)
                live = prepared(plant, plant.world, order, lead.lead, names, plant.clock(), left.looked_up(), before)
                live.first_ms, live.sold = lead.received_ms, left.sold
                log.info("lead %s is offered again, for the %d. time, by %s", lead.lead, stored.round, rules.plan)
                await plant.leads.run(live, i.Aged(stored.round, rules.plan, lead.paid))
        except Exception:
            plant.metrics.lead_errors.inc()
            log.exception("lead %s cannot be offered again: an error of ours; the next start tries again", lead.lead)

    def _drop(self, lead: StoredLead, why: str) -> None:
        out = LeadAgedOut(account=lead.account, call=lead.lead, at_ms=self._plant.clock().utc_ms, reason=why)
        self._plant.write([Entry(out)], [ResaleDrop(lead.lead)])
        log.info("lead %s is not offered again: %s", lead.lead, why)
