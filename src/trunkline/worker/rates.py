"""Rate books from a switch's journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from trunkline.config.schema import AccountConfig, ConversionRule, Performance
from trunkline.config.walk import walk
from trunkline.engine.scoring.rate_book import HALF_LIFE_DAYS
from trunkline.engine.scoring.tally import HalfLife, RateTally
from trunkline.events.calls import AttemptEnded, CallEnded, CallReceived, Converted, OfferReserved
from trunkline.journal.reader import JournalReader

READ_AT_ONCE: Final = 5_000
_TYPES: Final = tuple(
    str(msgspec.inspect.type_info(kind).tag)  # type: ignore[attr-defined]
    for kind in (CallReceived, OfferReserved, AttemptEnded, Converted, CallEnded)
)


def tally_journal(
    reader: JournalReader,
    at_ms: int,
    half_life: HalfLife | None,
    mature_ms: int,
    go_on: Callable[[], bool] = lambda: True,
) -> RateTally:
    """Count the journal up to its end, or until `go_on` says no, in the memory of one reading and the tally's own."""
    tally = RateTally(at_ms, half_life, mature_ms)
    seq = 0
    while go_on() and (found := reader.plain(_TYPES, seq, READ_AT_ONCE)):
        for _, event in found:
            tally.take(event)
        seq = found[-1][0]
    return tally


def longest_decision_s(accounts: Iterable[AccountConfig]) -> int:
    """How long after a call its conversion may still come, by the rule that gives it the most time."""
    rules = (value for config in accounts for _, value in walk(config) if isinstance(value, ConversionRule))
    return max((rule.decide_within_seconds or 0 for rule in rules), default=0)


def half_lives(accounts: Iterable[AccountConfig]) -> HalfLife:
    """How fast the tiers of this configuration forget; a plan forgets as the slowest of them."""
    days: dict[tuple[str, str], int] = {}
    for config in accounts:
        for plan in config.plans:
            of_tiers = [HALF_LIFE_DAYS] if not plan.tiers else []
            for tier in plan.tiers:
                of_tiers.append((tier.performance or Performance()).half_life_days)
                days[config.account.key, f"{plan.key}.{tier.key}"] = of_tiers[-1]
            days[config.account.key, plan.key] = max(of_tiers)
    return lambda account, name: days.get((account, name), HALF_LIFE_DAYS)
