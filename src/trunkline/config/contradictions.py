"""Criteria that no caller can fulfil, as far as their values show it.

Only what must hold together is looked at: values that are asked of one attribute and have nothing in common, ranges
that do not meet, beginnings that exclude each other, and an attribute that must be missing and have a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from trunkline.config.criteria import ORDERED, All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.folds import fold_named, trimmed
from trunkline.config.patterns import BadPattern, compile_pattern
from trunkline.config.questions import Question, pieces_of, size_of, wanted

_POSITIVE = frozenset({Operator.EQ, Operator.IN})
_OPPOSITE = {
    Operator.EQ: Operator.NOT_IN,
    Operator.IN: Operator.NOT_IN,
    Operator.NOT_IN: Operator.IN,
    Operator.LT: Operator.GTE,
    Operator.LTE: Operator.GT,
    Operator.GT: Operator.LTE,
    Operator.GTE: Operator.LT,
}
_TRIED_MAX = 10_000
"""Values that are held against each other; longer lists are taken to have something in common."""

KindOf = Callable[[str], str]
"""The type of an attribute by its name."""


def contradiction(nodes: Sequence[Node], kind_of: KindOf) -> str | None:
    """Why no caller can fulfil all `nodes`, when that can be seen from their values; else None."""
    asked: dict[str, list[Condition]] = {}
    for node in nodes:
        for condition in _together(node):
            if _sound(condition, kind_of(condition.attr)):
                asked.setdefault(condition.attr, []).append(condition)
    for attr, conditions in asked.items():
        clash = _existence(attr, conditions)
        if clash is None and kind_of(attr) != "set":  # of several values each may fulfil another condition
            clash = _values(attr, conditions, kind_of(attr)) or _range(attr, conditions, kind_of(attr))
            clash = clash or _beginnings(attr, conditions, kind_of(attr))
        if clash is not None:
            return clash
    return None


def _sound(condition: Condition, kind: str) -> bool:
    """Whether a condition can be judged at all; what is wrong with another is told elsewhere."""
    if condition.op is Operator.REGEX:
        try:
            compile_pattern(condition.values[0])
        except BadPattern:
            return False
    if condition.op in ORDERED:
        bounds = 2 if condition.op is Operator.BETWEEN else 1
        fold, size = fold_named(condition.attr, kind), size_of(kind)
        found: list[Any] = [size(value) for each in condition.values if (value := fold(each))]
        return kind in {"number", "date"} and len(found) == bounds and found[0] <= found[-1]
    # What is of another type is told elsewhere, and says nothing about the rest.
    fold = fold_named(condition.attr, kind)
    return condition.op not in _POSITIVE or any(fold(value) for value in condition.values)


def _existence(attr: str, conditions: Sequence[Condition]) -> str | None:
    wishes = {condition.values[0] for condition in conditions if condition.op is Operator.EXISTS}
    if len(wishes) > 1:
        return f"{attr} cannot exist and be missing"
    if wishes == {"false"} and any(condition.op is not Operator.EXISTS for condition in conditions):
        return f"{attr} cannot be missing and have a value"
    return None


def _values(attr: str, conditions: Sequence[Condition], kind: str) -> str | None:
    """Of the values that are named, one must fulfil all other conditions."""
    fold = fold_named(attr, kind)
    if sum(len(condition.values) for condition in conditions) > _TRIED_MAX:
        return None
    lists = [wanted(condition, fold) for condition in conditions if condition.op in _POSITIVE]
    if not lists:
        return None
    common = frozenset.intersection(*lists)
    if not common:
        return f"nothing that is asked of {attr} fulfils all conditions"
    others = [each for each in conditions if each.op not in _POSITIVE | {Operator.EXISTS, Operator.NEAR}]
    questions = [Question(each, fold, kind) for each in others if not _beyond_case(each)]
    spelt: dict[str | None, list[str]] = {}
    for text in (text for condition in conditions if condition.op in _POSITIVE for text in condition.values):
        spelt.setdefault(fold(text), []).append(trimmed(text))

    def fulfils(value: str, question: Question) -> bool:
        # A regular expression sees a text as it is spelt, all others see it folded.
        return question.passes(value) or (question.view == "plain" and any(map(question.passes, spelt[value])))

    if any(all(fulfils(value, question) for question in questions) for value in common):
        return None
    if all(each.op is Operator.NOT_IN for each in others):
        return f"every value that is asked of {attr} is refused as well"
    return f"nothing that is asked of {attr} fulfils all conditions"


def _beyond_case(condition: Condition) -> bool:
    """Whether a pattern may find what is equal to a value and looks unlike it, as Straße is to STRASSE."""
    return condition.op is Operator.REGEX and not condition.values[0].isascii()


def _range(attr: str, conditions: Sequence[Condition], kind: str) -> str | None:
    """The largest lower bound must be below the smallest upper one, or both be the same and included."""
    if kind not in {"number", "date"}:
        return None
    fold, size = fold_named(attr, kind), size_of(kind)
    least: list[tuple[Any, bool]] = []
    most: list[tuple[Any, bool]] = []
    for condition in conditions:
        if condition.op not in ORDERED:
            continue
        bounds = [size(value) for text in condition.values if (value := fold(text))]
        if condition.op in {Operator.GT, Operator.GTE, Operator.BETWEEN}:
            least.append((bounds[0], condition.op is Operator.GT))
        if condition.op in {Operator.LT, Operator.LTE, Operator.BETWEEN}:
            most.append((bounds[-1], condition.op is not Operator.LT))
    if not least or not most:
        return None
    (low, open_below), (high, closed_above) = max(least), min(most)
    if low < high or (low == high and not open_below and closed_above):
        return None
    return f"nothing that is asked of {attr} fulfils all conditions: no value is above {low} and below {high}"


def _beginnings(attr: str, conditions: Sequence[Condition], kind: str) -> str | None:
    """Of two lists of beginnings, one of the first must begin one of the second, or the other way round."""
    fold = fold_named(attr, kind)
    asked = [condition for condition in conditions if condition.op is Operator.PREFIX]
    if len(asked) < 2 or sum(len(condition.values) for condition in asked) > _TRIED_MAX:
        return None
    lists = [pieces_of(condition, fold) for condition in asked]
    for place, first in enumerate(lists):
        for second in lists[place + 1 :]:
            if len(first) * len(second) > _TRIED_MAX:
                continue
            if not any(one.startswith(two) or two.startswith(one) for one in first for two in second):
                return f"no value of {attr} begins in both ways"
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
    else:
        yield from _opposite(node)


def _opposite(node: Not) -> Iterator[Condition]:
    inner = node.node
    if isinstance(inner, Not):
        yield from _together(inner.node)
    elif isinstance(inner, AnyOf):  # not any of them: none of them
        for child in inner.nodes:
            yield from _opposite(Not(child))
    elif isinstance(inner, Condition):
        if inner.op is Operator.EXISTS:
            yield msgspec.structs.replace(inner, values=("false" if inner.values[0] == "true" else "true",))
        elif inner.op in _OPPOSITE:
            yield msgspec.structs.replace(inner, op=_OPPOSITE[inner.op])


def _one_in(node: AnyOf) -> Condition | None:
    values: list[str] = []
    attrs = set()
    for child in node.nodes:
        if not isinstance(child, Condition) or child.op not in _POSITIVE:
            return None
        attrs.add(child.attr)
        values += child.values
    return Condition(attrs.pop(), Operator.IN, tuple(values)) if len(attrs) == 1 else None
