"""All checks of what was read. Each problem goes to the findings of the file it is in; nothing stops at the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from trunkline.config.contacts import ContactList, Duplicates
from trunkline.config.criteria_checks import check_criteria, check_route_levels
from trunkline.config.flow_checks import check_flow, warn_answered_by_flow
from trunkline.config.flows import Flow, Prompt
from trunkline.config.hours_checks import check_hours, check_zone
from trunkline.config.key_checks import check_account_keys, check_key, check_keys, check_numbers, check_unique
from trunkline.config.lead_field_checks import check_lead_fields
from trunkline.config.lead_rule_checks import check_lead_rules
from trunkline.config.limit_checks import check_limits, check_ranges
from trunkline.config.list_checks import check_list, check_names
from trunkline.config.never_open import check_never_open
from trunkline.config.places import Places
from trunkline.config.plan_checks import check_plans
from trunkline.config.problems import Findings
from trunkline.config.prompt_checks import check_file, check_say
from trunkline.config.return_checks import check_returns
from trunkline.config.return_rules import Returns
from trunkline.config.schema import (
    AccountConfig,
    BuyerGroup,
    Campaign,
    Conversion,
    NoBuyer,
    Number,
    Platform,
    Publisher,
    Recording,
    Target,
)
from trunkline.config.secret_checks import check_owners
from trunkline.config.selling import Margin
from trunkline.config.selling_checks import check_margin
from trunkline.config.sender_checks import check_publisher, check_publisher_keys, check_review, check_same_by
from trunkline.config.skill_checks import check_skills
from trunkline.config.subject import Subject
from trunkline.config.target_checks import check_caller_id, check_target
from trunkline.config.terms_checks import check_conversion, check_currency, check_duplicates, check_payouts
from trunkline.config.tree import Path
from trunkline.config.trunk_checks import check_platform
from trunkline.config.unbuilt import warn_unbuilt
from trunkline.config.voices import Voices
from trunkline.config.walk import walk

Checked = tuple[AccountConfig | None, Platform | None, Findings]


def validate(parts: Sequence[Checked], voices: Voices | None, places: Places | None = None) -> None:
    """Check everything that was read, `parts` being the files with what they hold of account and platform."""
    platform = Platform()
    for _, found, findings in parts:
        findings.checking = True
        if found is not None:
            platform = found
            _check_platform(findings, found)
    accounts = [(config, findings) for config, _, findings in parts if config is not None]
    check_account_keys(accounts)
    check_numbers(accounts)
    check_publisher_keys(accounts)
    for config, findings in accounts:
        if len(accounts) > 1:
            check_owners(findings, config)
        _check_account(Subject(config, platform, findings, voices, places))


def _check_platform(findings: Findings, platform: Platform) -> None:
    named: list[tuple[Path, str | None]] = [
        (("trunks", place, "key"), trunk.key) for place, trunk in enumerate(platform.trunks)
    ]
    check_unique(findings, named, "trunk", "give one of them another key")
    for path, key in named:
        check_key(findings, path, key)
    check_platform(findings, platform)


def _check_account(subject: Subject) -> None:
    check_keys(subject)
    check_currency(subject)
    for path, value in walk(subject.config):
        check_ranges(subject.findings, path, value)
        for check in _CHECKS.get(type(value), ()):
            check(subject, path, value)
        for field, check in _fields_of(type(value)):
            held = getattr(value, field)
            if held:
                check(subject, (*path, field), held)
    check_plans(subject)
    check_route_levels(subject)
    check_skills(subject)
    check_never_open(subject)
    warn_unbuilt(subject)


def _check_campaign(subject: Subject, path: Path, campaign: Campaign) -> None:
    subject.refers((*path, "flow"), campaign.flow, subject.index.flows, "flow")
    subject.refers((*path, "plan"), campaign.plan, subject.index.plans, "plan")
    check_payouts(subject, (*path, "payouts"), campaign.payouts)
    flow = subject.index.flows.get(campaign.flow)
    if campaign.answer == "buyer" and flow is not None:
        warn_answered_by_flow(subject, (*path, "answer"), flow)
    for place, declared in enumerate(campaign.attributes):
        if declared.name and not declared.name.startswith("tag."):
            hint = "only tag.* is declared: tag.points"
            here = (*path, "attributes", place, "name")
            subject.findings.error(here, "unknown_attribute", f"{declared.name!r} cannot be declared", hint)
    check_lead_fields(subject.findings, (*path, "lead_fields"), campaign.lead_fields)
    check_same_by(subject, path, campaign)
    check_review(subject, path, campaign)
    check_lead_rules(subject.findings, (*path, "leads"), campaign.leads, campaign.lead_fields)


def _check_number(subject: Subject, path: Path, number: Number) -> None:
    subject.refers((*path, "campaign"), number.campaign, subject.index.campaigns, "campaign")
    subject.refers((*path, "publisher"), number.publisher, subject.index.publishers, "publisher")
    for tag in number.tags:
        if not tag.startswith("tag.") and tag != "caller.skills":
            here = (*path, "tags", tag)
            subject.findings.error(here, "unknown_attribute", f"{tag!r} is no tag", f"write tag.{tag}")


def _check_group(subject: Subject, path: Path, group: BuyerGroup) -> None:
    for place, buyer in enumerate(group.buyers):
        subject.refers((*path, "buyers", place), buyer, subject.index.buyers, "buyer")
    named: list[tuple[Path, str | None]] = [((*path, "buyers", place), key) for place, key in enumerate(group.buyers)]
    check_unique(subject.findings, named, "buyer of the group", "leave one out")
    if not group.buyers:
        subject.findings.error((*path, "buyers"), "empty", "the group has no buyers", "name at least one buyer")


def _check_prompt(subject: Subject, path: Path, prompt: Prompt) -> None:
    check_say(subject, (*path, "say"), prompt.say, prompt.lang)
    check_file(subject, (*path, "file"), prompt.file)


def _check_no_buyer(subject: Subject, path: Path, treatment: NoBuyer) -> None:
    check_say(subject, (*path, "say"), treatment.say, treatment.lang)
    check_file(subject, (*path, "file"), treatment.file)


_PAUSE_KEYS = re.compile(r"[0-9*#]{1,8}")


def _check_recording(subject: Subject, path: Path, recording: Recording) -> None:
    check_say(subject, (*path, "announce"), recording.announce, recording.lang)
    check_file(subject, (*path, "announce_file"), recording.announce_file)
    if recording.pause_keys and _PAUSE_KEYS.fullmatch(recording.pause_keys) is None:
        message = f"{recording.pause_keys!r} is no sequence of keys"
        subject.findings.error((*path, "pause_keys"), "bad_digits", message, 'write up to 8 of 0-9, * and #: "*1"')


def _check_whisper(subject: Subject, path: Path, whisper: str) -> None:
    check_say(subject, path, whisper, None)


_CHECKS: dict[type, tuple[Callable[[Subject, Path, Any], None], ...]] = {
    Campaign: (_check_campaign,),
    Number: (_check_number,),
    Publisher: (check_publisher,),
    BuyerGroup: (_check_group,),
    Target: (check_target,),
    ContactList: (check_list,),
    Conversion: (check_conversion,),
    Margin: (check_margin,),
    Duplicates: (check_duplicates,),
    Flow: (check_flow,),
    Prompt: (_check_prompt,),
    NoBuyer: (_check_no_buyer,),
    Recording: (_check_recording,),
    Returns: (check_returns,),
}
"""What is checked of each kind of object, wherever it stands."""

_FIELDS: dict[str, Callable[[Subject, Path, Any], None]] = {
    "criteria": check_criteria,
    "when": check_criteria,
    "hours": check_hours,
    "limits": check_limits,
    "timezone": check_zone,
    "caller_id": check_caller_id,
    "suppress": check_names,
    "require_listed": check_names,
    "whisper": _check_whisper,
    "whisper_file": check_file,
}
"""What is checked of a field with this name, whatever object it is in."""


@lru_cache(maxsize=256)
def _fields_of(kind: type) -> tuple[tuple[str, Callable[[Subject, Path, Any], None]], ...]:
    return tuple((field, check) for field, check in _FIELDS.items() if field in getattr(kind, "__struct_fields__", ()))
