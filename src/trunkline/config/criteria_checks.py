"""Criteria: names that exist, values of the right type, and rules that can never match."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from unicodedata import normalize

from trunkline.config.attributes import BUILT_IN, type_of
from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.regions import STATES
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

_TEXT_ONLY = frozenset({Operator.PREFIX, Operator.CONTAINS, Operator.REGEX, Operator.NEAR})
_ORDERED = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN})
_POSITIVE = frozenset({Operator.EQ, Operator.IN})
_YES_NO = frozenset({"yes", "no", "true", "false"})
REGEX_LENGTH_MAX = 500
_EXAMPLES = {"number": "a number such as 9", "date": 'a date such as "2026-12-25"', "yes_no": "yes or no"}


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
    clash = contradiction([node])
    if clash:
        hint = "conditions in `all` must hold together; put alternatives into `any` or into one `in`"
        subject.findings.warning(path, "never_matches", f"this can never match: {clash}", hint)


def check_route_levels(subject: Subject) -> None:
    """Criteria of plan, tier, buyer, target and route must hold together; where they cannot, the route is dead."""
    for path, plan, tier, route in subject.routes():
        target = subject.index.targets.get(route.target)
        buyer = subject.index.buyers.get(target.buyer) if target else None
        levels = [
            (level, held.criteria)
            for level, held in (("plan", plan), ("tier", tier), ("buyer", buyer), ("target", target), ("route", route))
            if held is not None and held.criteria is not None
        ]
        if len(levels) < 2 or any(contradiction([node]) for _, node in levels):
            continue
        clash = contradiction([node for _, node in levels])
        if clash:
            named = " and ".join(level for level, _ in levels)
            message = f"this route can never match: {clash} (criteria of {named} together)"
            subject.findings.warning((*path, "criteria"), "never_matches", message, "change one of them")


def contradiction(nodes: Sequence[Node]) -> str | None:
    """Why no caller can fulfil all `nodes`, when that can be seen from their values; else None.

    Looks at what must hold together: values that are asked of one attribute and have nothing in common, and an
    attribute that must be missing and have a value.
    """
    wanted: dict[str, set[str]] = {}
    refused: dict[str, set[str]] = {}
    exists: dict[str, bool] = {}
    for node in nodes:
        for condition in _together(node):
            values = {_fold(value) for value in condition.values}
            attr = condition.attr
            if condition.op is Operator.EXISTS:
                asked = condition.values[0] == "true"
                if exists.setdefault(attr, asked) is not asked:
                    return f"{attr} cannot exist and be missing"
            elif condition.op in _POSITIVE:
                before = wanted.get(attr)
                wanted[attr] = values if before is None else before & values
            elif condition.op is Operator.NOT_IN:
                refused.setdefault(attr, set()).update(values)
    for attr, values in wanted.items():
        if exists.get(attr) is False:
            return f"{attr} cannot be missing and have a value"
        if not values:
            return f"nothing that is asked of {attr} fulfils all conditions"
        if values <= refused.get(attr, set()):
            return f"every value that is asked of {attr} is refused as well"
    return None


def _together(node: Node) -> Iterator[Condition]:
    """Conditions that all have to hold for `node` to hold. An `any` over one attribute counts as one `in`."""
    if isinstance(node, Condition):
        yield node
    elif isinstance(node, All):
        for child in node.nodes:
            yield from _together(child)
    elif isinstance(node, AnyOf):
        one = _one_in(node)
        if one is not None:
            yield one
    elif isinstance(node.node, Condition) and node.node.op in _POSITIVE:
        yield Condition(node.node.attr, Operator.NOT_IN, node.node.values)


def _one_in(node: AnyOf) -> Condition | None:
    values: list[str] = []
    attrs = set()
    for child in node.nodes:
        if not isinstance(child, Condition) or child.op not in _POSITIVE:
            return None
        attrs.add(child.attr)
        values += child.values
    return Condition(attrs.pop(), Operator.IN, tuple(values)) if len(attrs) == 1 else None


def _fold(text: str) -> str:
    return normalize("NFC", text.strip()).casefold()


def _check_condition(subject: Subject, path: Path, condition: Condition) -> None:
    findings, attr, operator = subject.findings, condition.attr, condition.op
    kind = type_of(attr, subject.types)
    if kind is None:
        close = get_close_matches(attr, [*BUILT_IN, *subject.types], n=1)
        hint = f"did you mean {close[0]!r}?" if close else "names begin with geo., caller., source., time., ivr., …"
        findings.error(path, "unknown_attribute", f"there is no attribute {attr!r}", hint)
        return
    if (operator in _TEXT_ONLY and kind != "text") or (operator in _ORDERED and kind not in {"number", "date"}):
        message = f"`{operator.value}` cannot be asked of {attr}, which is of type {kind}"
        declare = "declare its type under the campaign's `attributes`" if attr.startswith("tag.") else "use eq or in"
        findings.error(path, "unlike_types", message, declare)
        return
    if operator is not Operator.EXISTS:
        for value in condition.values:
            if not _is_of_type(value, kind):
                findings.error(
                    path, "unlike_types", f"{value!r} is no value of {attr}, which is of type {kind}",
                    f"write {_EXAMPLES[kind]}",
                )  # fmt: skip
                return
    _check_values(subject, path, condition)


def _check_values(subject: Subject, path: Path, condition: Condition) -> None:
    findings, operator, values = subject.findings, condition.op, condition.values
    if operator is Operator.BETWEEN:
        if len(values) != 2:
            findings.error(path, "bad_between", f"`between` takes two values, not {len(values)}", "between: [9, 17]")
        elif _order(values[0]) > _order(values[1]):
            message = f"this can never match: nothing is between {values[0]} and {values[1]}"
            findings.warning(path, "never_matches", message, "write the smaller value first")
    if operator is Operator.REGEX:
        _check_regex(subject, path, values[0])
    if condition.attr == "geo.state" and operator in {Operator.EQ, Operator.IN, Operator.NOT_IN}:
        unknown = [value for value in values if value.strip().upper() not in STATES]
        if unknown:
            message = f"{', '.join(unknown)}: no state of the US or province of Canada"
            findings.warning(path, "unknown_state", message, "write two-letter codes such as TX or ON")


def _check_regex(subject: Subject, path: Path, pattern: str) -> None:
    try:
        if len(pattern) > REGEX_LENGTH_MAX:
            raise ValueError(f"longer than {REGEX_LENGTH_MAX} characters")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[a]` may mean something else in a later Python; it is legal now
            re.compile(pattern)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        message = f"this is no regular expression: {error}"
        subject.findings.error(path, "bad_regex", message, "check brackets and backslashes")


def _is_of_type(value: str, kind: str) -> bool:
    if kind == "number":
        return _number(value) is not None
    if kind == "date":
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return kind != "yes_no" or _fold(value) in _YES_NO


def _number(value: str) -> Decimal | None:
    try:
        number = Decimal(value) if len(value) <= 40 else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _order(value: str) -> tuple[Decimal, str]:
    """Numbers by size; dates, which are no numbers, by their ISO text."""
    number = _number(value)
    return (number, "") if number is not None else (Decimal(0), value)
