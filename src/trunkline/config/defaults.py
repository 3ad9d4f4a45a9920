"""Writes out what is meant when it is not said, so that whoever reads a snapshot finds it: keys, and a limit."""

from __future__ import annotations

import msgspec

from trunkline.config.schema import AccountConfig, Limit, Measure, Plan, Target, Tier


def with_defaults(account: AccountConfig) -> AccountConfig:
    """The account with tiers called `t1`, `t2`, … by their place and routes called like their target.

    `concurrency` of a target's posts becomes what it is: a limit of `in_flight`, unless a lower one stands there.
    """
    return msgspec.structs.replace(
        account,
        plans=tuple(_plan(plan) for plan in account.plans),
        targets=tuple(_target(target) for target in account.targets),
    )


def _target(target: Target) -> Target:
    deliver = target.deliver
    if deliver is None or deliver.concurrency is None or deliver.queued:
        return target
    said = next((each for each in target.limits if _is_in_flight(each)), None)
    if said is None:
        limits = (*target.limits, Limit(measure=Measure.IN_FLIGHT, max=deliver.concurrency))
    elif said.max > deliver.concurrency:
        lower = msgspec.structs.replace(said, max=deliver.concurrency)
        limits = tuple(lower if each is said else each for each in target.limits)
    else:
        return target
    return msgspec.structs.replace(target, limits=limits)


def _is_in_flight(limit: Limit) -> bool:
    return limit.measure is Measure.IN_FLIGHT and limit.per is None and limit.applies_to == "both"


def _plan(plan: Plan) -> Plan:
    tiers = tuple(_tier(tier, place) for place, tier in enumerate(plan.tiers, start=1))
    return msgspec.structs.replace(plan, tiers=tiers)


def _tier(tier: Tier, place: int) -> Tier:
    routes = tuple(
        route if route.key is not None else msgspec.structs.replace(route, key=route.target) for route in tier.routes
    )
    return msgspec.structs.replace(tier, key=tier.key or f"t{place}", routes=routes)
