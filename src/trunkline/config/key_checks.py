"""Keys: well formed, and each stands once. Tracking numbers: each belongs to one account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from trunkline.config.problems import Findings
from trunkline.config.schema import AccountConfig
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_KEY_HINT = "use up to 64 letters, digits, dashes and underscores, a letter or digit first"
_COLLECTIONS = ("lists", "publishers", "campaigns", "buyers", "buyer_groups", "targets", "plans", "flows")


def check_key(findings: Findings, path: Path, key: str | None) -> None:
    """Keys stand in route ids, paths and file names, so they are plain."""
    if key and _KEY.fullmatch(key) is None:
        findings.error(path, "bad_key", f"{key!r} cannot be a key", _KEY_HINT)


def check_unique(findings: Findings, named: Iterable[tuple[Path, str | None]], noun: str, hint: str) -> None:
    """Report every key that has stood before."""
    seen: set[str] = set()
    for path, key in named:
        if not key:
            continue
        if key in seen:
            findings.error(path, "duplicate", f"the {noun} {key!r} stands twice", hint)
        seen.add(key)


def check_keys(subject: Subject) -> None:
    """All keys of an account."""
    findings, config = subject.findings, subject.config
    check_key(findings, ("account", "key"), config.account.key)
    for collection in _COLLECTIONS:
        named = [((collection, place, "key"), item.key) for place, item in enumerate(getattr(config, collection))]
        noun = collection.removesuffix("s").replace("_", " ")
        check_unique(findings, named, noun, "give one of them another key")
        for path, key in named:
            check_key(findings, path, key)
    numbers = [(("numbers", place, "key"), number.key) for place, number in enumerate(config.numbers)]
    check_unique(findings, numbers, "number key", "give one of them another key")
    for place, campaign in enumerate(config.campaigns):
        here: Path = ("campaigns", place)
        fields = [((*here, "lead_fields", at, "name"), field.name) for at, field in enumerate(campaign.lead_fields)]
        check_unique(findings, fields, "lead field", "keep one of them")
        tags = [((*here, "attributes", at, "name"), tag.name) for at, tag in enumerate(campaign.attributes)]
        check_unique(findings, tags, "attribute", "keep one of them")
    _check_plan_keys(subject)
    _check_node_names(subject)


def _check_plan_keys(subject: Subject) -> None:
    findings = subject.findings
    for place, plan in enumerate(subject.config.plans):
        tiers: list[tuple[Path, str | None]] = []
        routes: list[tuple[Path, str | None]] = []
        for tier_place, tier in enumerate(plan.tiers):
            here: Path = ("plans", place, "tiers", tier_place)
            tiers.append(((*here, "key"), tier.key))
            routes += [((*here, "routes", at, "key"), route.key) for at, route in enumerate(tier.routes)]
        check_unique(findings, tiers, "tier", "tiers are called t1, t2, … by their place unless they have a key")
        hint = "a route is called like its target unless it has a key: give this one a `key`"
        check_unique(findings, routes, f"route of plan {plan.key}", hint)
        for path, key in (*tiers, *routes):
            check_key(findings, path, key)


def _check_node_names(subject: Subject) -> None:
    for place, flow in enumerate(subject.config.flows):
        for name in flow.nodes:
            check_key(subject.findings, ("flows", place, "nodes", name), name)


def check_numbers(accounts: Sequence[tuple[AccountConfig, Findings]]) -> None:
    """No tracking number twice, in one account or in two."""
    owners: dict[str, tuple[str, str]] = {}
    for config, findings in accounts:
        mine = config.account.key
        for place, number in enumerate(config.numbers):
            if not number.number:
                continue
            owner = owners.get(number.number)
            if owner is None:
                owners[number.number] = (mine, findings.file)
                continue
            where = f"twice in account {mine!r}" if owner[0] == mine else f"in accounts {owner[0]!r} and {mine!r}"
            hint = f"it stands first in {owner[1]}; a number belongs to one account and one campaign"
            findings.error(("numbers", place, "number"), "number_clash", f"{number.number} stands {where}", hint)


def check_account_keys(accounts: Sequence[tuple[AccountConfig, Findings]]) -> None:
    """No account twice."""
    seen: dict[str, str] = {}
    for config, findings in accounts:
        key = config.account.key
        if key and key in seen:
            message = f"the account {key!r} is also in {seen[key]}"
            findings.error(("account", "key"), "duplicate", message, "give one of them another key")
        seen.setdefault(key, findings.file)
