"""Everything above the plan that a caller comes in by: account, campaign, publisher and tracking number."""

from __future__ import annotations

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Kind
from trunkline.config.unbuilt import UnbuiltGuards
from trunkline.engine.routing.guards import Guards, Stand
from trunkline.engine.routing.limits import Calendar, Rules, limit_rules


class Entrance:
    """The guards, limits and settings that all routes of one (campaign, publisher, number) share."""

    __slots__ = ("campaign", "guards", "price", "rules", "unbuilt")

    def __init__(
        self,
        index: AccountIndex,
        campaign: str,
        publisher: str,
        number: str | None,
        unbuilt: UnbuiltGuards,
        calendar: Calendar,
    ) -> None:
        account = index.config.account
        self.campaign = index.campaigns[campaign]
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
        price = self.campaign.price or account.price
        self.price = None if price is None else price.minor
        self.unbuilt = next(
            ((entry, words) for entry in stands if (words := unbuilt.levels.get((entry.level, entry.key)))), None
        )
        """The first of these whose guard cannot be judged, and what of it."""
        self.rules: dict[Kind, Rules] = {
            kind: limit_rules(account.key, "account", account.key, account.limits, zone, kind, calendar)
            + limit_rules(account.key, "campaign", campaign, self.campaign.limits, campaign_zone, kind, calendar)
            + (
                ()
                if sender is None
                else limit_rules(account.key, "publisher", sender.key, sender.limits, sender_zone, kind, calendar)
            )
            for kind in Kind
        }
