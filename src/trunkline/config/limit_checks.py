"""Limits: what can be counted in which window, and numbers inside their ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.config.hours_checks import check_zone
from trunkline.config.problems import Findings
from trunkline.config.ranges import RANGES
from trunkline.config.schema import Limit, Measure
from trunkline.config.shapes import WEEKDAYS
from trunkline.config.subject import Subject
from trunkline.config.tree import Path
from trunkline.kernel.windows import Per

_CONCURRENT = frozenset({Measure.LIVE, Measure.IN_FLIGHT})
_ONLY_FOR = {Measure.LIVE: "lead", Measure.IN_FLIGHT: "call"}


def check_ranges(findings: Findings, path: Path, value: Any) -> None:
    """Every whole number of an object against its smallest and largest value."""
    for field, (least, most) in RANGES.get(type(value), {}).items():
        number = getattr(value, field)
        if number is not None and not least <= number <= most:
            hint = "leave it out for no limit; zero is paused" if isinstance(value, Limit) else ""
            shown = [_as_written(field, each) for each in (number, least, most)]
            message = f"{shown[0]} is outside {shown[1]} to {shown[2]}"
            findings.error((*path, field), "out_of_range", message, hint)


def _as_written(field: str, number: int) -> str:
    """The number as a configuration has it: what is kept in hundredths of a percent is written in percent."""
    return f"{number / 100:g}" if field == "percent" else str(number)


def check_limits(subject: Subject, path: Path, limits: Sequence[Limit]) -> None:
    """The limits of one object. Each counter (measure, window, kind) stands once."""
    seen = set()
    for place, limit in enumerate(limits):
        here = (*path, place)
        identity = (limit.measure, limit.per, limit.applies_to)
        if identity in seen:
            hint = "two limits of one object would be one counter: keep the smaller"
            subject.findings.error(here, "duplicate", f"a second limit on {_words(limit)}", hint)
        seen.add(identity)
        _check_limit(subject, here, limit)


def _check_limit(subject: Subject, path: Path, limit: Limit) -> None:
    findings = subject.findings
    check_zone(subject, (*path, "zone"), limit.zone)
    if limit.measure in _CONCURRENT and limit.per is not None:
        hint = "leave `per` out; to limit how many there are in a time, use attempt, connect or convert"
        findings.error((*path, "per"), "bad_limit", f"`{limit.measure}` is counted at this moment, in no window", hint)
    if limit.measure not in _CONCURRENT and limit.per is None:
        hint = "add per: hour, day, week, month or lifetime"
        findings.error((*path, "per"), "bad_limit", f"`{limit.measure}` needs a window", hint)
    if _ONLY_FOR.get(limit.measure) == limit.applies_to:
        message = f"`{limit.measure}` never counts a {limit.applies_to}"
        findings.warning((*path, "applies_to"), "never_matches", message, "leave `applies_to` out")
    if limit.max == 0:
        findings.warning((*path, "max"), "zero_limit", "a limit of zero lets nothing pass", "`paused: true` says so")
    _check_matrix(findings, path, limit)
    if limit.pacing is not None and (limit.measure in _CONCURRENT or limit.per in {None, Per.LIFETIME}):
        hint = "`even` spreads a limit per hour, day, week or month; `min_gap_seconds` may stand on any"
        findings.error((*path, "pacing"), "bad_limit", "there is no window with an end to be spread over", hint)


def _check_matrix(findings: Findings, path: Path, limit: Limit) -> None:
    if limit.matrix and limit.measure not in _CONCURRENT:
        hint = "a count per hour is `per: hour`; a matrix says how many may go on at once, by hour of the week"
        findings.error(
            (*path, "matrix"), "bad_limit", f"`{limit.measure}` has no matrix: only live and in_flight", hint
        )
    for day, hours in limit.matrix.items():
        if day not in WEEKDAYS or len(hours) != 24 or any(most < 0 for most in hours):
            hint = "write 24 numbers for a weekday: mon: [3, 3, …]"
            findings.error((*path, "matrix", day), "bad_limit", "this is no row of 24 maxima for a weekday", hint)
        elif max(hours) > limit.max:
            message = f"{max(hours)} is above `max` {limit.max}, which holds in every hour"
            findings.warning((*path, "matrix", day), "never_matches", message, "make `max` the largest of the matrix")


def _words(limit: Limit) -> str:
    return limit.measure.value + (f" per {limit.per.value}" if limit.per else "")
