"""Returns: which sales a buyer may send back, and the machine of one return.

    REQUESTED  somebody has asked, nobody has decided
    APPROVED   the buyer is to be credited, the publisher loses what the sale earned
    REJECTED   the sale stands
    EXPIRED    nobody decided in time: the sale stands

A sale is one conversion: an attempt whose buyer owes. It is sent back whole or not at all, and asked about once: a
decision is final. The policy judges the request, not the decision: it is the one of that moment, for the buyer if it
has one, else for the account. A buyer's requests and approved returns may be so large a share of what it bought in the
calendar month of the sale; rejected and expired ones do not count. Limits never count a sale less for its return.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from trunkline.config.return_rules import Returns
from trunkline.events.returns import (
    AnyReturnEvent,
    ReturnApproved,
    ReturnEvent,
    ReturnExpired,
    ReturnRejected,
    ReturnRequested,
    Role,
    StoredReturn,
)
from trunkline.kernel.errors import Fault, TrunklineError
from trunkline.kernel.money import Money

DAY_MS: Final = 86_400_000
POLICY: Final = "policy"
"""Who decides when nobody looks."""


class State(StrEnum):
    """Where a return stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


COUNTED: Final = frozenset({State.REQUESTED, State.APPROVED})
"""What takes of the buyer's share."""


class Refusal(StrEnum):
    """Why a request is not taken, in the order in which it is judged."""

    NOT_TAKEN = "no_returns"
    UNKNOWN_REASON = "unknown_reason"
    TOO_LATE = "too_late"
    SHARE_USED_UP = "share_used_up"


REFUSAL_WORDS: Final[Mapping[Refusal, str]] = {
    Refusal.NOT_TAKEN: "no returns are taken from this buyer",
    Refusal.UNKNOWN_REASON: "this is none of the reasons that are taken",
    Refusal.TOO_LATE: "the sale is too long ago",
    Refusal.SHARE_USED_UP: "the buyer has sent back its share of that month's sales",
}


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A sale as it can be sent back; `payout` is what its publisher earned by it."""

    account: str
    call: str
    contact: str
    attempt: str
    buyer: str
    target: str
    route: str
    publisher: str
    source: str | None
    sold_ms: int
    price: Money
    payout: Money | None


class Standing(msgspec.Struct, frozen=True):
    """What a buyer bought in the month of the sale, and how many of them count as sent back."""

    sold: int
    returned: int


class Decided(msgspec.Struct, frozen=True, gc=False):
    """Somebody has decided."""

    approved: bool
    by: str
    note: str | None = None


class TimedOut(msgspec.Struct, frozen=True, gc=False):
    """The time to decide is over."""


Input = Decided | TimedOut

TRANSITIONS: Final[Mapping[tuple[State, type], tuple[str, tuple[State, ...]]]] = {
    (State.REQUESTED, Decided): ("_decided", (State.APPROVED, State.REJECTED)),
    (State.REQUESTED, TimedOut): ("_timed_out", (State.REQUESTED, State.EXPIRED)),
}
"""(state, input) to the action and the states it may lead to. What is decided is told nothing more."""


_COMMON: Final = tuple(name for name in ReturnEvent.__struct_fields__ if name not in {"by", "at_ms"})


class AlreadyDecided(TrunklineError):
    """The return has been decided upon, or has expired; that is final."""

    fault = Fault.OPERATOR


def refusals(rules: Returns | None, sold: Sold, reason: str, standing: Standing, now_ms: int) -> tuple[Refusal, ...]:
    """Every rule of the policy that the request breaks, in order; empty for one that is taken."""
    if rules is None or rules.paused:
        return (Refusal.NOT_TAKEN,)
    broken = []
    if reason not in rules.reasons:
        broken.append(Refusal.UNKNOWN_REASON)
    if now_ms > sold.sold_ms + rules.within_days * DAY_MS:
        broken.append(Refusal.TOO_LATE)
    if rules.share_percent is not None and standing.returned >= allowed(standing.sold, rules.share_percent):
        broken.append(Refusal.SHARE_USED_UP)
    return tuple(broken)


def allowed(sold: int, share_percent: int) -> int:
    """How many of so many sales may be sent back: the share (hundredths of a percent) rounded up, so one of one."""
    return -(-sold * share_percent // 10_000)


class ReturnMachine:
    """One return. `stored` is how it stands; it is replaced, never changed."""

    __slots__ = ("stored",)

    def __init__(self, stored: StoredReturn) -> None:
        self.stored = stored

    @property
    def state(self) -> State:
        """Where it stands."""
        return State(self.stored.state)

    def next_timer(self) -> int | None:
        """When it wants to be told that time is over (UTC milliseconds); None when it is decided."""
        return self.stored.expires_ms if self.state is State.REQUESTED else None

    def handle(self, event: Input, now_ms: int) -> list[AnyReturnEvent]:
        """Take one input; what is to be written, with `stored` as it then is. Raises AlreadyDecided."""
        step = TRANSITIONS.get((self.state, type(event)))
        if step is None:
            raise AlreadyDecided(f"{self.stored.id} is {self.state} already")
        action, leads_to = step
        out: list[AnyReturnEvent] = getattr(self, action)(event, now_ms)
        assert self.state in leads_to, f"{action} led to {self.state}"
        return out

    def _decided(self, event: Decided, now_ms: int) -> list[AnyReturnEvent]:
        common = told(self.stored, event.by, now_ms)
        credit, clawback = self.stored.credit, self.stored.clawback
        self._becomes("approved" if event.approved else "rejected", event.by, now_ms)
        if event.approved:
            return [ReturnApproved(**common, credit=credit, clawback=clawback)]
        return [ReturnRejected(**common, note=event.note)]

    def _timed_out(self, _event: TimedOut, now_ms: int) -> list[AnyReturnEvent]:
        if now_ms < self.stored.expires_ms:
            return []
        self._becomes("expired", POLICY, now_ms)
        return [ReturnExpired(**told(self.stored, POLICY, now_ms))]

    def _becomes(self, state: str, by: str, now_ms: int) -> None:
        self.stored = msgspec.structs.replace(self.stored, state=state, decided_by=by, decided_ms=now_ms)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks: `id` is the return's, `cycle_ms` where the month of the sale begins."""

    id: str
    sold: Sold
    reason: str
    role: Role
    by: str
    cycle_ms: int
    note: str | None = None
    set_aside: tuple[str, ...] = ()


