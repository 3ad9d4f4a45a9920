"""One post of a lead to its buyer: built by the target's rules, sent under its deadline, judged by its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.deliveries import Deliver
from trunkline.config.schema import Target
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.delivery import Verdict, judged, post_of
from trunkline.engine.leads.inputs import Delivered
from trunkline.engine.leads.outcomes import DeliveryOutcome
from trunkline.engine.leads.retries import post_again_ms
from trunkline.engine.leads.sales import Sale
from trunkline.engine.payloads.echoes import without_echoes
from trunkline.events.entry import Entry
from trunkline.events.leads import DeliveryLate
from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import NoAnswer, Why
from trunkline.switch.bidding.lead import places_of

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World


LATE_S: Final = 10.0
"""How long after its deadline an answer is still waited for, to be recorded."""
_PASSING: Final = frozenset({Why.UNREACHABLE, Why.BROKEN})
"""Why there was no answer, where the next moment may be better."""
_OVERLOADED: Final = frozenset({429, 502, 503, 504})
"""Answers by which a buyer has not taken the lead and may do so in a moment."""


async def post_lead(
    plant: Plant, world: World, context: LeadContext, sale: Sale, target: Target | None, *, resumed: bool = False
) -> Delivered:
    """Send the lead to `target` (None: there is none of that name any more); what came of it.

    A test lead goes to the target's `test_url`, or nowhere. `resumed`: the same post may have been sent before by a
    process that is gone; when it gets no answer now, nobody knows whether the buyer has the lead.
    """
    if target is None or target.deliver is None:
        return Delivered(DeliveryOutcome.INTERRUPTED, "target_gone", sent=resumed, stop=resumed)
    if context.test and target.test_url is None:
        return Delivered(DeliveryOutcome.REJECTED, "no_test_url", sent=False)
    deliver = world.secrets.of(target.deliver)
    known = {**context.attributes, **places_of(sale.bid)}
    test_url = world.secrets.template(target.test_url) if context.test and target.test_url is not None else None
    request = post_of(deliver, known, sale.attempt, url=test_url)
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    def late(answer: Answer) -> None:
        _write_late(plant, world, context, sale, deliver, answer, round((loop.time() - began_s) * 1000))

    answer = await _exchange(plant, request, deliver, began_s + deliver.deadline_ms / 1000, late)
    took_ms = round((loop.time() - began_s) * 1000)
    if isinstance(answer, NoAnswer):
        return _unanswered(answer, took_ms, resumed=resumed, stop=target.on_timeout == "stop")
    verdict = judged(deliver, answer)
    reason, buyers_id = _kept(world, context, verdict)
    return Delivered(DeliveryOutcome(verdict.outcome.value), reason, answer.status, took_ms, buyers_id)


def _kept(world: World, context: LeadContext, verdict: Verdict) -> tuple[str | None, str | None]:
    """The buyer's reason and id as they may be kept: without our secrets, and without what it repeats of a lead."""
    reason = None if verdict.reason is None else world.secrets.masked(verdict.reason)
    buyers_id = None if verdict.buyers_id is None else world.secrets.masked(verdict.buyers_id)
    return None if reason is None else without_echoes(reason, context.attributes), buyers_id


def unsure(delivered: Delivered, target: Target, *, resumed: bool) -> Delivered:
    """The same about a post that went in the way of a bidder's network: where it was not answered, who has the lead?"""
    if delivered.status is not None:
        return delivered
    if resumed:
        return msgspec.structs.replace(delivered, outcome=DeliveryOutcome.INTERRUPTED, sent=True, stop=True)
    return msgspec.structs.replace(delivered, stop=target.on_timeout == "stop" and delivered.sent)


def _write_late(
    plant: Plant, world: World, context: LeadContext, sale: Sale, deliver: Deliver, answer: Answer, after_ms: int
) -> None:
    """Keep what a buyer has said too late, so that its books and ours can be compared. Nobody owes for it."""
    verdict = judged(deliver, answer)
    reason, buyers_id = _kept(world, context, verdict)
    event = DeliveryLate(
        account=context.account,
        call=context.lead,
        at_ms=plant.clock().utc_ms,
        attempt=sale.attempt,
        outcome=verdict.outcome.value,
        reason=reason,
        status=answer.status,
        after_ms=after_ms,
        buyers_id=buyers_id,
    )
    plant.write([Entry(event, context.contact)], patient=True)


async def _exchange(
    plant: Plant, request: Request, deliver: Deliver, deadline_s: float, late: Callable[[Answer], None]
) -> Answer | NoAnswer:
    """Post, and post again where that is safe and there is time; `sent` is about all of it."""
    loop = asyncio.get_running_loop()
    tries, sent = 0, False
    while True:
        tries += 1
        answer = await plant.http.exchange_or_later(request, deadline_s, LATE_S, late)
        if isinstance(answer, NoAnswer):
            sent = sent or answer.sent
            passing = answer.why in _PASSING
        else:
            sent, passing = True, answer.status in _OVERLOADED
        left_ms = int((deadline_s - loop.time()) * 1000)
        wait_ms = post_again_ms(passing=passing, sent=sent, idempotent=deliver.idempotent, tries=tries, left_ms=left_ms)
        if wait_ms is None:
            return msgspec.structs.replace(answer, sent=sent) if isinstance(answer, NoAnswer) else answer
        await asyncio.sleep(wait_ms / 1000)


def _unanswered(answer: NoAnswer, took_ms: int, *, resumed: bool, stop: bool) -> Delivered:
    if resumed:
        return Delivered(DeliveryOutcome.INTERRUPTED, answer.why.value, took_ms=took_ms, stop=True)
    outcome = DeliveryOutcome.TIMEOUT if answer.why is Why.TIMEOUT else DeliveryOutcome.HTTP_ERROR
    return Delivered(outcome, answer.why.value, took_ms=took_ms, sent=answer.sent, stop=stop and answer.sent)
