"""What bidders answer in a simulation: what was told of them, since nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Auction
from trunkline.kernel.errors import UsageError
from trunkline.kernel.money import parse_money

NONE: Final = "none"
"""Written for a bidder that does not bid."""


def answers(auction: Auction, told: Mapping[str, str], usual: Mapping[str, str], currency: str) -> dict[str, Bid]:
    """By target: what is `told` of it for this caller, else what it `usual`ly says; who is in neither is not asked.

    Amounts are major units of `currency`. Raises UsageError for a text that is neither an amount nor `none`.
    """
    found: dict[str, Bid] = {}
    for bidder in auction.bidders:
        text = told.get(bidder.target, usual.get(bidder.target))
        if text is None:
            found[bidder.target] = Bid("not_asked")
        elif text == NONE:
            found[bidder.target] = Bid("no_bid")
        else:
            try:
                found[bidder.target] = Bid("bid", parse_money(text, currency))
            except ValueError as error:
                raise UsageError(f"the bid of {bidder.target}: {error}", hint="write an amount, or none") from error
    return found
