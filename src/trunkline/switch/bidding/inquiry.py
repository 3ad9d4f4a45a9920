"""For whom bids are asked."""

from __future__ import annotations

import msgspec

from trunkline.engine.bidders.asked import Asked


class Inquiry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One call or lead (`call` is its id) that is up for auction.

    `contact` is the keyed hash of whose it is, None where nobody can know: a bid is only remembered for a known one.
    `currency` is the account's. `asked` is what bidders are told.
    """

    account: str
    call: str
    contact: str | None
    currency: str
    asked: Asked
