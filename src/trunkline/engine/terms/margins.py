"""What a publisher is bid for a caller or lead: what the buyer pays, less what is kept.

The bid is a function of the price that never falls: where a range of the margin would give less than the ranges below
it, what those give counts on. So there is one least price that covers a bid, and "does this buyer's price cover what
was promised" is one comparison. All amounts here are minor units of the account's currency; fractions of one are kept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from trunkline.config.selling import Margin, MarginRange, margin_parts
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.kernel.money import AMOUNT_MINOR_MAX

WHOLE: Final = 10_000
"""All of a price in hundredths of a percent, which margins are in."""


class NoBid(StrEnum):
    """Why a price leads to no bid."""

    NO_MARGIN = "no_margin"
    BELOW_MIN_BID = "below_min_bid"
    NOTHING_LEFT = "nothing_left"


NO_BID_WORDS: Final = {
    NoBid.NO_MARGIN: "Neither a margin nor a payout rule of the campaign says what the publisher gets.",
    NoBid.BELOW_MIN_BID: "What could be bid is below the least bid that is made.",
    NoBid.NOTHING_LEFT: "The margin is as large as what the buyer pays.",
}
"""The sentence for the operator of each code."""


class Pricing(msgspec.Struct, frozen=True, gc=False):
    """How bids to one publisher for one campaign are made. `currency` is the account's, `min_bid` in its minor units.

    Without a `margin` the publisher is bid what `payout`, the campaign's rule for it, would pay. Below `min_bid`
    nothing is bid. With `allow_loss` the least bid is made in its place, also above the price, and what was bid is
    honoured whatever the buyer pays who takes it in the end.
    """

    currency: str
    margin: Margin | None = None
    payout: PayoutTerms | None = None
    min_bid: int = 0
    allow_loss: bool = False

    def bid(self, price: int) -> int | NoBid:
        """What is bid when the buyer pays `price`. Never more than that, unless a loss is allowed."""
        assert price >= 0
        if self.margin is None and self.payout is None:
            return NoBid.NO_MARGIN
        amount = self._share(price)
        if self.allow_loss:
            amount = max(amount, self.min_bid)
        if amount <= 0:
            return NoBid.NOTHING_LEFT
        return amount if amount >= self.min_bid else NoBid.BELOW_MIN_BID

    def least_price(self, bid: int) -> int:
        """The lowest price that covers a bid: 0 when a loss is allowed, above every amount when no price does."""
        if self.allow_loss:
            return 0
        low, high = 0, AMOUNT_MINOR_MAX + 1  # `high` covers it, or nothing does; what is below `low` does not
        while low < high:
            middle = (low + high) // 2
            if self._share(middle) >= bid:
                high = middle
            else:
                low = middle + 1
        return low

    def _share(self, price: int) -> int:
        """The publisher's share of a price, 0 when nothing is left for it."""
        if self.margin is None:
            assert self.payout is not None
            earned = _earned(self.payout, price)
            return earned if earned <= price or self.allow_loss else _covered(self.payout, price)
        best = 0
        parts = margin_parts(self.margin)
        for place, part in enumerate(parts):
            if isinstance(part, MarginRange) and part.price_from.minor > price:
                break
            last = price
            if place + 1 < len(parts):
                following = parts[place + 1]
                assert isinstance(following, MarginRange)
                last = min(price, following.price_from.minor - 1)
            best = max(best, _less(part, last))
        return best


def _earned(payout: PayoutTerms, price: int) -> int:
    """What a payout rule gives of a price, fractions kept."""
    if payout.amount is not None:
        return payout.amount.minor
    assert payout.percent is not None, "a payout is an amount or a percentage"
    earned = price * payout.percent // WHOLE
    if payout.min is not None:
        earned = max(earned, payout.min.minor)
    return earned if payout.max is None else min(earned, payout.max.minor)


def _covered(payout: PayoutTerms, price: int) -> int:
    """What a payout rule gives that would give more than the price: its percentage of it, a fixed amount not at all."""
    if payout.percent is None:
        return 0
    return price * min(payout.percent, WHOLE) // WHOLE


def _less(part: Margin | MarginRange, price: int) -> int:
    """A price less one part's margin, fractions kept."""
    if part.amount is not None:
        return max(0, price - part.amount.minor)
    assert part.percent is not None, "a margin is an amount or a percentage"
    left = price * (WHOLE - part.percent) // WHOLE
    if part.min is not None:
        left = min(left, price - part.min.minor)
    return max(0, left)
