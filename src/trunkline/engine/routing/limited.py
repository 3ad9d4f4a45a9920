"""Everything that limits can stand on: whose they are, and where their windows and their open time are.

A window lies in the limit's own zone, else in that of its object, else of the buyer, else of the account. What is
spread evenly over a window is spread over the hours of the object, else of what it stands below: a route below its
target, a bidder likewise, a target below its buyer, everything below the account.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trunkline.config.hours import Hours
from trunkline.config.lookup import AccountIndex, route_id
from trunkline.config.schema import Buyer, BuyerGroup, Campaign, Limit, Publisher, Route, Target

OpenBy = tuple[tuple[Hours | None, str], ...]
"""Hours with the zones they are in, the most specific first."""


class Limited(msgspec.Struct, frozen=True, gc=False):
    """The limits of one object; `zone` is where a limit counts that says none."""

    level: str
    key: str
    limits: tuple[Limit, ...]
    zone: str
    open_by: OpenBy


class Limits:
    """The limits of one account's objects."""

    __slots__ = ("_account", "_index")

    def __init__(self, index: AccountIndex) -> None:
        self._index = index
        self._account = index.config.account

    def everything(self) -> Iterator[Limited]:
        """All objects of the account, by level from the top."""
        config = self._index.config
        yield self.of_account()
        yield from map(self.of_campaign, config.campaigns)
        yield from map(self.of_publisher, config.publishers)
        yield from map(self.of_group, config.buyer_groups)
        yield from map(self.of_buyer, config.buyers)
        yield from map(self.of_bidder, config.targets)
        yield from map(self.of_target, config.targets)
        for plan in config.plans:
            for tier in plan.tiers:
                for route in tier.routes:
                    yield self.of_route(route_id(plan.key, tier.key or "", route.key or route.target), route)

    def named(self, level: str, key: str) -> Limited | None:
        """The object of that level and key; None when there is none."""
        index = self._index
        match level:
            case "account":
                return self.of_account() if key == self._account.key else None
            case "campaign":
                return self.of_campaign(index.campaigns[key]) if key in index.campaigns else None
            case "publisher":
                return self.of_publisher(index.publishers[key]) if key in index.publishers else None
            case "group":
                return self.of_group(index.groups[key]) if key in index.groups else None
            case "buyer":
                return self.of_buyer(index.buyers[key]) if key in index.buyers else None
            case "bidder":
                return self.of_bidder(index.targets[key]) if key in index.targets else None
            case "target":
                return self.of_target(index.targets[key]) if key in index.targets else None
            case "route":
                return self._named_route(key)
        return None

    def _named_route(self, name: str) -> Limited | None:
        plan = self._index.plans.get(name.partition(".")[0])
        if plan is None:
            return None
        for tier in plan.tiers:
            for route in tier.routes:
                if route_id(plan.key, tier.key or "", route.key or route.target) == name:
                    return self.of_route(name, route)
        return None

    def of_account(self) -> Limited:
        """The account's own."""
        account = self._account
        return Limited("account", account.key, account.limits, account.timezone, self._account_hours())

    def of_campaign(self, campaign: Campaign) -> Limited:
        """A campaign's."""
        return self._placed("campaign", campaign)

    def of_publisher(self, publisher: Publisher) -> Limited:
        """A publisher's."""
        return self._placed("publisher", publisher)

    def of_group(self, group: BuyerGroup) -> Limited:
        """A group's, which its buyers share."""
        return self._placed("group", group)

    def of_buyer(self, buyer: Buyer) -> Limited:
        """A buyer's."""
        return self._placed("buyer", buyer)

    def of_bidder(self, target: Target) -> Limited:
        """What a target allows as a bidder; nothing when it is none."""
        limits = () if target.bid is None else target.bid.limits
        return msgspec.structs.replace(self.of_target(target), level="bidder", limits=limits)

    def of_target(self, target: Target) -> Limited:
        """A target's."""
        buyer = self._index.buyers[target.buyer]
        zone = target.timezone or buyer.timezone or self._account.timezone
        open_by = ((target.hours, zone), *self.of_buyer(buyer).open_by)
        return Limited("target", target.key, target.limits, zone, open_by)

    def of_route(self, name: str, route: Route) -> Limited:
        """A route's, which is called PLAN.TIER.ROUTE."""
        target = self._index.targets[route.target]
        zone = route.timezone or self._index.buyers[target.buyer].timezone or self._account.timezone
        return Limited("route", name, route.limits, zone, ((route.hours, zone), *self.of_target(target).open_by))

    def _placed(self, level: str, thing: Campaign | Publisher | BuyerGroup | Buyer) -> Limited:
        zone = thing.timezone or self._account.timezone
        return Limited(level, thing.key, thing.limits, zone, ((thing.hours, zone), *self._account_hours()))

    def _account_hours(self) -> OpenBy:
        return ((self._account.hours, self._account.timezone),)
