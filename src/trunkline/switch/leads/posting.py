"""One post of a lead to its buyer: built by the target's rules, sent under its deadline, judged by its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trunkline.config.schema import Target
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.delivery import judged, post_of
from trunkline.engine.leads.inputs import Delivered
from trunkline.engine.leads.outcomes import DeliveryOutcome
from trunkline.engine.leads.sales import Sale
from trunkline.outbound.client import NoAnswer, Why

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World


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
    if deliver.queued:
        return Delivered(DeliveryOutcome.HTTP_ERROR, "not_built", sent=False)
    request = post_of(deliver, context.attributes, sale.attempt, url=target.test_url if context.test else None)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    answer = await plant.http.exchange(request, began_s + deliver.deadline_ms / 1000)
    took_ms = round((loop.time() - began_s) * 1000)
    if isinstance(answer, NoAnswer):
        return _unanswered(answer, took_ms, resumed=resumed, stop=target.on_timeout == "stop")
    verdict = judged(deliver, answer)
    said = (None if words is None else world.secrets.masked(words) for words in (verdict.reason, verdict.buyers_id))
    reason, buyers_id = said
    return Delivered(DeliveryOutcome(verdict.outcome.value), reason, answer.status, took_ms, buyers_id)


def _unanswered(answer: NoAnswer, took_ms: int, *, resumed: bool, stop: bool) -> Delivered:
    if resumed:
        return Delivered(DeliveryOutcome.INTERRUPTED, answer.why.value, took_ms=took_ms, stop=True)
    outcome = DeliveryOutcome.TIMEOUT if answer.why is Why.TIMEOUT else DeliveryOutcome.HTTP_ERROR
    return Delivered(outcome, answer.why.value, took_ms=took_ms, sent=answer.sent, stop=stop and answer.sent)
