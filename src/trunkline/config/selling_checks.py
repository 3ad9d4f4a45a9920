"""Checks of the margins of bids that publishers are made."""

from __future__ import annotations

from trunkline.config.problems import Findings
from trunkline.config.selling import Margin, MarginRange, margin_parts
from trunkline.config.subject import Subject
from trunkline.config.tree import Path


def check_margin(subject: Subject, path: Path, margin: Margin) -> None:
    """Every part of a margin says one thing, and its ranges rise."""
    findings = subject.findings
    if margin.ranges:
        for field in ("amount", "percent", "min"):
            if getattr(margin, field) is not None:
                message = f"`{field}` says nothing beside `ranges`"
                findings.error((*path, field), "bad_margin", message, "write it in each range, or leave `ranges` out")
        _check_order(findings, (*path, "ranges"), margin.ranges)
    for place, part in enumerate(margin_parts(margin)):
        _check_part(findings, (*path, "ranges", place) if margin.ranges else path, part)


def _check_order(findings: Findings, path: Path, ranges: tuple[MarginRange, ...]) -> None:
    for place in range(1, len(ranges)):
        if not ranges[place - 1].price_from < ranges[place].price_from:
            message = f"{ranges[place].price_from} does not follow {ranges[place - 1].price_from}"
            findings.error((*path, place, "price_from"), "bad_margin", message, "write the ranges from the lowest up")


def _check_part(findings: Findings, path: Path, part: Margin | MarginRange) -> None:
    spoiled = any(findings.spoiled((*path, field)) for field in ("amount", "percent"))
    if not spoiled and (part.amount is None) == (part.percent is None):
        said = "neither `amount` nor `percent`" if part.amount is None else "both `amount` and `percent`"
        findings.error(path, "bad_margin", f"the margin has {said}", "write exactly one of them")
    if part.min is not None and part.amount is not None:
        message = "`min` says nothing beside a fixed amount"
        findings.error((*path, "min"), "bad_margin", message, "leave it out")
