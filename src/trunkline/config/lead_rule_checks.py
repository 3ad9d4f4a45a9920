"""Checks of what a campaign asks of its leads."""

from __future__ import annotations

import re
from typing import Final

from trunkline.config.attributes import type_of
from trunkline.config.delivery_checks import check_hook_url, check_path
from trunkline.config.folds import fold_text
from trunkline.config.lead_fields import LeadField
from trunkline.config.lead_rules import LeadRules, Lookup, TrustedForm
from trunkline.config.problems import Findings
from trunkline.config.secret_checks import check_secrets
from trunkline.config.target_checks import check_url
from trunkline.config.template_checks import check_headers, check_template
from trunkline.config.tree import Path

LOOKUPS_MAX: Final = 5
_ENV: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_lead_rules(findings: Findings, path: Path, rules: LeadRules, fields: tuple[LeadField, ...]) -> None:
    """Names that exist, a honeypot that is none of the form's `fields`, look-ups and certificates that can be asked."""
    names = {fold_text(name): field.name for field in fields for name in (field.name, *field.also)}
    if rules.honeypot is not None and (taken := names.get(fold_text(rules.honeypot))) is not None:
        message = f"{rules.honeypot!r} is a name of the field {taken!r}, which people fill in"
        findings.error((*path, "honeypot"), "bad_lead_rule", message, "name a field that the page hides")
    if rules.min_seconds is None and rules.too_fast != "flag":
        findings.warning((*path, "too_fast"), "no_effect", "without `min_seconds` no lead is too fast", "write both")
    if rules.trustedform is not None:
        _check_trustedform(findings, (*path, "trustedform"), rules.trustedform, fields)
    if len(rules.lookups) > LOOKUPS_MAX:
        hint = "have one server ask the others"
        findings.error((*path, "lookups"), "bad_lead_rule", f"more than {LOOKUPS_MAX} look-ups for one lead", hint)
    for place, lookup in enumerate(rules.lookups):
        _check_lookup(findings, (*path, "lookups", place), lookup)


def _check_trustedform(findings: Findings, path: Path, setting: TrustedForm, fields: tuple[LeadField, ...]) -> None:
    check_url(findings, (*path, "certificates"), setting.certificates)
    if setting.key_env and _ENV.fullmatch(setting.key_env) is None:
        hint = "write the name of the variable that holds the API key: TRUSTEDFORM_KEY"
        findings.error((*path, "key_env"), "bad_env", f"{setting.key_env!r} is no name of a variable", hint)
    if not {"phone", "email"} & {field.type for field in fields}:
        message = "a certificate is compared with the lead's phone or e-mail, and the form asks for neither"
        findings.error(path, "bad_lead_rule", message, "add a field of type phone or email to `lead_fields`")


def _check_lookup(findings: Findings, path: Path, lookup: Lookup) -> None:
    check_hook_url(findings, (*path, "url"), lookup.url, check_url)
    check_secrets(findings, path, lookup)
    check_template(findings, (*path, "url"), lookup.url)
    for name, template in lookup.fields.items():
        check_template(findings, (*path, "fields", name), template)
    check_headers(findings, (*path, "headers"), lookup.headers)
    if not lookup.into:
        message = "the answer goes nowhere"
        findings.error((*path, "into"), "bad_lead_rule", message, "write {tag.NAME: path.in.the.answer}")
    for name, steps in lookup.into.items():
        if not name.startswith("tag.") or type_of(name, {}) is None:
            hint = "an answer goes into tag.NAME"
            findings.error((*path, "into", name), "unknown_attribute", f"{name!r} cannot be set here", hint)
        check_path(findings, (*path, "into", name), steps)
