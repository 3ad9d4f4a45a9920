"""The returns of a call's or lead's sales, as its record shows them and its story tells them."""

from __future__ import annotations

import msgspec

from trunkline.events.returns import AnyReturnEvent, ReturnApproved, ReturnExpired, ReturnRejected, ReturnRequested
from trunkline.kernel.clock import iso


class ReturnRecord(msgspec.Struct, kw_only=True):
    """One return; `state` is requested, approved, rejected or expired. Amounts are major units as text."""

    id: str
    attempt: str
    buyer: str
    reason: str
    state: str
    requested: str
    decided: str | None = None
    decided_by: str | None = None
    credit: str
    clawback: str | None = None


def note_return(returns: list[ReturnRecord], event: AnyReturnEvent) -> None:
    """Change the returns of a record by an event of one of them."""
    if isinstance(event, ReturnRequested):
        returns.append(
            ReturnRecord(
                id=event.id,
                attempt=event.attempt,
                buyer=event.buyer,
                reason=event.reason,
                state="requested",
                requested=iso(event.at_ms),
                credit=str(event.credit),
                clawback=None if event.clawback is None else str(event.clawback),
            )
        )
        return
    for each in returns:
        if each.id == event.id:
            each.state, each.decided, each.decided_by = _STATES[type(event)], iso(event.at_ms), event.by


def tell_return(event: AnyReturnEvent) -> str:
    """The event in words."""
    if isinstance(event, ReturnRequested):
        aside = f", setting aside {', '.join(event.set_aside)}" if event.set_aside else ""
        return f"{event.by} asks to send the sale to {event.buyer} back: {event.reason}{aside}"
    if isinstance(event, ReturnApproved):
        back = "" if event.clawback is None else f", {event.publisher} loses {event.clawback}"
        return f"the return is approved by {event.by}: {event.buyer} is credited {event.credit}{back}"
    if isinstance(event, ReturnRejected):
        return f"the return is rejected by {event.by}: the sale to {event.buyer} stands"
    return f"nobody has decided upon the return in time: the sale to {event.buyer} stands"


_STATES: dict[type, str] = {ReturnApproved: "approved", ReturnRejected: "rejected", ReturnExpired: "expired"}
