"""Gives tiers and routes the keys they have when none is written, so that whoever reads a snapshot finds one."""

from __future__ import annotations

import msgspec

from trunkline.config.schema import AccountConfig, Plan, Tier


def with_defaults(account: AccountConfig) -> AccountConfig:
    """The account with tiers called `t1`, `t2`, … by their place and routes called like their target."""
    return msgspec.structs.replace(account, plans=tuple(_plan(plan) for plan in account.plans))


def _plan(plan: Plan) -> Plan:
    tiers = tuple(_tier(tier, place) for place, tier in enumerate(plan.tiers, start=1))
    return msgspec.structs.replace(plan, tiers=tiers)


def _tier(tier: Tier, place: int) -> Tier:
    routes = tuple(
        route if route.key is not None else msgspec.structs.replace(route, key=route.target) for route in tier.routes
    )
    return msgspec.structs.replace(tier, key=tier.key or f"t{place}", routes=routes)
