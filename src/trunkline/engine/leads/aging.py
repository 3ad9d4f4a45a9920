"""Whether and when a lead that has ended is offered again, and to whom it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from trunkline.config.review_rules import Resale
from trunkline.events.calls import OfferReserved
from trunkline.events.entry import Event
from trunkline.events.leads import DeliveryEnded, LeadAccepted, LeadUnmatched
from trunkline.kernel.windows import HOUR_MS

DAY_MS: Final = 24 * HOUR_MS


def due_again(
    rules: Resale | None,
    event: LeadUnmatched | LeadAccepted,
    *,
    rounds: int,
    first_ms: int,
    exclusive: Mapping[str, bool],
) -> int | None:
    """When a lead that came in at `first_ms` and has ended by `event` is offered again (UTC milliseconds), or None.

    `rounds` is how often it has been; `exclusive` says of its sales whether they were to one buyer alone. One that is
    not known of counts as such: nobody is to lose what was sold to him alone.
    """
    if rules is None or rules.paused or rounds >= rules.times:
        return None
    if isinstance(event, LeadAccepted):
        alone = any(exclusive.get(attempt, True) for attempt in event.attempts)
        if alone or not rules.shared_too:
            return None
    due_ms = event.at_ms + rules.after_hours * HOUR_MS
    return None if _too_old(rules, first_ms, due_ms) else due_ms


def why_not_again(rules: Resale | None, *, erased: bool, first_ms: int, now_ms: int) -> str | None:
    """Why a lead whose time has come is offered to nobody any more; None when it is offered."""
    if erased:
        return "erased"
    if rules is None or rules.paused:
        return "not_asked_for"
    return "too_old" if _too_old(rules, first_ms, now_ms) else None


def buyers_that_had(events: Iterable[Event]) -> frozenset[str]:
    """The buyers that a lead was sent to, or may have been: an offer of which nobody knows what became counts."""
    offers: dict[str, str] = {}
    for event in events:
        if isinstance(event, OfferReserved):
            offers[event.attempt] = event.buyer
        elif isinstance(event, DeliveryEnded) and not event.sent:
            offers.pop(event.attempt, None)
    return frozenset(offers.values())


def _too_old(rules: Resale, first_ms: int, at_ms: int) -> bool:
    return at_ms > first_ms + rules.max_age_days * DAY_MS
