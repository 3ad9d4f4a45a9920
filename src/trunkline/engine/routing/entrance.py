"""Everything above the plan that a caller comes in by: account, campaign, publisher and tracking number."""

from __future__ import annotations

from copy import copy

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Campaign, Kind
from trunkline.engine.routing.guards import Guards, Stand
from trunkline.engine.routing.limited import Limits
from trunkline.engine.routing.limits import Calendar, Rules, limit_rules
from trunkline.engine.terms.conversion import charge_ceiling
from trunkline.engine.terms.payouts import Selected
from trunkline.engine.terms.promises import Promise


class Entrance:
    """The guards, limits and settings that all routes of one (campaign, publisher, number) share."""

    __slots__ = ("campaign", "ceilings", "floor", "guards", "named", "paid", "price", "promised", "rules")

    def __init__(
        self,
        index: AccountIndex,
        campaign: str,
        publisher: str,
        number: str | None,
        calendar: Calendar,
    ) -> None:
        account = index.config.account
        self.campaign = index.campaigns[campaign]
        self.named = self.campaign.leads.consent == "named"
        """Whether leads may only be sold to sellers that their consent names."""
        sender = index.publishers.get(publisher)
        tracking = None if number is None else index.numbers.get(number)
        zone = account.timezone
        campaign_zone = self.campaign.timezone or zone
        sender_zone = zone if sender is None or sender.timezone is None else sender.timezone

        stands = [
            Stand("account", account.key, account, zone),
            Stand("campaign", campaign, self.campaign, campaign_zone),
        ]
        if sender is not None:
            stands.append(Stand("publisher", sender.key, sender, sender_zone))
        if tracking is not None:
            stands.append(Stand("number", tracking.number, tracking, zone))
        self.guards = Guards(stands)
        self.floor = self.guards.floor
        """The highest floor of the configuration, in minor units; what a caller's promise asks is among `guards`."""
        self.promised: Selected | None = None
        """What the publisher earns for a caller it was promised something for."""
        self.paid: dict[tuple[str | None, Kind], Selected] | None = None if _varying(self.campaign) else {}
        """By source and kind the payout rule that counts, where nothing else decides; None where more does."""
        price = self.campaign.price or account.price
        self.price = None if price is None else price.minor
        self.ceilings = {kind: charge_ceiling(kind, self.campaign, account) or 0 for kind in Kind}
        """By kind: the most that a conversion may charge whatever the price, where no level below says."""
        limits = Limits(index)
        above = [limits.of_account(), limits.of_campaign(self.campaign)]
        if sender is not None:
            above.append(limits.of_publisher(sender))
        self.rules: dict[Kind, Rules] = {
            kind: tuple(rule for each in above for rule in limit_rules(account.key, each, kind, calendar))
            for kind in Kind
        }

    def promising(self, promise: Promise) -> Entrance:
        """The same for a caller for whom the publisher was promised something."""
        mine = copy(self)
        mine.guards = Guards((*self.guards.stands, Stand("ping", promise.ping, promise, "UTC")))
        mine.promised = Selected(None, promise.payout, None)
        return mine


def _varying(campaign: Campaign) -> bool:
    """Whether its payouts depend on the hour, the caller or the caller's past."""
    return any(
        rule.criteria is not None or rule.hours is not None or rule.duplicates is not None for rule in campaign.payouts
    )
