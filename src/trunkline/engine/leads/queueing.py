"""A lead on its way into the outbox: what is kept of it, and until when it waits.

What is sent is made when it is sent, of what was known of the lead and of the configuration of that moment. So a
buyer's address that was wrong is put right for what waits and what is dead, and no half of a message is kept anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trunkline.config.deliveries import Deliver
from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Target
from trunkline.engine.leads.timetable import due_ms
from trunkline.events.changes import OutboxPut, StoredDelivery
from trunkline.events.deliveries import DeliveryQueued


class Queued(msgspec.Struct, frozen=True):
    """What is written, in one commit with the acceptance: the event, and the place in the outbox."""

    event: DeliveryQueued
    change: OutboxPut


def queued(
    index: AccountIndex,
    target: Target,
    known: Mapping[str, str],
    *,
    lead: str,
    attempt: str,
    campaign: str,
    now_ms: int,
) -> Queued:
    """The lead of which `known` attributes are known, for a target whose delivery is one that is queued."""
    deliver = target.deliver
    assert deliver is not None, "only targets for leads are offered leads"
    assert deliver.queued, "a URL is posted to"
    due = due_ms(deliver.sheet, zone_for(index, target), now_ms)
    account = index.config.account.key
    event = DeliveryQueued(
        account=account,
        call=lead,
        at_ms=now_ms,
        attempt=attempt,
        kind=deliver.kind,
        buyer=target.buyer,
        target=target.key,
        campaign=campaign,
        due_ms=due,
        values=dict(known),
    )
    row = StoredDelivery(
        attempt=attempt,
        account=account,
        call=lead,
        target=target.key,
        kind=deliver.kind,
        queued_ms=now_ms,
        due_ms=due,
    )
    return Queued(event, OutboxPut(row))


def zone_for(index: AccountIndex, target: Target) -> str:
    """The zone whose clock a target's deliveries go by: its own, else the buyer's, else the account's."""
    buyer = index.buyers.get(target.buyer)
    return target.timezone or (buyer.timezone if buyer is not None else None) or index.config.account.timezone


def goes_together(deliver: Deliver) -> bool:
    """Whether several leads go out as one."""
    return deliver.sheet is not None and deliver.sheet.every is not None
