"""Says in the journal which limits count in new windows because a configuration has placed these elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping

from trunkline.config.lookup import AccountIndex
from trunkline.engine.routing.counters import Moved, counter_name, moving_counters
from trunkline.events.entry import Entry
from trunkline.events.switch import LimitMoved
from trunkline.kernel.clock import Instant
from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.config")

TOLD_MAX = 1_000
"""Of a zone that moves everything, so many limits are told one by one."""


def finding_moved(
    before: Mapping[str, AccountIndex], after: Mapping[str, AccountIndex]
) -> Generator[None, None, list[Moved]]:
    """The limits of all accounts whose windows lie elsewhere in `after`, found in small steps."""
    found: list[Moved] = []
    for key, index in after.items():
        if key in before:
            found += yield from moving_counters(before[key], index)
    return found


def tell_moved(moved: list[Moved], plant: Plant, now: Instant) -> list[Entry]:
    """The events that tell of it, with what the windows before had used."""
    if len(moved) > TOLD_MAX:
        log.warning("%d limits count in new windows; the journal names %d of them", len(moved), TOLD_MAX)
    return [Entry(event) for event in _events(moved[:TOLD_MAX], plant, now)]


def _events(moved: list[Moved], plant: Plant, now: Instant) -> Iterator[LimitMoved]:
    for each in moved:
        counter, before = each.rule.counter, each.before
        used = plant.capacity.seats(counter, before.window(now.utc_ms).start_ms).used
        name = counter_name(counter)
        log.info("%s counts in windows of %s, not of %s", name, each.rule.zone, before.zone)
        yield LimitMoved(
            at_ms=now.utc_ms,
            account=counter.account,
            counter=name,
            zone=each.rule.placing[0],
            week_start=each.rule.placing[1],
            zone_before=before.placing[0],
            week_start_before=before.placing[1],
            used=used,
        )
