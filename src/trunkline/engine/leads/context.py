"""What is fixed about a lead when it comes in."""

from __future__ import annotations

import msgspec

from trunkline.engine.terms.terms import PayoutTerms
from trunkline.events.leads import Via


class LeadContext(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One lead on one campaign, under the configuration it came in with.

    `contact` is the keyed hash its personal fields are sealed under; `attributes` are all that routing knows, and
    `basis` says how; `hold` is why a person has to look at it first (code, and more), None for nobody; `block` why it
    is sold to nobody at all; `payout` the publisher's rule if it pays for coming in; `pays` whether the campaign has
    payout rules; `share` to how many buyers it may be sold; `ping` the ping it follows.
    """

    lead: str
    account: str
    campaign: str
    publisher: str
    source: str | None
    via: Via
    contact: str
    attributes: dict[str, str]
    basis: dict[str, str]
    consent: dict[str, str]
    ignored: tuple[str, ...]
    snapshot: str
    geo: str = ""
    ping: str | None = None
    flags: tuple[str, ...] = ()
    test: bool = False
    hold: tuple[str, str | None] | None = None
    block: str | None = None
    payout: PayoutTerms | None = None
    pays: bool = True
    share: int = 1
