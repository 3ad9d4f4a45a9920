"""The table of deliveries: how each post of a lead to a buyer went, and where in the outbox those are that wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.deliveries import (
    DeliveryDead,
    DeliveryDropped,
    DeliveryQueued,
    DeliveryReplayed,
    DeliverySent,
    DeliveryTried,
)
from trunkline.events.leads import DeliveryEnded
from trunkline.worker.projections.attempts import ATTEMPTS
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table
from trunkline.worker.projections.words import without_contacts


class DeliveryRow(msgspec.Struct, kw_only=True, gc=False):
    """A delivery, by the attempt that it belongs to; `at_ms` is its first event. `kind` is http, or how it goes later.

    `outcome` is what the lead was told, `status` of HTTP. `outbox` is waiting, sent, dead or dropped, null for what
    never was in the outbox; `tries` failed there, `name` is what the other side can find it by.
    """

    attempt: str
    call: str
    account: str
    at_ms: int
    campaign: str
    publisher: str
    source: str | None
    buyer: str
    target: str
    kind: str = "http"
    outcome: str | None = None
    reason: str | None = None
    status: int | None = None
    took_ms: int | None = None
    buyers_id: str | None = None
    sent: int | None = None
    outbox: str | None = None
    due_ms: int | None = None
    tries: int = 0
    out_ms: int | None = None
    delivery: str | None = None
    name: str | None = None


DELIVERIES: Final = Table(
    "deliveries",
    DeliveryRow,
    (
        Index(("call",)),
        Index(("account", "at_ms")),
        Index(("account", "target", "at_ms")),
        Index(("outbox", "due_ms"), where="outbox IN ('waiting', 'dead')"),
    ),
)


def _row(views: Views, event: DeliveryEnded | DeliveryQueued) -> DeliveryRow | None:
    """The delivery of the event, begun by whichever comes first; None when nobody knows the attempt."""
    deliveries = views.of(DELIVERIES)
    row = deliveries.edit(event.attempt)
    attempt = None if row is not None else views.of(ATTEMPTS).get(event.attempt)
    if attempt is not None:
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
        )
        deliveries.add(event.attempt, row)
    return row


def _ended(views: Views, event: DeliveryEnded, contact: str | None) -> None:
    row = _row(views, event)
    if row is not None:
        row.outcome, row.status, row.sent = event.outcome, event.status, int(event.sent)
        row.took_ms, row.buyers_id = event.took_ms, event.buyers_id
        if row.outbox is None:
            row.reason = without_contacts(event.reason)


def _queued(views: Views, event: DeliveryQueued, contact: str | None) -> None:
    row = _row(views, event)
    if row is not None:
        row.kind, row.outbox, row.due_ms = event.kind, "waiting", event.due_ms


def _tried(views: Views, event: DeliveryTried, contact: str | None) -> None:
    row = views.of(DELIVERIES).edit(event.attempt)
    if row is not None:
        row.tries, row.reason, row.due_ms = event.tries, event.reason, event.next_ms


def _sent(views: Views, event: DeliverySent, contact: str | None) -> None:
    row = views.of(DELIVERIES).edit(event.attempt)
    if row is not None:
        row.outbox, row.due_ms, row.out_ms, row.reason = "sent", None, event.at_ms, None
        row.tries, row.delivery, row.name = event.tries, event.delivery, event.name


def _dead(views: Views, event: DeliveryDead, contact: str | None) -> None:
    row = views.of(DELIVERIES).edit(event.attempt)
    if row is not None:
        row.outbox, row.due_ms, row.tries, row.reason = "dead", None, event.tries, event.reason


def _replayed(views: Views, event: DeliveryReplayed, contact: str | None) -> None:
    row = views.of(DELIVERIES).edit(event.attempt)
    if row is not None:
        row.outbox, row.due_ms, row.tries = "waiting", event.at_ms, 0


def _dropped(views: Views, event: DeliveryDropped, contact: str | None) -> None:
    row = views.of(DELIVERIES).edit(event.attempt)
    if row is not None:
        row.outbox, row.due_ms = "dropped", None


HANDLERS: Final[Mapping[type, Handler]] = {
    DeliveryEnded: _ended,
    DeliveryQueued: _queued,
    DeliveryTried: _tried,
    DeliverySent: _sent,
    DeliveryDead: _dead,
    DeliveryReplayed: _replayed,
    DeliveryDropped: _dropped,
}
"""What each type of event does to the row of its delivery."""
