"""What one publisher is bid for one campaign's traffic, and what is promised by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from trunkline.config.schema import Campaign, Kind, Publisher
from trunkline.config.selling import CALL_TTL_S
from trunkline.engine.terms.margins import Pricing
from trunkline.engine.terms.promises import Promise, rule_of
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.kernel.money import AMOUNT_MINOR_MAX, Money

if TYPE_CHECKING:
    from trunkline.engine.routing.offer import Query
    from trunkline.engine.routing.router import Router
    from trunkline.engine.terms.terms import ConversionTerms
    from trunkline.events.changes import StoredPing

Earned = Literal["convert", "connect", "duration"]
_LEAST: Final = 1
"""Nothing less is a bid."""


class Selling(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign bids: what of a price, and for how long."""

    pricing: Pricing
    ttl_ms: int

    def asking(self, ping: str, publisher: str) -> Promise:
        """What is asked of routes before there is a bid: a price that leads to one."""
        least = max(self.pricing.min_bid, _LEAST)
        floor = Money(min(self.pricing.least_price(least), AMOUNT_MINOR_MAX), self.pricing.currency)
        nothing = PayoutTerms(rule_of(ping), publisher, "convert", amount=Money(0, floor.currency))
        return Promise(ping, nothing, floor, strict=False)


def selling(campaign: Campaign, publisher: Publisher, router: Router, query: Query) -> Selling | None:
    """How the campaign bids this publisher for what `query` describes; None when it bids nothing for it.

    What the publisher's own settings say counts before the campaign's. Without any margin its payout rule does.
    """
    currency = router.index.config.account.currency
    if query.kind is Kind.CALL:
        bids = campaign.call_bids
        if bids is None:
            return None
        margin, least, loss, ttl_s = bids.margin, bids.min_bid, bids.allow_loss, bids.ttl_seconds
    else:
        leads = campaign.leads
        margin, least, loss, ttl_s = leads.margin, leads.min_bid, leads.allow_loss, leads.ping_ttl_seconds
    margin = publisher.margin or margin
    least = publisher.min_bid or least
    payout = router.payout_of(query) if margin is None else None
    pricing = Pricing(currency, margin, payout, 0 if least is None else least.minor, loss)
    return Selling(pricing=pricing, ttl_ms=1000 * (ttl_s or CALL_TTL_S))


def earned_by(kind: Kind, conversion: ConversionTerms) -> tuple[Earned, int]:
    """The event that a bid is earned by, and after how many milliseconds: never before the buyer owes."""
    if kind is Kind.LEAD:
        return ("connect", 0) if conversion.event in {"accepted", "connect", "attempt"} else ("convert", 0)
    if conversion.event in {"connect", "attempt"}:
        return "connect", 0
    if conversion.event == "duration" and conversion.timer == "connect":
        return "duration", conversion.after_ms
    return "convert", 0


def promise_of(ping: StoredPing, *, binding: bool) -> Promise:
    """What is owed to the publisher for a bid that it has taken up.

    One that binds is earned by the event that it named, and no buyer may owe later; any other is earned when a buyer
    owes.
    """
    event: Earned = ping.event if binding else "convert"
    after_ms = ping.after_ms if binding else 0
    payout = PayoutTerms(rule_of(ping.ping), ping.publisher, event, after_ms, amount=Money(ping.bid, ping.currency))
    return Promise(ping.ping, payout, Money(ping.floor, ping.currency), ping.target, strict=ping.floor > 0)
