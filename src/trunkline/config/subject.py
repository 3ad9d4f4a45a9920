"""What a check is given: one account's configuration, looked up, with the place where problems go."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from trunkline.config.attributes import type_of
from trunkline.config.flows import HoldQueue, RouteNode
from trunkline.config.lookup import AccountIndex, by_key
from trunkline.config.places import Places
from trunkline.config.problems import Findings
from trunkline.config.schema import AccountConfig, Campaign, Plan, Platform, Route, Tier
from trunkline.config.tree import Path
from trunkline.config.trunks import Trunk
from trunkline.config.voices import Voices

SUGGESTED_FROM_MAX = 500
"""Among more keys than these no similar one is looked for: it takes 10 µs a key, for each of the problems."""


class Subject:
    """One account that is being checked."""

    __slots__ = (
        "campaigns_of_plan", "config", "findings", "index", "places", "platform", "trunks", "types", "voices"
    )  # fmt: skip

    def __init__(
        self,
        config: AccountConfig,
        platform: Platform,
        findings: Findings,
        voices: Voices | None,
        places: Places | None = None,
    ) -> None:
        self.places = places
        self.config = config
        self.platform = platform
        self.index = AccountIndex(config)
        self.trunks: dict[str, Trunk] = by_key(platform.trunks)
        self.findings = findings
        self.voices = voices
        self.types = _declared_types(config)
        self.campaigns_of_plan = _campaigns_of_plan(config)

    def kind_of(self, attr: str) -> str:
        """The type by which the attribute compares, or as a campaign declares it; text for one that does not exist."""
        return type_of(attr, self.types) or "text"

    def routes(self) -> Iterator[tuple[Path, Plan, Tier, Route]]:
        """Every route with its path, plan and tier."""
        for place, plan in enumerate(self.config.plans):
            for tier_place, tier in enumerate(plan.tiers):
                for route_place, route in enumerate(tier.routes):
                    yield ("plans", place, "tiers", tier_place, "routes", route_place), plan, tier, route

    def refers(self, path: Path, key: str | None, known: Collection[str], noun: str) -> None:
        """Report a key that names nothing. An empty one has been reported when it was read."""
        if not key or key in known:
            return
        names = list(known)
        close = get_close_matches(key, names, n=1) if len(names) <= SUGGESTED_FROM_MAX else []
        have = f"there are: {', '.join(names[:10])}" if names else f"there is no {noun} at all"
        hint = f"did you mean {close[0]!r}?" if close else have
        self.findings.error(path, "unknown_reference", f"there is no {noun} {key!r}", hint)


def _declared_types(config: AccountConfig) -> dict[str, str]:
    """The types that campaigns give to tags and lead fields; a name with two types is compared as text."""
    types: dict[str, str] = {}
    for campaign in config.campaigns:
        named: list[tuple[str, str]] = [(declared.name, declared.type) for declared in campaign.attributes]
        named += [(f"lead.{field.name}", field.type) for field in campaign.lead_fields]
        for name, kind in named:
            types[name] = "text" if types.get(name, kind) != kind else kind
    return types


def _campaigns_of_plan(config: AccountConfig) -> dict[str, list[Campaign]]:
    """The campaigns whose calls a plan may be asked to sell: by name, by their flow, for aged leads, or as a
    fallback."""
    plans_of_flow = {
        flow.key: {node.plan for node in flow.nodes.values() if isinstance(node, RouteNode | HoldQueue) and node.plan}
        for flow in config.flows
    }
    fallbacks = {plan.key: plan.fallback for plan in config.plans if plan.fallback}
    found: dict[str, list[Campaign]] = {}
    for campaign in config.campaigns:
        open_plans = [campaign.plan, *plans_of_flow.get(campaign.flow, ())]
        if campaign.leads.resale is not None:
            open_plans.append(campaign.leads.resale.plan)
        seen: set[str] = set()
        while open_plans:
            plan = open_plans.pop()
            if plan in seen:
                continue
            seen.add(plan)
            found.setdefault(plan, []).append(campaign)
            if plan in fallbacks:
                open_plans.append(fallbacks[plan])
    return found
