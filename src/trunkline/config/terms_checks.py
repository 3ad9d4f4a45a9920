"""What is owed and earned: conversion rules, payout rules, funding, currency."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.config.contacts import Duplicates
from trunkline.config.currencies import CURRENCIES
from trunkline.config.schema import (
    Conversion,
    ConversionRule,
    Payout,
)
from trunkline.config.subject import Subject
from trunkline.config.tree import Path


def check_currency(subject: Subject) -> None:
    """The currency must be one that amounts can be counted in."""
    currency = subject.config.account.currency
    if currency and currency not in CURRENCIES:
        hint = "write a code of ISO 4217 such as USD, in capital letters"
        subject.findings.error(("account", "currency"), "unknown_currency", f"there is no currency {currency!r}", hint)


def check_conversion(subject: Subject, path: Path, conversion: Conversion) -> None:
    """The rules for calls and for leads."""
    if conversion.call is not None:
        _check_rule(subject, (*path, "call"), conversion.call)
        if conversion.call.event == "accepted":
            hint = "calls convert by attempt, connect, duration or postback"
            subject.findings.error((*path, "call", "event"), "bad_conversion", "only leads are accepted", hint)
    if conversion.lead is not None:
        _check_rule(subject, (*path, "lead"), conversion.lead)
        if conversion.lead.event == "duration":
            hint = "leads convert by attempt, connect, accepted or postback"
            subject.findings.error((*path, "lead", "event"), "bad_conversion", "a lead has no duration", hint)


def _check_rule(subject: Subject, path: Path, rule: ConversionRule) -> None:
    findings = subject.findings
    if rule.event == "duration" and rule.seconds is None:
        findings.error((*path, "seconds"), "bad_conversion", "a duration needs `seconds`", "write seconds: 90")
    if rule.event != "duration" and rule.seconds is not None:
        message = f"`seconds` says nothing for the event {rule.event}"
        findings.error((*path, "seconds"), "bad_conversion", message, "leave it out, or write event: duration")
    if rule.event == "postback" and rule.max_price is None:
        hint = "it is what limits and funds hold until the postback comes"
        findings.error((*path, "max_price"), "bad_conversion", "a postback needs `max_price`", hint)


def check_payouts(subject: Subject, path: Path, payouts: Sequence[Payout]) -> None:
    """The payout rules of one campaign, of which the first that matches decides."""
    for place, payout in enumerate(payouts):
        here = (*path, place)
        if payout.publisher != "*":
            subject.refers((*here, "publisher"), payout.publisher, subject.index.publishers, "publisher")
        _check_amount(subject, here, payout)
        _check_event(subject, here, payout)
        shadow = next((before for before in range(place) if _covers(payouts[before], payout)), None)
        if shadow is not None:
            message = f"this rule can never match: rule {shadow} above it takes everything that it would"
            hint = "the first rule that matches decides: put the special ones first"
            subject.findings.warning(here, "never_matches", message, hint)


def check_duplicates(subject: Subject, path: Path, rule: Duplicates) -> None:
    """`strict` belongs to the two rules that have a buyer to hold to."""
    if rule.strict and rule.route not in {"original", "different"}:
        hint = "leave it out, or write route: original"
        subject.findings.warning((*path, "strict"), "no_effect", f"`strict` says nothing for {rule.route}", hint)


def _check_amount(subject: Subject, path: Path, payout: Payout) -> None:
    findings = subject.findings
    spoiled = any(findings.spoiled((*path, field)) for field in ("amount", "percent"))
    if not spoiled and (payout.amount is None) == (payout.percent is None):
        said = "neither `amount` nor `percent`" if payout.amount is None else "both `amount` and `percent`"
        findings.error(path, "bad_payout", f"the rule has {said}", "write exactly one of them")
    if payout.percent is None:
        for field, bound in (("min", payout.min), ("max", payout.max)):
            if bound is not None and payout.amount is not None:
                message = f"`{field}` says nothing beside a fixed amount"
                findings.error((*path, field), "bad_payout", message, "leave it out")
    if payout.min is not None and payout.max is not None and payout.max < payout.min:
        message = f"`min` {payout.min} is above `max` {payout.max}"
        findings.error((*path, "min"), "bad_payout", message, "exchange them")


def _check_event(subject: Subject, path: Path, payout: Payout) -> None:
    findings = subject.findings
    if payout.event == "duration" and payout.seconds is None:
        findings.error((*path, "seconds"), "bad_payout", "a duration needs `seconds`", "write seconds: 90")
    if payout.event != "duration" and payout.seconds is not None:
        message = f"`seconds` says nothing for the event {payout.event}"
        findings.error((*path, "seconds"), "bad_payout", message, "leave it out, or write event: duration")
    if payout.event == "incoming" and payout.percent is not None:
        hint = "write an amount, or pay at connect or convert"
        findings.error((*path, "percent"), "bad_payout", "there is no price yet when a call comes in", hint)
    duplicates = payout.duplicates
    if duplicates is not None and (duplicates.pay == "older_than") == (duplicates.days is None):
        message = (
            "`older_than` needs `days`" if duplicates.days is None else f"`days` says nothing for {duplicates.pay}"
        )
        findings.error((*path, "duplicates", "days"), "bad_payout", message, "write {pay: older_than, days: 30}")


def _covers(before: Payout, after: Payout) -> bool:
    """Whether `before` is selected for everything that `after` would be selected for; paused rules are selected too."""
    return (
        before.publisher in {"*", after.publisher}
        and before.source in {None, after.source}
        and before.applies_to in {"both", after.applies_to}
        and before.criteria is None
    )