def requested(request: Request, rules: Returns | None, now_ms: int) -> tuple[ReturnMachine, list[AnyReturnEvent]]:
    """A return that is taken, and what is to be written; approved at once where the reason says so."""
    sold, decide_days = request.sold, (rules or Returns()).decide_within_days
    stored = StoredReturn(
        id=request.id,
        account=sold.account,
        call=sold.call,
        contact=sold.contact,
        attempt=sold.attempt,
        buyer=sold.buyer,
        target=sold.target,
        route=sold.route,
        publisher=sold.publisher,
        source=sold.source,
        reason=request.reason,
        role=request.role,
        by=request.by,
        sold_ms=sold.sold_ms,
        cycle_ms=request.cycle_ms,
        requested_ms=now_ms,
        expires_ms=now_ms + decide_days * DAY_MS,
        credit=sold.price,
        clawback=sold.payout,
        set_aside=request.set_aside,
    )
    event = ReturnRequested(
        **told(stored, request.by, now_ms),
        role=request.role,
        credit=sold.price,
        clawback=sold.payout,
        expires_ms=stored.expires_ms,
        set_aside=request.set_aside,
        note=request.note,
    )
    machine = ReturnMachine(stored)
    if rules is None or request.set_aside or request.reason not in rules.auto_approve:
        return machine, [event]
    return machine, [event, *machine.handle(Decided(True, POLICY), now_ms)]


def told(stored: StoredReturn, by: str, now_ms: int) -> dict[str, Any]:
    """What every event of a return says."""
    said = {name: getattr(stored, name) for name in _COMMON}
    return said | {"by": by, "at_ms": now_ms}
