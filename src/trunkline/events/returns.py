"""What becomes of a sale that its buyer sends back, as the journal keeps it.

`call` is the call or lead that was sold, `attempt` the sale, `id` the return. Counts of limits never change by a
return; the amounts are what is to be credited to the buyer and clawed back from the publisher.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from trunkline.kernel.money import Money

Role = Literal["buyer", "operator"]
"""For whom somebody asks."""


class ReturnEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all events of a return say: whose, of which call or lead and sale, which return, when (UTC milliseconds).

    `target` and `route` are those of the sale, `sold_ms` is when it converted.
    """

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    account: str
    call: str
    at_ms: int
    id: str
    attempt: str
    buyer: str
    target: str
    route: str
    publisher: str
    source: str | None
    reason: str
    by: str
    sold_ms: int


class ReturnRequested(ReturnEvent, frozen=True, kw_only=True, tag="return.requested"):
    """Somebody wants to send a sale back. `by` is who asked, `role` for whom.

    `set_aside` are the rules of the policy that an operator has set aside. Undecided, it expires at `expires_ms`.
    """

    PERSONAL = frozenset({"note"})

    role: Role
    credit: Money
    clawback: Money | None
    expires_ms: int
    set_aside: tuple[str, ...] = ()
    note: str | None = None


class ReturnApproved(ReturnEvent, frozen=True, kw_only=True, tag="return.approved"):
    """The buyer is to be credited with `credit`; `clawback` is what the publisher had earned by the sale.

    `by` is `policy` where the reason is one that is approved without anybody's looking.
    """

    credit: Money
    clawback: Money | None


class ReturnRejected(ReturnEvent, frozen=True, kw_only=True, tag="return.rejected"):
    """The sale stands; `by` is who said so."""

    PERSONAL = frozenset({"note"})

    note: str | None = None


class ReturnExpired(ReturnEvent, frozen=True, kw_only=True, tag="return.expired"):
    """Nobody has decided in time: the sale stands. `by` is `policy`."""


AnyReturnEvent = ReturnRequested | ReturnApproved | ReturnRejected | ReturnExpired


class StoredReturn(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One return as it stands, in the state tables. `contact` is that of the call or lead, to seal notes under.

    `cycle_ms` is where the month of the sale begins. Undecided, it expires at `expires_ms`. All times are UTC.
    """

    id: str
    account: str
    call: str
    contact: str
    attempt: str
    buyer: str
    target: str
    route: str
    publisher: str
    source: str | None
    reason: str
    role: Role
    by: str
    sold_ms: int
    cycle_ms: int
    requested_ms: int
    expires_ms: int
    credit: Money
    clawback: Money | None
    set_aside: tuple[str, ...] = ()
    state: Literal["requested", "approved", "rejected", "expired"] = "requested"
    decided_by: str | None = None
    decided_ms: int | None = None
