"""What a publisher earns: which rule counts for a call or lead, and how much it pays.

Publisher, source, kind and criteria select the first rule. Only then do its pause, its hours and its word on duplicates
decide whether that rule pays; a selected rule that does not pay ends the search, and its code says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from trunkline.config.contacts import PayoutDuplicates
from trunkline.config.schema import (
    Kind,
    Payout,
)
from trunkline.engine.routing.criteria import holds
from trunkline.engine.routing.hours import is_open
from trunkline.engine.routing.values import Known, Types
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.kernel.money import Money

EVERYBODY = "*"
_DAY_MS = 86_400_000


class NotPaid(StrEnum):
    """Why no payout came of a call or lead, as far as it is known before it happens."""

    NO_RULE = "no_rule"
    RULE_PAUSED = "rule_paused"
    RULE_HOURS = "rule_hours"
    DUPLICATE = "duplicate"
    PAID_AT_RECEIPT_ONLY = "paid_at_receipt_only"


NOT_PAID_WORDS = {
    NotPaid.NO_RULE: "No payout rule of the campaign is for this publisher, source, kind and caller.",
    NotPaid.RULE_PAUSED: "The rule that is for this caller is paused.",
    NotPaid.RULE_HOURS: "The rule that is for this caller does not pay at this hour.",
    NotPaid.DUPLICATE: "The rule that is for this caller does not pay for a contact that the campaign has seen before.",
    NotPaid.PAID_AT_RECEIPT_ONLY: "The rule pays when a call arrives; what it pays was decided then.",
}
"""The sentence for the operator of each code."""


class Traffic(msgspec.Struct, frozen=True, gc=False):
    """What payout rules select by, besides criteria. `zone` is the account's, for the rules' hours.

    `seen_ms` is when the campaign last saw the contact by the event that marks its duplicates (UTC), None for never.
    """

    publisher: str
    source: str | None
    kind: Kind
    zone: str
    seen_ms: int | None = None


class Selected(msgspec.Struct, frozen=True, gc=False):
    """The rule that counts (its place in the campaign's list), or none; `terms` is None when it does not pay."""

    place: int | None
    terms: PayoutTerms | None
    not_paid: str | None


def matching_rule(payouts: Sequence[Payout], traffic: Traffic, known: Known, types: Types) -> int | None:
    """The place of the first rule for this publisher, source, kind and caller."""
    for place, rule in enumerate(payouts):
        if rule.publisher not in {EVERYBODY, traffic.publisher} or not traffic.publisher:
            continue
        if rule.source is not None and rule.source != traffic.source:
            continue
        if rule.applies_to in {"both", traffic.kind.value} and holds(rule.criteria, known, types):
            return place
    return None


def select_payout(
    campaign: str, payouts: Sequence[Payout], traffic: Traffic, known: Known, types: Types, utc_ms: int
) -> Selected:
    """The publisher's terms at `utc_ms`, or why there are none."""
    place = matching_rule(payouts, traffic, known, types)
    if place is None:
        return Selected(None, None, NotPaid.NO_RULE)
    rule = payouts[place]
    if rule.paused:
        return Selected(place, None, NotPaid.RULE_PAUSED)
    if not is_open(rule.hours, traffic.zone, utc_ms):
        return Selected(place, None, NotPaid.RULE_HOURS)
    if not pays_again(rule.duplicates, traffic.seen_ms, utc_ms):
        return Selected(place, None, NotPaid.DUPLICATE)
    terms = PayoutTerms(
        rule=f"campaign {campaign}: payout {place + 1}",
        publisher=traffic.publisher,
        event=rule.event,
        after_ms=(rule.seconds or 0) * 1000,
        amount=rule.amount,
        percent=rule.percent,
        min=rule.min,
        max=rule.max,
    )
    return Selected(place, terms, None)


def pays_again(rule: PayoutDuplicates | None, seen_ms: int | None, utc_ms: int) -> bool:
    """Whether a rule pays for a contact last seen at `seen_ms` (None: never); days are 24 hours each."""
    if rule is None or rule.pay == "always" or seen_ms is None:
        return True
    return rule.pay == "older_than" and utc_ms >= seen_ms + (rule.days or 0) * _DAY_MS


def payout_amount(terms: PayoutTerms, base: Money | None) -> Money:
    """What the publisher earns when the buyer owes `base`: the fixed amount, or a share held between min and max.

    A fixed amount needs no base: a rule that pays for arriving has none.
    """
    if terms.amount is not None:
        return terms.amount
    assert terms.percent is not None, "a payout is an amount or a percentage"
    assert base is not None, "a percentage is of what a buyer owes"
    earned = base.percent(terms.percent)
    if terms.min is not None and earned < terms.min:
        return terms.min
    if terms.max is not None and terms.max < earned:
        return terms.max
    return earned
