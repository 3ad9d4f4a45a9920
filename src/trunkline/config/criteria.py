"""Criteria as they stand in the configuration: a tree of conditions over attributes."""

from __future__ import annotations

from enum import StrEnum

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


BUILT_OPERATORS = frozenset({Operator.EQ, Operator.IN, Operator.NOT_IN, Operator.EXISTS})
"""The operators this version decides; a route whose criteria use another is rejected with `method_unavailable`."""


class Condition(msgspec.Struct, frozen=True, tag="condition"):
    """One question: `attr` `op` `value`. `value` holds one text for eq, `true`/`false` for exists, else a list."""

    attr: str
    op: Operator
    values: tuple[str, ...]


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
