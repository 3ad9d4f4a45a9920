"""Every counter of an account, found from its configuration: what an operator may look at and set by hand."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.config.lookup import AccountIndex, route_id
from trunkline.config.schema import Kind, Limit
from trunkline.engine.routing.limits import Calendar, LimitRule, funds_rule, limit_rules
from trunkline.kernel.leases import CounterId


def counter_rules(index: AccountIndex) -> Iterator[LimitRule]:
    """The limits of all objects and the funds of all buyers, each counter once, by level from the top."""
    calendar = Calendar()
    account = index.config.account
    for level, key, limits, zone in _limited(index):
        found: dict[CounterId, LimitRule] = {}
        for kind in Kind:
            for rule in limit_rules(account.key, level, key, limits, zone, kind, calendar):
                found.setdefault(rule.counter, rule)
        yield from found.values()
        if level == "buyer":
            yield from funds_rule(account.key, index.buyers[key], calendar)


def counter_name(counter: CounterId) -> str:
    """`LEVEL/KEY:MEASURE:PER:APPLIES_TO`, without what says nothing: `buyer/lone-star:convert:day`."""
    pieces = [f"{counter.level}/{counter.key}", counter.measure]
    pieces += [counter.per] if counter.per else []
    pieces += [counter.applies_to] if counter.applies_to != "both" else []
    return ":".join(pieces)


def _limited(index: AccountIndex) -> Iterator[tuple[str, str, tuple[Limit, ...], str]]:
    """Level, key, limits and zone of everything that limits can stand on."""
    config = index.config
    account = config.account.key
    zone = config.account.timezone
    yield "account", account, config.account.limits, zone
    for campaign in config.campaigns:
        yield "campaign", campaign.key, campaign.limits, campaign.timezone or zone
    for publisher in config.publishers:
        yield "publisher", publisher.key, publisher.limits, publisher.timezone or zone
    for group in config.buyer_groups:
        yield "group", group.key, group.limits, group.timezone or zone
    for buyer in config.buyers:
        yield "buyer", buyer.key, buyer.limits, buyer.timezone or zone
    for target in config.targets:
        target_zone = target.timezone or index.buyers[target.buyer].timezone or zone
        if target.bid is not None:
            yield "bidder", target.key, target.bid.limits, target_zone
        yield "target", target.key, target.limits, target_zone
    for plan in config.plans:
        for tier in plan.tiers:
            for route in tier.routes:
                buyer = index.buyers[index.targets[route.target].buyer]
                name = route_id(plan.key, tier.key or "", route.key or route.target)
                yield "route", name, route.limits, route.timezone or buyer.timezone or zone
