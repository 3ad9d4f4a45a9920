"""The terms of an offer, frozen with it. Nothing that changes later changes what was agreed."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.kernel.money import Money

Timer = Literal["incoming", "dial", "connect"]


class ConversionTerms(msgspec.Struct, frozen=True, gc=False):
    """When the buyer owes: at the event, or for `duration` when `after_ms` have run from `timer`.

    For `decide_within_s` after the attempt its seats wait for a conversion that may still come.
    """

    event: Literal["attempt", "connect", "duration", "postback", "accepted"]
    after_ms: int = 0
    timer: Timer = "connect"
    decide_within_s: int = 0


class PayoutTerms(msgspec.Struct, frozen=True, gc=False):
    """What the publisher earns and when. Exactly one of `amount` and `percent` (hundredths of a percent) is set."""

    rule: str
    publisher: str
    event: Literal["incoming", "connect", "duration", "convert"]
    after_ms: int = 0
    amount: Money | None = None
    percent: int | None = None
    min: Money | None = None
    max: Money | None = None


class Terms(msgspec.Struct, frozen=True, gc=False):
    """One offer's price, the buyer's rule and the publisher's rule (None: nobody earns, `not_paid` says why)."""

    price: Money
    conversion: ConversionTerms
    rule: str
    payout: PayoutTerms | None = None
    not_paid: str | None = None
