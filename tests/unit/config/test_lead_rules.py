"""What a campaign asks of its leads: what fits together, and what does not."""

from __future__ import annotations

import pytest

from trunkline.config.lead_fields import LeadField
from trunkline.config.lead_rule_checks import LOOKUPS_MAX, check_lead_rules
from trunkline.config.lead_rules import LeadRules, Lookup, TrustedForm
from trunkline.config.problems import Findings

pytestmark = pytest.mark.unit

FIELDS = (LeadField(name="phone", type="phone", also=("mobile",)), LeadField(name="zip", type="zip"))
LOOKUP = Lookup(url="https://scrub.example/[lead.phone]", into={"tag.listed": "a.b[0]"}, fields={"p": "[lead.phone]"})


def problems(rules: LeadRules, fields: tuple[LeadField, ...] = FIELDS) -> list[tuple[str, str, str]]:
    findings = Findings("account.yaml")
    check_lead_rules(findings, ("leads",), rules, fields)
    return [(problem.severity, problem.code, problem.path) for problem in findings.sorted()]


def test_rules_that_fit_together() -> None:
    whole = LeadRules(
        honeypot="website",
        min_seconds=3,
        too_fast="block",
        consent="named",
        trustedform=TrustedForm(key_env="TRUSTEDFORM_KEY"),
        lookups=(LOOKUP,),
    )
    assert problems(LeadRules()) == problems(whole) == []


def replaced(**fields: object) -> LeadRules:
    values = {name: getattr(LOOKUP, name) for name in LOOKUP.__struct_fields__} | fields
    return LeadRules(lookups=(Lookup(**values),))


@pytest.mark.parametrize(
    ("rules", "code", "path"),
    [
        (LeadRules(honeypot="Mobile "), "bad_lead_rule", "leads.honeypot"),
        (LeadRules(trustedform=TrustedForm(key_env="1-KEY")), "bad_env", "leads.trustedform.key_env"),
        (
            LeadRules(trustedform=TrustedForm(key_env="K", certificates="cert.example")),
            "bad_url",
            "leads.trustedform.certificates",
        ),
        (LeadRules(lookups=(LOOKUP,) * (LOOKUPS_MAX + 1)), "bad_lead_rule", "leads.lookups"),
        (replaced(url="scrub.example"), "bad_url", "leads.lookups[0].url"),
        (replaced(url="https://scrub.example/[lead.kind] [call.id]"), "bad_url", "leads.lookups[0].url"),
        (replaced(fields={"p": "[call.id]"}), "unknown_attribute", "leads.lookups[0].fields.p"),
        (replaced(headers={"Host": "x"}), "bad_header", "leads.lookups[0].headers.Host"),
        (replaced(into={}), "bad_lead_rule", "leads.lookups[0].into"),
        (replaced(into={"geo.state": "a"}), "unknown_attribute", "leads.lookups[0].into.geo.state"),
        (replaced(into={"tag.a": "a..b"}), "bad_delivery", "leads.lookups[0].into.tag.a"),
    ],
)
def test_what_does_not_fit(rules: LeadRules, code: str, path: str) -> None:
    assert ("error", code, path) in problems(rules)


def test_a_certificate_needs_something_to_be_compared_with() -> None:
    rules = LeadRules(trustedform=TrustedForm(key_env="K"))
    assert problems(rules, FIELDS[1:]) == [("error", "bad_lead_rule", "leads.trustedform")]


def test_too_fast_without_a_time() -> None:
    assert problems(LeadRules(too_fast="block")) == [("warning", "no_effect", "leads.too_fast")]
