"""What it means that a contact was seen before: whether it is a duplicate, and where it may go.

Three rules look at one history and do not know of each other. A campaign *marks* a contact that it has seen within so
many days; it may say where a marked one *goes*; and a buyer may want none that it has had itself within days of its
own. (Whether the publisher is *paid* is a matter of the payout rule: `engine/terms/payouts.py`.)

A day is 24 hours, counted from the earlier event: after 30 days to the millisecond a contact is new again. Withheld
numbers are unique, unless the campaign takes all of them for one contact (`anonymous: true`); buyers always take them
as unique.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from trunkline.config.contacts import Duplicates, MarkDuplicates
from trunkline.config.schema import (
    AccountConfig,
    Campaign,
)
from trunkline.engine.routing.values import Known
from trunkline.events.contacts import ContactEvent, Seen

DAY_MS: Final = 86_400_000
ANONYMOUS: Final = "caller.anonymous"


class Repetition(msgspec.Struct, frozen=True):
    """What a caller's history means for one search: whom it may go to, and in which order.

    `of` is the event that makes it a duplicate of the campaign. `nowhere`: to nobody. `only`: to this buyer alone;
    `never`: to none of these. `first`: to this buyer before all others; `last`: to these after all others. `unwelcome`
    are buyers that have had the contact more recently than they want.
    """

    of: Seen | None = None
    nowhere: bool = False
    only: str | None = None
    never: frozenset[str] = frozenset()
    first: str | None = None
    last: frozenset[str] = frozenset()
    unwelcome: frozenset[str] = frozenset()


def duplicate_of(history: Sequence[Seen], campaign: Campaign, *, anonymous: bool, utc_ms: int) -> Seen | None:
    """The newest earlier event that makes a contact a duplicate on `campaign` at that instant, None when none does.

    `history` is the contact's, newest last; `anonymous` says that it is the one contact of all withheld numbers.
    """
    mark = _mark_of(campaign.duplicates)
    if mark is None or (anonymous and not mark.anonymous):
        return None
    return next((seen for seen in reversed(history) if _marks(seen, mark, campaign.key, utc_ms)), None)


def last_seen_ms(history: Sequence[Seen], campaign: Campaign, *, anonymous: bool, utc_ms: int) -> int | None:
    """When the campaign last saw the contact, however long ago, by the event that marks duplicates; None: never."""
    mark = _mark_of(campaign.duplicates) or MarkDuplicates()
    if anonymous and not mark.anonymous:
        return None
    times = (
        seen.at_ms
        for seen in history
        if seen.event == mark.event and seen.campaign == campaign.key and seen.at_ms <= utc_ms
    )
    return max(times, default=None)


def is_anonymous(known: Known) -> bool:
    """Whether nobody knows who calls."""
    return known.get(ANONYMOUS) == "yes"


def repetition(
    history: Sequence[Seen], campaign: Campaign, not_seen_days: Mapping[str, int], *, anonymous: bool, utc_ms: int
) -> Repetition | None:
    """What `history` means for routing; None when nothing. `not_seen_days` is by buyer."""
    unwelcome = frozenset() if anonymous else _had_recently(history, not_seen_days, utc_ms)
    of = duplicate_of(history, campaign, anonymous=anonymous, utc_ms=utc_ms)
    rule = campaign.duplicates
    if of is None or rule is None or rule.route == "normal":
        return Repetition(of, unwelcome=unwelcome) if unwelcome or of is not None else None
    if rule.route == "nowhere":
        return Repetition(of, nowhere=True, unwelcome=unwelcome)
    before = _buyers_before(history, of, rule, campaign.key, utc_ms)
    if not before:  # a duplicate that reached nobody has no buyer to go back to, and none to keep away from
        return Repetition(of, unwelcome=unwelcome)
    if rule.route == "original":
        newest = before[-1]
        return Repetition(
            of, only=newest if rule.strict else None, first=None if rule.strict else newest, unwelcome=unwelcome
        )
    kept_away = frozenset(before)
    return Repetition(
        of,
        never=kept_away if rule.strict else frozenset(),
        last=frozenset() if rule.strict else kept_away,
        unwelcome=unwelcome,
    )


def events_asked_for(config: AccountConfig) -> frozenset[ContactEvent]:
    """What has to be kept of an account's contacts so that its rules can be judged; empty when none asks."""
    found: set[ContactEvent] = set()
    if any(buyer.not_seen_days is not None for buyer in config.buyers):
        found.add("connect")
    for campaign in config.campaigns:
        mark = _mark_of(campaign.duplicates)
        if mark is not None:
            found.add(mark.event)
            if mark.event == "incoming" and campaign.duplicates is not None and campaign.duplicates.route != "normal":
                found.add("connect")
        if any(rule.duplicates is not None and rule.duplicates.pay != "always" for rule in campaign.payouts):
            found.add((mark or MarkDuplicates()).event)
    return frozenset(found)


def counts_anonymous(campaign: Campaign) -> bool:
    """Whether all withheld numbers are one contact of the campaign."""
    mark = _mark_of(campaign.duplicates)
    return mark is not None and mark.anonymous


def _had_recently(history: Sequence[Seen], not_seen_days: Mapping[str, int], utc_ms: int) -> frozenset[str]:
    """The buyers that have had the contact, on any campaign, within the days in which they want it only once."""
    return frozenset(
        seen.buyer
        for seen in history
        if seen.buyer is not None and seen.buyer in not_seen_days and _within(seen, not_seen_days[seen.buyer], utc_ms)
    )


def _mark_of(rule: Duplicates | None) -> MarkDuplicates | None:
    """How a campaign marks duplicates; where it only says where they go, as if it said nothing else."""
    if rule is None or (rule.mark is None and rule.route == "normal"):
        return None
    return rule.mark or MarkDuplicates()


def _within(seen: Seen, days: int, utc_ms: int) -> bool:
    return seen.at_ms <= utc_ms < seen.at_ms + days * DAY_MS


def _marks(seen: Seen, mark: MarkDuplicates, campaign: str, utc_ms: int) -> bool:
    return seen.event == mark.event and seen.campaign == campaign and _within(seen, mark.days, utc_ms)


def _buyers_before(history: Sequence[Seen], of: Seen, rule: Duplicates, campaign: str, utc_ms: int) -> list[str]:
    """Whom the contact reached on the campaign by the event that marks (by connecting, where arriving does)."""
    mark = rule.mark or MarkDuplicates()
    event = "connect" if mark.event == "incoming" else of.event
    return [
        seen.buyer
        for seen in history
        if seen.event == event
        and seen.buyer is not None
        and seen.campaign == campaign
        and _within(seen, mark.days, utc_ms)
    ]
