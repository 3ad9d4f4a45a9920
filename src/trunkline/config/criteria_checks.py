"""Criteria: names that exist, values of the right type, and rules that can never match."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from trunkline.config.attributes import BUILT_IN, type_of
from trunkline.config.contradictions import contradiction
from trunkline.config.criteria import CONFIDENCE, ORDERED, Condition, Node, Not, Operator
from trunkline.config.folds import FOLDS, decimal_of, fold_number, fold_text
from trunkline.config.patterns import BadPattern, compile_pattern
from trunkline.config.regions import STATES
from trunkline.config.shapes import WEEKDAYS
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

_TEXT_ONLY = frozenset({Operator.PREFIX, Operator.CONTAINS, Operator.REGEX, Operator.NEAR})
_WHOLE = frozenset({Operator.EQ, Operator.IN, Operator.NOT_IN})
_EXAMPLES = {"number": "a number such as 9", "date": 'a date such as "2026-12-25"', "yes_no": "yes or no"}
_PROBABLE = frozenset({"geo.county", "geo.city"})
"""Attributes that may be sets with probabilities."""
_WORDS = {
    "time.weekday": frozenset(WEEKDAYS),
    "time.caller_weekday": frozenset(WEEKDAYS),
    "caller.attestation": frozenset("abc"),
}
"""Attributes with few values, folded."""
_HOURS = frozenset({"time.hour", "time.caller_hour"})


def conditions_of(node: Node) -> Iterator[Condition]:
    """Every condition below `node`."""
    if isinstance(node, Condition):
        yield node
    elif isinstance(node, Not):
        yield from conditions_of(node.node)
    else:
        for child in node.nodes:
            yield from conditions_of(child)


def check_criteria(subject: Subject, path: Path, node: Node) -> None:
    """One tree of criteria by itself; `path` is where it stands."""
    for condition in conditions_of(node):
        _check_condition(subject, path, condition)
    clash = contradiction([node], subject.kind_of)
    if clash:
        hint = "conditions in `all` must hold together; put alternatives into `any` or into one `in`"
        subject.findings.warning(path, "never_matches", f"this can never match: {clash}", hint)


def check_route_levels(subject: Subject) -> None:
    """Criteria of all levels above a route must hold together; where they cannot, the route is dead."""
    for path, plan, tier, route in subject.routes():
        target = subject.index.targets.get(route.target)
        buyer = subject.index.buyers.get(target.buyer) if target else None
        bid = target.bid if target else None
        held = (("account", subject.config.account), ("plan", plan), ("tier", tier), ("buyer", buyer), ("bidder", bid),
                ("target", target), ("route", route))  # fmt: skip
        levels = [(level, each.criteria) for level, each in held if each is not None and each.criteria is not None]
        if len(levels) < 2 or any(contradiction([node], subject.kind_of) for _, node in levels):
            continue
        clash = contradiction([node for _, node in levels], subject.kind_of)
        if clash:
            named = " and ".join(level for level, _ in levels)
            message = f"this route can never match: {clash} (criteria of {named} together)"
            subject.findings.warning((*path, "criteria"), "never_matches", message, "change one of them")


def _check_condition(subject: Subject, path: Path, condition: Condition) -> None:
    findings, attr, operator = subject.findings, condition.attr, condition.op
    kind = type_of(attr, subject.types)
    if kind is None:
        close = get_close_matches(attr, [*BUILT_IN, *subject.types], n=1)
        hint = f"did you mean {close[0]!r}?" if close else "names begin with geo., caller., source., time., ivr., …"
        findings.error(path, "unknown_attribute", f"there is no attribute {attr!r}", hint)
        return
    texts = {"text", "set"}
    if (operator in _TEXT_ONLY and kind not in texts) or (operator in ORDERED and kind not in {"number", "date"}):
        message = f"`{operator.value}` cannot be asked of {attr}, which is of type {kind}"
        declare = "declare its type under the campaign's `attributes`" if attr.startswith("tag.") else "use eq or in"
        findings.error(path, "unlike_types", message, declare)
        return
    fold = FOLDS.get(kind)
    if operator is not Operator.EXISTS and fold is not None:
        for value in condition.values:
            if fold(value) is None:
                findings.error(
                    path, "unlike_types", f"{value!r} is no value of {attr}, which is of type {kind}",
                    f"write {_EXAMPLES[kind]}",
                )  # fmt: skip
                return
    _check_values(subject, path, condition, kind)


def _check_values(subject: Subject, path: Path, condition: Condition, kind: str) -> None:
    findings, operator, values = subject.findings, condition.op, condition.values
    if operator is Operator.BETWEEN:
        _check_between(subject, path, condition, kind)
    if operator is Operator.REGEX:
        try:
            compile_pattern(values[0])
        except BadPattern as error:
            hint = "check brackets and backslashes; there is no look-ahead and no back reference"
            findings.error(path, "bad_regex", f"this is no regular expression: {error}", hint)
    if condition.confidence != CONFIDENCE and condition.attr not in _PROBABLE:
        message = f"{condition.attr} is known or not known: there is no probability to compare with"
        findings.warning((*path, "confidence"), "no_effect", message, "leave `confidence` out")
    if operator is Operator.NEAR:
        _check_near(subject, path, condition)
    if operator in _WHOLE:
        _check_words(subject, path, condition)
    if condition.attr in _HOURS and kind == "number" and operator is not Operator.EXISTS:
        _check_hours_of_day(subject, path, condition)


def _check_between(subject: Subject, path: Path, condition: Condition, kind: str) -> None:
    findings, values = subject.findings, condition.values
    if len(values) != 2:
        findings.error(path, "bad_between", f"`between` takes two values, not {len(values)}", "between: [9, 17]")
        return
    first, last = values
    backwards = decimal_of(fold_number(first) or "0") > decimal_of(fold_number(last) or "0")
    if backwards if kind == "number" else first.strip() > last.strip():
        message = f"this can never match: nothing is between {first} and {last}"
        findings.warning(path, "never_matches", message, "write the smaller value first")


def _check_near(subject: Subject, path: Path, condition: Condition) -> None:
    attr, code = condition.attr, condition.values[0]
    if attr != "geo.zip" and subject.types.get(attr) != "zip":
        hint = "ask geo.zip, or a lead field of type zip"
        subject.findings.error(path, "unlike_types", f"`near` cannot be asked of {attr}, which is no ZIP code", hint)
    elif subject.places is not None and not subject.places.has_place(code):
        message = f"this can never match: nobody knows where the ZIP code {code} is"
        subject.findings.warning((*path, "near"), "never_matches", message, "name another ZIP code near it")


def _check_words(subject: Subject, path: Path, condition: Condition) -> None:
    """Values of attributes that have few, or that are written in one way."""
    findings, attr, values = subject.findings, condition.attr, condition.values
    if attr == "geo.state":
        unknown = [value for value in values if value.strip().upper() not in STATES]
        if unknown:
            message = f"{', '.join(unknown[:10])}: no state of the US or province of Canada"
            findings.warning(path, "unknown_state", message, "write two-letter codes such as TX or ON")
    words = _WORDS.get(attr)
    if words is not None and (strange := [value for value in values if fold_text(value) not in words]):
        message = f"{', '.join(strange[:10])}: {attr} never has this value"
        findings.warning(path, "never_matches", message, f"it is one of {', '.join(sorted(words))}")
    if attr in _PROBABLE and (bare := [value for value in values if "," not in value]):
        place, example = ("county", "Travis, TX") if attr == "geo.county" else ("city", "Austin, TX")
        message = f"{', '.join(bare[:10])}: many states have a {place} of this name"
        findings.warning(path, "never_matches", message, f"write name and state: {example}")
    elif attr == "geo.county" and subject.places is not None:
        like = {value: found for value in values if (found := subject.places.like_county(value)) is not None}
        if like:
            message = f"{', '.join(list(like)[:10])}: nobody knows a county of this name"
            meant = next((found for found in like.values() if found), "")
            hint = f"did you mean {meant}?" if meant else "write name and state: Travis, TX"
            findings.warning(path, "unknown_county", message, hint)


def _check_hours_of_day(subject: Subject, path: Path, condition: Condition) -> None:
    numbers = [decimal_of(number) for value in condition.values if (number := fold_number(value)) is not None]
    if any(number != int(number) or not 0 <= number <= 24 for number in numbers):
        message = f"{condition.attr} is a whole hour from 0 to 23"
        subject.findings.warning(path, "never_matches", message, "write 8 for the hour that begins at 08:00")
