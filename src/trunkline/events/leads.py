"""Everything that can happen to a lead, as the journal keeps it.

A lead is sold by the same offers as a call and shares the events that tell of them: `call.repeated`, `call.routed`,
`offer.reserved`, `converted` and `payout`. In those, and here, `call` is the id of the call or of the lead.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from trunkline.kernel.money import Money

Via = Literal["post", "ping_post", "batch"]
"""How a lead came in."""
LeadEnd = Literal["unsold", "duplicate", "blocked", "failed", "interrupted"]
"""How a lead ends that was neither accepted by a buyer nor found unmatched."""


class LeadEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all events of a lead say: whose it is, which lead (`call`), when (UTC milliseconds)."""

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    account: str
    call: str
    at_ms: int


class LeadReceived(LeadEvent, frozen=True, kw_only=True, tag="lead.received"):
    """A lead passed its campaign's form. Durable before its first post leaves.

    `attributes` are all that routing knows (`lead.NAME` are the form's fields in normal form) and `basis` says how;
    `consent` is what the publisher states of the person's consent. `ignored` are sent names that the form does not
    know, `flags` what is suspicious about it. `geo` is the version of the import of the numbering plan.
    """

    PERSONAL = frozenset({"attributes", "consent"})

    campaign: str
    publisher: str
    source: str | None
    via: Via
    attributes: dict[str, str]
    basis: dict[str, str]
    consent: dict[str, str]
    ignored: tuple[str, ...]
    snapshot: str
    geo: str = ""
    ping: str | None = None
    flags: tuple[str, ...] = ()
    test: bool = False


class LeadHeld(LeadEvent, frozen=True, kw_only=True, tag="lead.held"):
    """A person has to look at the lead before it is sold. Durable before the 202."""

    reason: str
    detail: str | None = None


class LeadReviewed(LeadEvent, frozen=True, kw_only=True, tag="lead.reviewed"):
    """A held lead was let through, or not; `by` is who said so."""

    decision: Literal["approved", "rejected"]
    by: str


class DeliveryEnded(LeadEvent, frozen=True, kw_only=True, tag="delivery.ended"):
    """One post to a buyer is over, with its one outcome. `status` is of HTTP; `buyers_id` the buyer's own id.

    `sent` says whether the buyer may have got it.
    """

    attempt: str
    outcome: str
    reason: str | None = None
    status: int | None = None
    took_ms: int | None = None
    buyers_id: str | None = None
    sent: bool = True


class DeliveryLate(LeadEvent, frozen=True, kw_only=True, tag="delivery.late"):
    """A buyer has answered when the time of its post was over. Recorded, never billed; may follow the lead's end.

    `outcome` is what the answer would have meant, `after_ms` when it came.
    """

    attempt: str
    outcome: str
    reason: str | None
    status: int
    after_ms: int
    buyers_id: str | None = None


class LeadClaimed(LeadEvent, frozen=True, kw_only=True, tag="lead.claimed"):
    """The lead's TrustedForm certificate was to be retained in the operator's account: what came of it.

    `outcome` is `claimed` (retained, and the lead's own), `refused` (another's, expired, unknown) or `error`: nobody
    knows. `share_url` shows the certificate without what was typed; `expires_at` is until when it is kept.
    """

    outcome: Literal["claimed", "refused", "error"]
    reason: str | None = None
    status: int | None = None
    took_ms: int | None = None
    expires_at: str | None = None
    share_url: str | None = None
    email_match: bool | None = None
    phone_match: bool | None = None


class LeadAccepted(LeadEvent, frozen=True, kw_only=True, tag="lead.accepted"):
    """One buyer, or as many as the plan sells to, took the lead. Durable before the 201."""

    attempts: tuple[str, ...]
    payout: Money | None
    took_ms: int
    not_paid: str | None = None


class LeadUnmatched(LeadEvent, frozen=True, kw_only=True, tag="lead.unmatched"):
    """Nobody took the lead. Durable before the 200."""

    reason: str
    took_ms: int


class LeadEnded(LeadEvent, frozen=True, kw_only=True, tag="lead.ended"):
    """The lead is over without having been offered to the end. `of` is the call or lead that it repeats."""

    outcome: LeadEnd
    reason: str
    of: str | None = None


class LeadAged(LeadEvent, frozen=True, kw_only=True, tag="lead.aged"):
    """The lead is offered again, for the `round`th time, by another plan. What then becomes of it replaces its end."""

    round: int
    plan: str


class LeadAgedOut(LeadEvent, frozen=True, kw_only=True, tag="lead.aged_out"):
    """The lead was to be offered again and is not, for `reason`."""

    reason: str


AnyLeadEvent = (
    LeadReceived
    | LeadHeld
    | LeadReviewed
    | LeadClaimed
    | DeliveryEnded
    | DeliveryLate
    | LeadAccepted
    | LeadUnmatched
    | LeadEnded
    | LeadAged
    | LeadAgedOut
)
