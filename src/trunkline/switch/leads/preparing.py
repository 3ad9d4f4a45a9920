"""What a lead is before it is sold: all that routing knows of it, what was before, the machine that will sell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.schema import Campaign, Kind
from trunkline.engine.leads.consent import consent_attributes
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.machine import LeadMachine
from trunkline.engine.leads.review import held_for
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.events.changes import ContactSeen
from trunkline.events.contacts import Seen
from trunkline.events.sealing import contact_hash
from trunkline.kernel.clock import Instant
from trunkline.switch.history import CallHistory
from trunkline.switch.leads.live import LiveLead
from trunkline.switch.leads.orders import LeadOrder

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

NO_CALLER: Final = frozenset({"caller.anonymous"})
"""A lead without a number has none; it does not withhold it."""
_NOTHING: Final[frozenset[str]] = frozenset()
_SAME: Final = "same\0"
"""Sets what makes leads the same apart from numbers and addresses."""


class Names(msgspec.Struct, frozen=True):
    """The keyed hashes that a lead is known by: `contact` seals it, `same` is what leads like it have in common."""

    contact: str
    same: str


class Before(msgspec.Struct, frozen=True):
    """What a lead was when it came in, earlier: whether its contact had come before, and what was known of that.

    `taken` are the targets that it is not offered to (again).
    """

    repeat: bool | None
    taken: frozenset[str]
    seen: tuple[Seen, ...] = ()


def names_of(plant: Plant, world: World, order: LeadOrder, lead: str) -> Names:
    """By its number, else its address, else by itself; the same is what its campaign says, else the contact."""
    form = world.form(order.account, order.campaign)
    known_by = form.phone(order.values) or (form.email(order.values) or lead).lower()
    contact = contact_hash(plant.contact_secret, order.account, known_by)
    campaign = world.accounts[order.account].campaigns[order.campaign]
    values = [order.values.get(name) for name in campaign.leads.same_by]
    if not any(values):
        return Names(contact, contact)
    same = _SAME + msgspec.json.encode(values).decode()
    return Names(contact, contact_hash(plant.contact_secret, order.account, same))


def prepared(
    plant: Plant,
    world: World,
    order: LeadOrder,
    lead: str,
    names: Names,
    received: Instant,
    looked_up: Mapping[str, Attribute],
    before: Before | None = None,
) -> LiveLead:
    """The lead, ready to be sold. `looked_up` is what other servers said of it.

    `before`: it was taken in already, by a process that is gone.
    """
    account = order.account
    router = world.routers[account]
    campaign = world.accounts[account].campaigns[order.campaign]
    changes = order.changes
    repeat = None if before is None else before.repeat
    if before is None and not order.test and order.block is None:
        repeat = plant.contacts.see((account, campaign.key, names.contact), received.utc_ms)
        changes += (ContactSeen(account, campaign.key, names.contact, received.utc_ms),)
    past = () if before is None else before.seen
    histories = _histories(plant, world, order, lead, campaign, names, past)
    attributes = {**attributes_of(plant, world, order, repeat, received.utc_ms), **looked_up}
    plant.geo.notice(attributes)
    overlay = plant.geo.overlay.version
    query = Query(
        account=account,
        kind=Kind.LEAD,
        campaign=campaign.key,
        publisher=order.publisher,
        source=order.source,
        number=None,
        attributes=attributes,
        now=received,
        seed=int.from_bytes(plant.entropy(8)) >> 1 if order.seed is None else order.seed,
        plan=order.plan,
        taken=_NOTHING if before is None else before.taken,
        history=histories[0].seen() if histories else (),
        geo=overlay,
        bids=order.bids,
        promise=order.promise,
    )
    hold = order.hold
    if hold is None and before is None and not order.test and order.block is None:
        hold = held_for(campaign.leads.review, attributes, router.types)
    known: dict[str, str] = {}
    basis: dict[str, str] = {}
    for name, each in attributes.items():
        if not each.chances:
            known[name], basis[name] = each.value, each.basis
    context = LeadContext(
        lead=lead,
        account=account,
        campaign=campaign.key,
        publisher=order.publisher,
        source=order.source,
        via=order.via,
        contact=names.contact,
        attributes=known,
        basis=basis,
        consent=dict(order.consent),
        ignored=order.ignored,
        snapshot=world.snapshot.digest,
        geo=overlay,
        ping=order.ping,
        flags=order.flags,
        test=order.test,
        hold=hold,
        block=order.block,
        payout=router.incoming_payout(query) if campaign.payouts and order.promise is None else None,
        pays=bool(campaign.payouts) or order.promise is not None,
        share=router.programs[order.plan or campaign.plan].plan.share_buyers,
    )

    def new_cursor() -> Cursor:
        return router.cursor(query, plant.facts.of(account))

    return LiveLead(plant, world, LeadMachine(context, received), new_cursor, order, histories, changes)


def attributes_of(
    plant: Plant, world: World, order: LeadOrder, repeat: bool | None, utc_ms: int
) -> dict[str, Attribute]:
    """What routing knows of a lead by itself: its fields and its consent, and what follows from them."""
    form = world.form(order.account, order.campaign)
    phone = form.phone(order.values)
    router = world.routers[order.account]
    origin = router.origin(phone, order.publisher, order.source, None, repeat, None, plant.geo.overlay)
    stated = form.attributes(order.values)
    if order.consent:
        stated |= consent_attributes(order.consent)
    return derive(origin, stated, utc_ms, NO_CALLER if phone is None else _NOTHING)


def _histories(
    plant: Plant,
    world: World,
    order: LeadOrder,
    lead: str,
    campaign: Campaign,
    names: Names,
    past: tuple[Seen, ...],
) -> tuple[CallHistory, ...]:
    """The past of what the lead is known by, each once; a test lead adds nothing. None where no rule asks for it."""
    kept = world.contact_events.get(order.account)
    if kept is None or order.block is not None:
        return ()
    kept = frozenset() if order.test else kept
    return tuple(
        CallHistory(plant.histories, order.account, name, campaign, lead, kept, anonymous=False, past=past)
        for name in dict.fromkeys((names.same, names.contact))
    )
