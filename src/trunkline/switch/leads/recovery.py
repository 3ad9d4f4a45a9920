"""After a crash, or a stop that could not wait: leads that were being sold go on, each where it stood.

What a lead says is read from its `lead.received`. A post that was open may have reached its buyer: it is sent once more
under its own id, so that a buyer that honours `Idempotency-Key` takes the lead once and says what it said. When that
gets no answer, nobody knows whether the buyer has the lead: it ends `interrupted` and is offered to nobody else. A lead
without an open post goes on to the next buyer. Held leads wait on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.config.lookup import AccountIndex
from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.aging import buyers_that_had
from trunkline.engine.leads.outcomes import TAKEN
from trunkline.engine.leads.sales import Sale, unpacked
from trunkline.engine.routing.offer import Attribute
from trunkline.engine.terms.promises import unpacked as unpacked_promise
from trunkline.events.calls import CallRepeated, OfferReserved
from trunkline.events.changes import LeadDrop, StoredLead
from trunkline.events.entry import Entry, Event
from trunkline.events.leads import DeliveryEnded, LeadAged, LeadEnded, LeadReceived
from trunkline.journal.reader import JournalReader
from trunkline.kernel.clock import Instant
from trunkline.switch.leads.answers import Answer, answered
from trunkline.switch.leads.idempotency import keeping
from trunkline.switch.leads.orders import LeadOrder
from trunkline.switch.leads.preparing import Before, names_of, prepared

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.leads")

_FIELD = "lead."


class LeftLead:
    """A lead of the process before this one, with its open sale and its events."""

    def __init__(self, stored: StoredLead, events: Sequence[Event], *, erased: bool) -> None:
        self.stored = stored
        self.sale: Sale | None = None if stored.sale is None else unpacked(stored.sale)
        self.received = next((event for event in events if isinstance(event, LeadReceived)), None)
        self.taken = frozenset(event.target for event in events if isinstance(event, OfferReserved))
        self.had = buyers_that_had(events)
        self.rounds = sum(isinstance(event, LeadAged) for event in events)
        self.seen = next((event.seen for event in events if isinstance(event, CallRepeated)), ())
        offers = [event for event in events if isinstance(event, OfferReserved)]
        bought = {event.attempt for event in events if isinstance(event, DeliveryEnded) and event.outcome in TAKEN}
        self.sold = tuple(event.buyer for event in offers if event.attempt in bought)
        self.erased = erased

    def before(self, index: AccountIndex) -> Before:
        """What is to be known of it when it goes on: an aged lead goes to no buyer that had it."""
        taken = self.taken
        if self.rounds:
            taken |= {key for key, target in index.targets.items() if target.buyer in self.had}
        return Before(_repeat(self.received), taken, self.seen)

    def looked_up(self) -> dict[str, Attribute]:
        """What other servers said of it when it came in."""
        assert self.received is not None, "a lead goes on by what it said"
        known, basis = self.received.attributes, self.received.basis
        return {name: Attribute(value, basis[name]) for name, value in known.items() if name.startswith("tag.")}


def read_left(folder: Path, stored: Sequence[StoredLead]) -> list[LeftLead]:
    """The leads with what the journal tells of them. Reads the disk."""
    if not stored:
        return []
    found = []
    with JournalReader(folder) as reader:
        for lead in stored:
            records = reader.records_of(lead.lead)
            erased = any(record.erased for record in records)
            found.append(LeftLead(lead, [record.event for record in records], erased=erased))
    return found


def go_on(plant: Plant, left: Sequence[LeftLead]) -> list[asyncio.Task[None]]:
    """Go on with all of them that wait for nobody, at once; the tasks that do so."""
    return [plant.loop.create_task(_resume(plant, lead)) for lead in left if lead.stored.held is None]


async def _resume(plant: Plant, left: LeftLead) -> None:
    stored, now = left.stored, plant.clock()
    index = plant.world.accounts.get(stored.account)
    campaign = None if index is None else index.campaigns.get(stored.campaign)
    if left.received is None or left.erased or index is None or campaign is None:
        give_up(plant, left, "erased" if left.erased else "campaign_gone", now)
        return
    if stored.plan is not None and stored.plan not in plant.world.routers[stored.account].programs:
        give_up(plant, left, "plan_gone", now)
        return
    order = order_of(left, left.received, index.config.account.currency)
    log.info("lead %s goes on where it stood", stored.lead)
    resume = partial(_sell, plant, left, order, index.config.account.currency)
    try:
        if stored.post is None:
            await resume()
        else:
            name = (stored.account, stored.publisher, stored.post.key)
            await plant.posts.once(name, stored.post.digest, resume)
    except Exception:
        plant.metrics.lead_errors.inc()
        log.exception("lead %s cannot go on: an error of ours; the next start tries again", stored.lead)


async def _sell(plant: Plant, left: LeftLead, order: LeadOrder, currency: str) -> Answer:
    stored = left.stored
    names = names_of(plant, plant.world, order, stored.lead)
    async with plant.leads.alone(names.same):
        before = left.before(plant.world.accounts[stored.account])
        live = prepared(plant, plant.world, order, stored.lead, names, plant.clock(), left.looked_up(), before)
        live.first_ms, live.rounds = stored.received_ms, left.rounds
        live.sold = left.sold
        answer = await plant.leads.run(live, i.Resumed(left.sale, stored.bought, stored.paid))
    return answered(answer, currency, test=False)


def order_of(left: LeftLead, received: LeadReceived, currency: str, *, answer: bool = True) -> LeadOrder:
    """What was asked when the lead came in; without `answer` nobody waits any more for what becomes of it."""
    stored, post = left.stored, left.stored.post if answer else None
    fields = {name: value for name, value in received.attributes.items() if name.startswith(_FIELD)}
    return LeadOrder(
        account=stored.account,
        campaign=stored.campaign,
        publisher=stored.publisher,
        source=received.source,
        via=received.via,
        values={name.removeprefix(_FIELD): value for name, value in fields.items()},
        consent=received.consent,
        ignored=received.ignored,
        flags=received.flags,
        ping=received.ping,
        plan=stored.plan,
        promise=None if stored.promise is None else unpacked_promise(stored.promise),
        post=post,
        kept=None if post is None else keeping(stored.account, stored.publisher, post, currency, test=False),
    )


def _repeat(received: LeadReceived | None) -> bool | None:
    known = None if received is None else received.attributes.get("caller.repeat")
    return None if known is None else known == "yes"


def give_up(plant: Plant, left: LeftLead, reason: str, now: Instant) -> None:
    """Nobody can go on with the lead: what is open of it ends."""
    stored, sale = left.stored, left.sale
    entries: list[Entry] = []
    if sale is not None:
        ended = DeliveryEnded(
            account=stored.account, call=stored.lead, at_ms=now.utc_ms, attempt=sale.attempt, outcome="interrupted",
            reason=reason,
        )  # fmt: skip
        entries.append(Entry(ended, stored.contact))
        plant.capacity.release(sale.lease, now)
    end = LeadEnded(account=stored.account, call=stored.lead, at_ms=now.utc_ms, outcome="interrupted", reason=reason)
    entries.append(Entry(end, stored.contact))
    plant.write(entries, [LeadDrop(stored.lead)])
    log.warning("lead %s of the process before cannot go on: %s", stored.lead, reason)
