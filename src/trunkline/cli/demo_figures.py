"""What the demo's calls add up to: outcomes, money, latencies. One place for the live table and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from trunkline.engine.calls.records import CallRecord

Number = TypeVar("Number", int, float)


class Figures(msgspec.Struct, frozen=True):
    """Sums over some calls; amounts in major units of the one currency. Lists are sorted."""

    calls: int
    live: int
    outcomes: dict[str, int]
    revenue: Decimal
    payout: Decimal
    currency: str
    decisions_us: list[int]
    post_dial_ms: list[float]

    @property
    def margin(self) -> Decimal:
        """What stays with the agency."""
        return self.revenue - self.payout

    @property
    def margin_percent(self) -> int:
        """Margin in whole percent of the revenue, 0 without revenue."""
        return int(100 * self.margin / self.revenue) if self.revenue else 0


def add_up(calls: Sequence[CallRecord]) -> Figures:
    """The figures of `calls`."""
    return Figures(
        calls=len(calls),
        live=sum(call.outcome is None for call in calls),
        outcomes=dict(Counter(call.outcome for call in calls if call.outcome is not None).most_common()),
        revenue=sum((Decimal(call.revenue) for call in calls if call.revenue), Decimal(0)),
        payout=sum((Decimal(call.payout) for call in calls if call.payout), Decimal(0)),
        currency=next((call.currency for call in calls if call.currency), "USD"),
        decisions_us=sorted(call.decision_us for call in calls if call.decision_us is not None),
        post_dial_ms=sorted(call.post_dial_ms for call in calls if call.post_dial_ms is not None),
    )


def percentile(ordered: Sequence[Number], percent: int) -> Number | None:
    """The nearest-rank percentile of sorted values, None of none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def amount(value: Decimal) -> str:
    """An amount as people write it: `1,840.00`."""
    return f"{value:,.2f}"
