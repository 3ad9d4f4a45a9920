"""Asks the servers of a campaign's look-ups about a lead, all at once, before it is routed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from trunkline.config.lead_rules import Lookup
from trunkline.engine.leads.lookups import looked_up, question_of
from trunkline.engine.routing.offer import Attribute
from trunkline.outbound.client import NoAnswer

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World


async def look_up(
    plant: Plant, world: World, lookups: tuple[Lookup, ...], known: Mapping[str, str]
) -> dict[str, Attribute]:
    """The tags that the answers give; where two give one, the later look-up of the configuration's order does."""
    found: dict[str, Attribute] = {}
    for each in await asyncio.gather(*(_ask(plant, world.secrets.of(lookup), known) for lookup in lookups)):
        found.update(each)
    return found


async def _ask(plant: Plant, lookup: Lookup, known: Mapping[str, str]) -> dict[str, Attribute]:
    deadline_s = asyncio.get_running_loop().time() + lookup.timeout_ms / 1000
    answer = await plant.http.exchange(question_of(lookup, known), deadline_s)
    if isinstance(answer, NoAnswer):
        plant.metrics.lookups.labels(answer.why.value).inc()
        return {}
    plant.metrics.lookups.labels("answered" if 200 <= answer.status < 300 else "http_error").inc()
    return looked_up(lookup, answer)
