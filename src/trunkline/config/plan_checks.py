"""Plans: tiers that have routes, routes that have a price above the floors, fallbacks that end."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.config.schema import Method, Plan, Route, Tier
from trunkline.config.subject import Subject
from trunkline.config.tree import Path
from trunkline.kernel.money import Money

HOPS_MAX = 5
"""How often a call may be rerouted."""


def check_plans(subject: Subject) -> None:
    """All plans of an account."""
    plans = subject.config.plans
    for place, plan in enumerate(plans):
        path: Path = ("plans", place)
        subject.refers((*path, "fallback"), plan.fallback, subject.index.plans, "plan")
        if not plan.tiers:
            subject.findings.error((*path, "tiers"), "empty", "the plan has no tiers", "add a tier with a route")
        for tier_place, tier in enumerate(plan.tiers):
            _check_tier(subject, (*path, "tiers", tier_place), tier)
    _check_fallbacks(subject)
    for path, plan, tier, route in subject.routes():
        _check_route(subject, path, plan, tier, route)


def _check_tier(subject: Subject, path: Path, tier: Tier) -> None:
    if not tier.routes:
        hint = "add a route, or leave the tier out"
        subject.findings.error((*path, "routes"), "empty", "the tier has no routes", hint)
    elif not any(route.weight for route in tier.routes):
        message = "all routes have weight 0, which is paused"
        subject.findings.warning((*path, "routes"), "never_matches", message, "give one a weight above zero")
    if tier.deadline_ms is not None and tier.method is not Method.AUCTION:
        hint = "leave it out, or write method: auction"
        message = f"a deadline is only for auctions, not for {tier.method}"
        subject.findings.warning((*path, "deadline_ms"), "no_effect", message, hint)
    scored = tier.min_score is not None or any(route.min_score is not None for route in tier.routes)
    if tier.performance is not None and tier.method is not Method.PERFORMANCE and not scored:
        hint = "leave it out, or write method: performance"
        message = f"nothing in a tier of method {tier.method} without `min_score` asks for rates"
        subject.findings.warning((*path, "performance"), "no_effect", message, hint)


def _check_fallbacks(subject: Subject) -> None:
    """Falling back must end: a plan may not come to itself again."""
    for place, plan in enumerate(subject.config.plans):
        seen = [plan.key]
        here = plan
        while here.fallback in subject.index.plans:
            here = subject.index.plans[here.fallback]
            if here.key == plan.key:
                message = f"the plan falls back to itself: {' → '.join([*seen, plan.key])}"
                hint = "let the last plan have no fallback"
                subject.findings.error(("plans", place, "fallback"), "fallback_loop", message, hint)
            if here.key in seen:
                break
            seen.append(here.key)


def _check_hops(subject: Subject, path: Path, plan: Plan, route: Route) -> None:
    wrong = [hop for hop in route.hops if not 0 <= hop <= HOPS_MAX]
    if wrong or not route.hops:
        what = f"{wrong[0]} is no hop" if wrong else "the route takes traffic of no hop"
        hint = f"0 is a call that was not rerouted; up to {HOPS_MAX}: hops: [0, 1, 2]"
        subject.findings.error((*path, "hops"), "bad_hops", what, hint)
    elif 0 not in route.hops and not any(each.reroute_seconds for each in _leading_to(subject, plan)):
        message = "this can never match: no plan that leads here reroutes calls"
        subject.findings.warning((*path, "hops"), "never_matches", message, "give the plan `reroute_seconds`")


def _leading_to(subject: Subject, plan: Plan) -> list[Plan]:
    """The plan and all that fall back to it, over others or not."""
    found = [plan]
    for each in found:
        found += [other for other in subject.config.plans if other.fallback == each.key and other not in found]
    return found


def _check_route(subject: Subject, path: Path, plan: Plan, tier: Tier, route: Route) -> None:
    _check_hops(subject, path, plan, route)
    subject.refers((*path, "target"), route.target, subject.index.targets, "target")
    target = subject.index.targets.get(route.target)
    if target is None:
        return
    if target.bid is not None:
        if route.price is not None:
            hint = "leave the price out; to sell at a fixed price, make a target without `bid`"
            message = f"{target.key!r} bids for itself, so its route cannot have a price"
            subject.findings.error((*path, "price"), "bidder_price", message, hint)
        if tier.method is not Method.AUCTION:
            hint = "move the route to a tier with method: auction"
            message = "a bidder outside an auction is never offered anything (method_unavailable)"
            subject.findings.warning(path, "bidder_outside_auction", message, hint)
        return
    prices = list(prices_of(subject, plan, route))
    if any(price is None for price in prices):
        hint = "write a price on the route, its target, its buyer, the plan, the campaign or the account"
        message = f"the route to {target.key!r} has no price of its own and inherits none"
        subject.findings.error((*path, "price"), "missing_price", message, hint)
        return
    _check_floor(subject, path, plan, tier, route, max(price.minor for price in prices if price is not None))


def prices_of(subject: Subject, plan: Plan, route: Route) -> Iterator[Money | None]:
    """The price of a static route for each campaign that may use it; None where there is none."""
    target = subject.index.targets.get(route.target)
    buyer = subject.index.buyers.get(target.buyer) if target else None
    own = route.price or (target.price if target else None) or (buyer.price if buyer else None) or plan.price
    campaigns = subject.campaigns_of_plan.get(plan.key, ())
    inherited = subject.config.account.price
    if own is not None or not campaigns:
        yield own or inherited
        return
    for campaign in campaigns:
        yield campaign.price or inherited


def _check_floor(subject: Subject, path: Path, plan: Plan, tier: Tier, route: Route, price_minor: int) -> None:
    """A price below a floor above it: the route can never be offered."""
    target = subject.index.targets[route.target]
    buyer = subject.index.buyers.get(target.buyer)
    groups = subject.index.groups_of.get(target.buyer, ())
    above = [("account", subject.config.account.floor), ("plan", plan.floor), ("tier", tier.floor)]
    above += [(f"group {group.key}", group.floor) for group in groups]
    above += [("buyer", buyer.floor if buyer else None), ("target", target.floor), ("route", route.floor)]
    campaigns = subject.campaigns_of_plan.get(plan.key, ())
    floors = [campaign.floor for campaign in campaigns if campaign.floor is not None]
    if campaigns and len(floors) == len(campaigns):
        above.insert(1, ("campaign", min(floors, key=lambda floor: floor.minor)))
    for level, floor in above:
        if floor is not None and price_minor < floor.minor:
            shown = Money(price_minor, floor.currency)
            message = f"the price {shown} is below the floor {floor} of the {level}: this route can never be offered"
            subject.findings.warning((*path, "price"), "never_matches", message, "raise the price or lower the floor")
            return
