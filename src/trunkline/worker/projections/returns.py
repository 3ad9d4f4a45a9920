"""The table of returns: sales that buyers sent back, or want to.

A return that is approved also says so in the row of its attempt and of its call or lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.events.returns import ReturnApproved, ReturnExpired, ReturnRejected, ReturnRequested
from trunkline.worker.projections.attempts import ATTEMPTS
from trunkline.worker.projections.calls import CALLS
from trunkline.worker.projections.leads import LEADS
from trunkline.worker.projections.rows import Handler, Views
from trunkline.worker.projections.table import Index, Table


class ReturnRow(msgspec.Struct, kw_only=True, gc=False):
    """A return; `at_ms` is when it was asked for. `state` is requested, approved, rejected or expired.

    `credit_minor` is what the buyer gets back, `clawback_minor` what the publisher had earned by the sale.
    """

    id: str
    call: str
    attempt: str
    account: str
    at_ms: int
    sold_ms: int
    buyer: str
    target: str
    route: str
    publisher: str
    source: str | None
    reason: str
    role: str | None
    by: str
    state: str
    expires_ms: int | None
    credit_minor: int
    clawback_minor: int | None
    currency: str
    decided_ms: int | None = None
    decided_by: str | None = None


RETURNS: Final = Table(
    "returns",
    ReturnRow,
    (
        Index(("call",)),
        Index(("account", "at_ms")),
        Index(("account", "buyer", "at_ms")),
        Index(("account", "publisher", "at_ms")),
        Index(("at_ms",), where="state = 'requested'"),
    ),
)


def _row(event: ReturnRequested | ReturnApproved, state: str) -> ReturnRow:
    return ReturnRow(
        id=event.id,
        call=event.call,
        attempt=event.attempt,
        account=event.account,
        at_ms=event.at_ms,
        sold_ms=event.sold_ms,
        buyer=event.buyer,
        target=event.target,
        route=event.route,
        publisher=event.publisher,
        source=event.source,
        reason=event.reason,
        role=event.role if isinstance(event, ReturnRequested) else None,
        by=event.by,
        state=state,
        expires_ms=event.expires_ms if isinstance(event, ReturnRequested) else None,
        credit_minor=event.credit.minor,
        clawback_minor=None if event.clawback is None else event.clawback.minor,
        currency=event.credit.currency,
    )


def _requested(views: Views, event: ReturnRequested, contact: str | None) -> None:
    views.of(RETURNS).add(event.id, _row(event, "requested"))


def _approved(views: Views, event: ReturnApproved, contact: str | None) -> None:
    row = views.of(RETURNS).edit(event.id)
    if row is None:  # nobody had to ask
        row = _row(event, "approved")
        views.of(RETURNS).add(event.id, row)
    row.state, row.decided_ms, row.decided_by = "approved", event.at_ms, event.by
    row.credit_minor = event.credit.minor
    row.clawback_minor = None if event.clawback is None else event.clawback.minor
    attempt = views.of(ATTEMPTS).edit(event.attempt)
    if attempt is not None:
        attempt.returned_ms = event.at_ms
        attempt.returned_minor = (attempt.returned_minor or 0) + event.credit.minor
    whose = views.of(CALLS).edit(event.call) or views.of(LEADS).edit(event.call)
    if whose is not None:
        whose.returned_minor = (whose.returned_minor or 0) + event.credit.minor
        if event.clawback is not None:
            whose.clawback_minor = (whose.clawback_minor or 0) + event.clawback.minor


def _rejected(views: Views, event: ReturnRejected, contact: str | None) -> None:
    row = views.of(RETURNS).edit(event.id)
    if row is not None:
        row.state, row.decided_ms, row.decided_by = "rejected", event.at_ms, event.by


def _expired(views: Views, event: ReturnExpired, contact: str | None) -> None:
    row = views.of(RETURNS).edit(event.id)
    if row is not None:
        row.state, row.decided_ms, row.decided_by = "expired", event.at_ms, event.by


HANDLERS: Final[Mapping[type, Handler]] = {
    ReturnRequested: _requested,
    ReturnApproved: _approved,
    ReturnRejected: _rejected,
    ReturnExpired: _expired,
}
"""What each type of event does to the row of its return."""
