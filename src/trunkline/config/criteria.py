"""Criteria as they stand in the configuration: a tree of conditions over attributes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec


class Operator(StrEnum):
    """What a condition can ask of an attribute."""

    EQ = "eq"
    IN = "in"
    NOT_IN = "not_in"
    PREFIX = "prefix"
    CONTAINS = "contains"
    REGEX = "regex"
    EXISTS = "exists"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    BETWEEN = "between"
    NEAR = "near"


ORDERED = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN})
"""Operators that ask which of two values is the larger."""

CONFIDENCE: Final = 0.8
"""How probable an answer about an attribute with probabilities must be, unless the condition says otherwise."""


class Condition(msgspec.Struct, frozen=True, weakref=True, tag="condition"):
    """One question: `attr` `op` `values`.

    `values` holds one text for eq, regex and comparisons, `true` or `false` for exists, two bounds for between, a ZIP
    code and miles for near, else a list. `confidence` counts where the attribute is a set with probabilities.
    """

    attr: str
    op: Operator
    values: tuple[str, ...]
    confidence: float = CONFIDENCE


class All(msgspec.Struct, frozen=True, tag="all"):
    """Every node must hold."""

    nodes: tuple[Node, ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """At least one node must hold."""

    nodes: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The node must not hold; unknown stays unknown."""

    node: Node


Node = All | AnyOf | Not | Condition
