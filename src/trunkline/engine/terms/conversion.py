"""When a buyer owes: which rule counts for an offer."""

from __future__ import annotations

from trunkline.config.schema import Account, Buyer, Campaign, ConversionRule, Kind, Plan, Route, Target
from trunkline.engine.terms.terms import ConversionTerms

HasConversion = Route | Target | Buyer | Plan | Campaign | Account
"""The levels that can say what converts."""
DEFAULT_EVENT = {Kind.CALL: ConversionRule(event="connect"), Kind.LEAD: ConversionRule(event="accepted")}
"""What converts when no level says anything."""


def resolve_conversion(
    kind: Kind, route: Route, target: Target, buyer: Buyer, plan: Plan, campaign: Campaign, account: Account
) -> tuple[ConversionTerms, str]:
    """The conversion rule of the most specific level that has one for `kind`, and its name (`campaign injury`)."""
    levels: tuple[tuple[str, str, HasConversion], ...] = (
        ("route", route.key or route.target, route),
        ("target", target.key, target),
        ("buyer", buyer.key, buyer),
        ("plan", plan.key, plan),
        ("campaign", campaign.key, campaign),
        ("account", account.key, account),
    )
    for level, key, thing in levels:
        rule = own_rule(kind, thing)
        if rule is not None:
            return _terms(rule, target), f"{level} {key}: {rule.event}"
    rule = DEFAULT_EVENT[kind]
    return _terms(rule, target), f"default: {rule.event}"


def own_rule(kind: Kind, *levels: HasConversion) -> ConversionRule | None:
    """The rule for `kind` of the first of `levels` (most specific first) that has one."""
    for level in levels:
        conversion = level.conversion
        rule = None if conversion is None else conversion.call if kind is Kind.CALL else conversion.lead
        if rule is not None:
            return rule
    return None


def charge_ceiling(kind: Kind, *levels: HasConversion) -> int | None:
    """The most that a conversion may charge whatever the price (minor units): 0 where the price is all there is.

    None when none of `levels` (most specific first) has a rule for `kind`.
    """
    rule = own_rule(kind, *levels)
    if rule is None:
        return None
    return 0 if rule.event != "postback" or rule.max_price is None else rule.max_price.minor


def _terms(rule: ConversionRule, target: Target) -> ConversionTerms:
    later_s = rule.decide_within_seconds or 0
    if rule.event != "duration":
        return ConversionTerms(event=rule.event, decide_within_s=later_s)
    own = target.conversion_offset_seconds
    offset = rule.offset_seconds if own is None else own
    return ConversionTerms("duration", max(0, (rule.seconds or 0) + offset) * 1000, rule.timer, later_s)
