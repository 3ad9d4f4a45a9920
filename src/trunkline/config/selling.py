"""What a configuration says of bids that publishers are made: what is kept of a price, and the least that is bid.

A publisher asks what a lead or a call is worth (a ping) before it is sent. The bid is what the buyer pays, less the
margin.
"""

from __future__ import annotations

from trunkline.config.struct import Struct
from trunkline.kernel.money import Money

PING_TTL_S = 120
"""How long the bid for a lead stands when nothing is said."""
CALL_TTL_S = 30
"""The same for a call: nobody waits longer on the telephone."""


class MarginRange(Struct, frozen=True, kw_only=True):
    """What is kept of prices from `price_from` on. `percent` is hundredths of a percent (3000 = 30 %)."""

    price_from: Money
    amount: Money | None = None
    percent: int | None = None
    min: Money | None = None


class Margin(Struct, frozen=True, kw_only=True):
    """What is kept of a price: an amount, a percentage of it (hundredths of a percent), or one of both by its range."""

    amount: Money | None = None
    percent: int | None = None
    min: Money | None = None
    ranges: tuple[MarginRange, ...] = ()


class CallBids(Struct, frozen=True, kw_only=True):
    """Bids for calls that publishers offer before they send them. Without it a campaign makes none."""

    margin: Margin | None = None
    min_bid: Money | None = None
    allow_loss: bool = False
    ttl_seconds: int = CALL_TTL_S


def margin_parts(margin: Margin) -> tuple[Margin | MarginRange, ...]:
    """The ranges, or the margin itself when it has none: each says an amount or a percentage."""
    return margin.ranges or (margin,)
