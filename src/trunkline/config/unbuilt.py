"""What can be written but is not built yet, and what that means for traffic.

A guard that cannot be judged must not be passed over: what it governs is not sold (`method_unavailable`). A setting
that is not built changes nothing but what it would have set. Both are warned of, so that a configuration written for
a later version can be read by this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from trunkline.config.lookup import route_id
from trunkline.config.schema import (
    AccountConfig,
    Campaign,
    ConversionRule,
    Limit,
    Payout,
    Plan,
    Publisher,
    Target,
)
from trunkline.config.subject import Subject
from trunkline.config.tree import Path
from trunkline.config.walk import walk


class UnbuiltGuards(msgspec.Struct, frozen=True):
    """What must not be sold yet, with the reason in words.

    `routes` is keyed by `PLAN.TIER.ROUTE` and holds what is known from the plan alone. `levels` is keyed by level
    (`campaign`, `publisher`, `number`) and key, and governs every route that a call of that origin would get.
    """

    routes: dict[str, str]
    levels: dict[tuple[str, str], str]


class _Guard(msgspec.Struct, frozen=True):
    """One guard that cannot be judged: where it is written, and the object that it stands on."""

    path: Path
    level: str
    key: str
    words: str


def unbuilt_guards(config: AccountConfig) -> UnbuiltGuards:
    """What in an account is governed by a guard, method or bid that is not built."""
    found: dict[tuple[str, str], str] = {}
    for guard in _guards(config):
        found.setdefault((guard.level, guard.key), guard.words)
    origins = {at: words for at, words in found.items() if at[0] in {"campaign", "publisher", "number"}}
    routes: dict[str, str] = {}
    if len(origins) < len(found):
        buyer_of = {target.key: target.buyer for target in config.targets}
        groups_of: dict[str, list[str]] = {}
        for group in config.buyer_groups:
            for buyer in group.buyers:
                groups_of.setdefault(buyer, []).append(group.key)
        for plan in config.plans:
            for tier in plan.tiers:
                for route in tier.routes:
                    name = route_id(plan.key, tier.key or "", route.key or "")
                    buyer = buyer_of.get(route.target, "")
                    above = [
                        ("account", config.account.key),
                        ("plan", plan.key),
                        ("tier", f"{plan.key}.{tier.key}"),
                        *(("group", group) for group in groups_of.get(buyer, ())),
                        ("buyer", buyer),
                        ("target", route.target),
                        ("route", name),
                    ]
                    words = next((found[at] for at in above if at in found), None)
                    if words is not None:
                        routes[name] = words
    return UnbuiltGuards(routes, origins)


def _guards(config: AccountConfig) -> Iterator[_Guard]:
    yield from _guards_on(config.account, ("account",), "account", config.account.key)
    for collection, level in (
        ("publishers", "publisher"),
        ("campaigns", "campaign"),
        ("buyer_groups", "group"),
        ("buyers", "buyer"),
        ("targets", "target"),
    ):
        for place, held in enumerate(getattr(config, collection)):
            yield from _guards_on(held, (collection, place), level, held.key)
    for place, number in enumerate(config.numbers):
        yield from _guards_on(number, ("numbers", place), "number", number.number)
    for place, plan in enumerate(config.plans):
        yield from _guards_of_plan(plan, ("plans", place))


def _guards_of_plan(plan: Plan, path: Path) -> Iterator[_Guard]:
    yield from _guards_on(plan, path, "plan", plan.key)
    for place, tier in enumerate(plan.tiers):
        here: Path = (*path, "tiers", place)
        key = f"{plan.key}.{tier.key}"
        yield from _guards_on(tier, here, "tier", key)
        for at, route in enumerate(tier.routes):
            name = route_id(plan.key, tier.key or "", route.key or "")
            yield from _guards_on(route, (*here, "routes", at), "route", name)


def _guards_on(held: Any, path: Path, level: str, key: str) -> Iterator[_Guard]:
    """The guards of one object that are not built."""
    limits: Sequence[Limit] = getattr(held, "limits", ())
    for place, limit in enumerate(limits):
        for field in ("pacing", "min_gap_seconds", "matrix"):
            if getattr(limit, field):
                yield _Guard((*path, "limits", place, field), level, key, f"`{field}` of a limit is not built yet")


def warn_unbuilt(subject: Subject) -> None:
    """Warn of all that is not built."""
    findings = subject.findings
    for guard in _guards(subject.config):
        message = f"{guard.words}: what this {guard.level} governs is never sold (method_unavailable)"
        findings.warning(guard.path, "not_built", message, "leave it out to sell without it")
    for path, value in walk(subject.config):
        for field, message in _unbuilt_settings(value):
            findings.warning((*path, field), "not_built", message, "leave it out, or keep it for a later version")


def _unbuilt_settings(value: Any) -> Iterator[tuple[str, str]]:
    """Settings of one object that are read and do nothing yet, with what happens instead."""
    for field, normal, message in _SETTINGS.get(type(value), ()):
        if getattr(value, field) != normal:
            yield field, message
    if isinstance(value, ConversionRule) and value.event == "postback":
        yield "event", "postbacks are not received yet: nothing converts by this rule"


_SETTINGS: dict[type, tuple[tuple[str, Any, str], ...]] = {
    ConversionRule: (
        ("decide_within_seconds", None, "seats are held to the end of the call: nothing converts later yet"),
    ),
    Payout: (
        ("hold_days", None, "payouts are not held yet: they are posted at once"),
        ("limits", (), "limits of payout rules are not counted yet: the rule pays without a limit"),
    ),
    Campaign: (("lead_fields", (), "leads are not taken in yet: nobody fills in these fields"),),
    Publisher: (("keys", (), "leads are not taken in yet: nobody can post with these keys"),),
    Target: (
        ("bid", None, "asking bidders is not built yet: this target is never offered"),
        ("deliver", None, "leads are not delivered yet: this target is never offered"),
        ("on_timeout", "next", "leads are not delivered yet: nothing changes"),
        ("test_url", None, "leads are not delivered yet: nothing changes"),
    ),
}
"""By struct: field, the value that says nothing, and what happens instead."""
