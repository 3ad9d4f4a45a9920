"""The table of deliveries: how each post of a lead to a buyer went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.leads import DeliveryEnded
from trunkline.worker.projections.attempts import ATTEMPTS
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table


class DeliveryRow(msgspec.Struct, kw_only=True, gc=False):
    """A delivery, by the attempt that it belongs to; `at_ms` is when it was over, `status` of HTTP."""

    attempt: str
    call: str
    account: str
    at_ms: int
    campaign: str
    publisher: str
    source: str | None
    buyer: str
    target: str
    outcome: str
    reason: str | None
    status: int | None
    took_ms: int | None
    buyers_id: str | None
    sent: int


DELIVERIES: Final = Table(
    "deliveries",
    DeliveryRow,
    (
        Index(("call",)),
        Index(("account", "at_ms")),
        Index(("account", "target", "at_ms")),
    ),
)


def _ended(views: Views, event: DeliveryEnded, contact: str | None) -> None:
    attempt = views.of(ATTEMPTS).get(event.attempt)
    if attempt is None:
        return
    row = DeliveryRow(
        attempt=event.attempt,
        call=event.call,
        account=event.account,
        at_ms=event.at_ms,
        campaign=attempt.campaign,
        publisher=attempt.publisher,
        source=attempt.source,
        buyer=attempt.buyer,
        target=attempt.target,
        outcome=event.outcome,
        reason=event.reason,
        status=event.status,
        took_ms=event.took_ms,
        buyers_id=event.buyers_id,
        sent=int(event.sent),
    )
    views.of(DELIVERIES).add(event.attempt, row)


HANDLERS: Final[Mapping[type, Handler]] = {DeliveryEnded: _ended}
"""What each type of event does to the row of its delivery."""
