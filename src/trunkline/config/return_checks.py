"""Checks of the rules for returns: reasons that can be told apart, and answers to reasons that can be given."""

from __future__ import annotations

from typing import Final

from trunkline.config.return_rules import REASON, Returns
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

_ALL: Final = 10_000


def check_returns(subject: Subject, path: Path, rules: Returns) -> None:
    """One policy."""
    findings = subject.findings
    if not rules.reasons:
        hint = "name one, or leave `reasons` out; `paused: true` takes no returns"
        findings.error((*path, "reasons"), "empty", "nothing can be given as a reason", hint)
    for place, reason in enumerate(rules.reasons):
        if reason and REASON.fullmatch(reason) is None:
            message = f"{reason!r} is no code of a reason"
            findings.error((*path, "reasons", place), "bad_return", message, "write it as bad_contact")
    for place, reason in enumerate(rules.auto_approve):
        if reason and reason not in rules.reasons:
            message = f"{reason!r} is none of the reasons: {', '.join(rules.reasons)}"
            findings.error((*path, "auto_approve", place), "bad_return", message, "add it to `reasons`")
    if rules.share_percent is not None and not 0 < rules.share_percent <= _ALL:
        message = "a share is above 0 and at most 100 percent"
        findings.error((*path, "share_percent"), "bad_return", message, "`paused: true` takes no returns")
