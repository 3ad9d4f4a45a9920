"""What is asked of the desk that sells leads, and what it answers, whichever way a lead comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from trunkline.engine.routing.auction import Bid
from trunkline.engine.terms.promises import Promise
from trunkline.events.changes import Change, PostName
from trunkline.events.leads import Via
from trunkline.kernel.clock import Instant
from trunkline.kernel.money import Money

Kept = Callable[["LeadAnswer", Instant], Change]
"""What is to be written with the answer of a lead, in the same transaction."""


class LeadOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A lead that has passed its campaign's form.

    `values` are in normal form by the form's names, `ignored` are sent names that it does not know; `consent` is what
    the publisher states of the person's consent; `hold` is why a person has to look at it first (code, and more);
    `plan` overrides the campaign's; `promise` is what the publisher was bid for it, `bids` what bidders said then (by
    target) and `seed` that of the search. `lead` is its id if it has one already; `changes` are written with it.
    `block` is why it is nobody's lead, and is sold to nobody: its sender is not told. `post` is the `Idempotency-Key`
    that it came with; `kept` says what of the answer is kept with the lead's end.
    """

    account: str
    campaign: str
    publisher: str
    source: str | None
    via: Via
    values: Mapping[str, str]
    consent: Mapping[str, str] = {}
    ignored: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    test: bool = False
    ping: str | None = None
    hold: tuple[str, str | None] | None = None
    block: str | None = None
    plan: str | None = None
    promise: Promise | None = None
    post: PostName | None = None
    kept: Kept | None = None
    bids: Mapping[str, Bid] | None = None
    seed: int | None = None
    lead: str | None = None
    changes: tuple[Change, ...] = ()


class LeadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a lead, durably.

    `status` is accepted, unmatched, held, duplicate, blocked, interrupted or failed (nothing was kept); `reasons` are
    public codes of why nobody took it; `of` is the call or lead that it repeats.
    """

    lead: str
    status: str
    payout: Money | None = None
    reasons: tuple[str, ...] = ()
    of: str | None = None
