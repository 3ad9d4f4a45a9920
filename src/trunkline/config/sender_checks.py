"""Checks of who may send leads, and of what makes two leads the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trunkline.config.problems import Findings
from trunkline.config.schema import AccountConfig, Campaign, Publisher, Route
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_publisher(subject: Subject, path: Path, publisher: Publisher) -> None:
    """What a publisher's API keys look like, and what they are for."""
    for place, key in enumerate(publisher.keys):
        if key and _SHA256.fullmatch(key) is None:
            hint = "write the SHA-256 sum of the key as 64 small hex digits, never the key itself"
            subject.findings.error((*path, "keys", place), "bad_publisher_key", "this is no SHA-256 sum", hint)
    for place, campaign in enumerate(publisher.campaigns):
        subject.refers((*path, "campaigns", place), campaign, subject.index.campaigns, "campaign")


def check_same_by(subject: Subject, path: Path, campaign: Campaign) -> None:
    """Fields that the rules of a campaign's leads name are fields of its form."""
    fields = {field.name for field in campaign.lead_fields}
    for place, name in enumerate(campaign.leads.same_by):
        subject.refers((*path, "leads", "same_by", place), name, fields, "lead field")


def check_review(subject: Subject, path: Path, campaign: Campaign) -> None:
    """Who is looked at first is said in one way; the plan for aged leads is another one."""
    review, resale = campaign.leads.review, campaign.leads.resale
    if review is not None and (review.criteria is None) is not review.all:
        message = "which leads wait is said twice" if review.all else "which leads wait is not said"
        hint = "write `all: true`, or `criteria`"
        subject.findings.error((*path, "leads", "review"), "bad_lead_rule", message, hint)
    if resale is None:
        return
    here: Path = (*path, "leads", "resale")
    subject.refers((*here, "plan"), resale.plan, subject.index.plans, "plan")
    if resale.plan == campaign.plan:
        message = "aged leads would be offered by the plan that did not sell them"
        subject.findings.warning((*here, "plan"), "no_effect", message, "name another plan")
    plan = subject.index.plans.get(resale.plan)
    routes = () if plan is None else tuple(route for tier in plan.tiers for route in tier.routes)
    if resale.shared_too and plan is not None and plan.share_buyers == 1 and not any(map(_shares, routes)):
        message = f"the plan {plan.key!r} sells every lead to one buyer alone, and takes none that others have bought"
        subject.findings.warning((*here, "shared_too"), "no_effect", message, "give that plan `share_buyers`")
    if resale.after_hours > 24 * resale.max_age_days:
        message = f"after {resale.after_hours} hours a lead is older than {resale.max_age_days} days"
        subject.findings.warning((*here, "after_hours"), "never_matches", message, "offer it again earlier")


def _shares(route: Route) -> bool:
    return route.sells == "shared"


def check_publisher_keys(accounts: Sequence[tuple[AccountConfig, Findings]]) -> None:
    """No API key twice: whoever sends it would be two publishers."""
    owners: dict[str, str] = {}
    for config, findings in accounts:
        for place, publisher in enumerate(config.publishers):
            mine = f"{config.account.key}/{publisher.key}"
            for at, key in enumerate(publisher.keys):
                owner = owners.setdefault(key, f"{mine} {at}")
                if key and owner != f"{mine} {at}":
                    message = f"the key is also one of publisher {owner.split()[0]}"
                    hint = "give each publisher keys of its own"
                    findings.error(("publishers", place, "keys", at), "duplicate", message, hint)
