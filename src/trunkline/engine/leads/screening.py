"""Programs among those who fill in forms: what a lead shows of who sent it.

A honeypot is a field that the page hides: people leave it empty, programs fill in all there is. Whoever sent such a
lead is answered as if nobody had wanted it, and learns nothing. Speed is told by the publisher, so it is as good as the
publisher's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from trunkline.config.folds import fold_text
from trunkline.config.lead_rules import LeadRules
from trunkline.engine.leads.consent import Consent

Block = Literal["honeypot", "too_fast"]
TOO_FAST: Final = "too_fast"
TIME_UNKNOWN: Final = "form_time_unknown"
"""Flags."""


class Screened(msgspec.Struct, frozen=True, kw_only=True):
    """Why a lead is blocked, None when it is not, and what is suspicious about it."""

    block: Block | None = None
    flags: tuple[str, ...] = ()


def screened(rules: LeadRules, sent: Mapping[str, Any], consent: Consent) -> Screened:
    """What is to be thought of a lead with these fields, as they were sent."""
    if rules.honeypot is not None and _is_filled(sent, rules.honeypot):
        return Screened(block="honeypot")
    if rules.min_seconds is None:
        return Screened()
    if consent.form_seconds is None:
        return Screened(flags=(TIME_UNKNOWN,))
    if consent.form_seconds >= rules.min_seconds:
        return Screened()
    return Screened(block="too_fast" if rules.too_fast == "block" else None, flags=(TOO_FAST,))


def _is_filled(sent: Mapping[str, Any], name: str) -> bool:
    """Whether a field of that name holds anything but what a form sends that nobody touched."""
    folded = fold_text(name)
    values = [value for sent_name, value in sent.items() if fold_text(sent_name) == folded]
    return any(bool(value.strip()) if isinstance(value, str) else value not in (None, False) for value in values)
