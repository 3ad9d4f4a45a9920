"""Criteria of many routes as bitmaps: one dictionary look-up and one AND per attribute, however many routes there are.

A route's criteria are cut into the parts that must all hold. A part that asks one attribute only is tabulated: for
every value it names, for any other value and for "unknown" it is judged once, at compile time, by the same `judge`
that decides everything else. Parts that mix attributes stay predicates, judged for the routes that survive.

A bitmap is a Python integer whose bit i stands for the route of rank i.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from trunkline.config.criteria import All, AnyOf, Condition, Node, Not
from trunkline.config.criteria_checks import conditions_of
from trunkline.engine.routing.criteria import judge_condition
from trunkline.engine.routing.values import Known, Types

_OTHER = "\x00other"
"""A value that no configuration can name: control characters are refused when it is read."""


class Table(msgspec.Struct):
    """The routes that one attribute leaves: by its value, for all other values, when it is unknown."""

    attr: str
    by_value: dict[str, int]
    other: int
    unknown: int

    def mask(self, known: Known) -> int:
        """The routes that this caller's value leaves."""
        value = known.get(self.attr)
        return self.unknown if value is None else self.by_value.get(value, self.other)


class Part:
    """One part of criteria about one attribute, tabulated: the values it treats unlike the others."""

    __slots__ = ("attr", "by_value", "other", "unknown")

    def __init__(self, attr: str, by_value: dict[str, bool], other: bool, unknown: bool) -> None:
        self.attr = attr
        self.by_value = by_value
        self.other = other
        self.unknown = unknown

    def passes(self, value: str) -> bool:
        """Whether it lets `value` through."""
        return self.by_value.get(value, self.other)

    def both(self, more: Part) -> Part:
        """The part that holds when both do."""
        values = self.by_value.keys() | more.by_value.keys()
        return Part(
            self.attr,
            {value: self.passes(value) and more.passes(value) for value in values},
            self.other and more.other,
            self.unknown and more.unknown,
        )


class Cutter:
    """Cuts criteria into tabulated parts and predicates, each node once."""

    __slots__ = ("_done", "_types")

    def __init__(self, types: Types) -> None:
        self._types = types
        self._done: dict[int, tuple[Node, tuple[Part, ...], tuple[Node, ...]]] = {}

    def cut(self, node: Node) -> tuple[tuple[Part, ...], tuple[Node, ...]]:
        """The parts about single attributes and the predicates that are left."""
        done = self._done.get(id(node))
        if done is None:
            parts: list[Part] = []
            rest: list[Node] = []
            for piece in _conjuncts(node):
                part = tabulate(piece, self._types)
                if part is None:
                    rest.append(piece)
                else:
                    parts.append(part)
            done = self._done[id(node)] = (node, tuple(parts), tuple(rest))  # keeping the node keeps its id
        return done[1], done[2]


def tabulate(node: Node, types: Types) -> Part | None:
    """The table of a node that asks one attribute only, None when it asks several."""
    asked = list(conditions_of(node))
    attr = asked[0].attr
    if any(condition.attr != attr for condition in asked):
        return None
    plain = node if isinstance(node, Condition) else None
    fold = types.fold_of(attr)
    values = {value for condition in asked for text in condition.values if (value := fold(text)) is not None}
    if plain is not None and plain.op.value in {"eq", "in", "not_in"}:
        wanted = plain.op.value != "not_in"
        return Part(attr, dict.fromkeys(values, wanted), not wanted, False)
    return Part(
        attr,
        {value: _judge_one(node, value, types) is True for value in values},
        _judge_one(node, _OTHER, types) is True,
        _judge_one(node, None, types) is True,
    )


def build_tables(parts: Sequence[tuple[int, Part]], count: int) -> tuple[Table, ...]:
    """Tables over `count` routes from (rank, part) pairs; several parts of a route on one attribute are joined."""
    joined: dict[str, dict[int, Part]] = {}
    for rank, part in parts:
        ranks = joined.setdefault(part.attr, {})
        earlier = ranks.get(rank)
        ranks[rank] = part if earlier is None else earlier.both(part)
    interned: dict[int, int] = {}  # lists that many routes share give equal bitmaps: keep one of each
    return tuple(_table(attr, ranks, count, interned) for attr, ranks in joined.items())


def bitmap(ranks: Iterable[int], count: int) -> int:
    """The bitmap with these bits set, of `count` routes."""
    data = bytearray((count >> 3) + 1)
    for rank in ranks:
        data[rank >> 3] |= 1 << (rank & 7)
    return int.from_bytes(data, "little")


def bits(mask: int) -> Iterator[int]:
    """The positions of the set bits from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _table(attr: str, ranks: dict[int, Part], count: int, interned: dict[int, int]) -> Table:
    free = ((1 << count) - 1) & ~bitmap(ranks, count)
    other = free | bitmap((rank for rank, part in ranks.items() if part.other), count)
    unknown = free | bitmap((rank for rank, part in ranks.items() if part.unknown), count)
    flipped: dict[str, list[int]] = {}  # for each value the routes that treat it unlike other values
    for rank, part in ranks.items():
        usual = part.other
        for value, passes in part.by_value.items():
            if passes is not usual:
                flipped.setdefault(value, []).append(rank)
    by_value = {}
    for value, changed in flipped.items():
        mask = other ^ bitmap(changed, count)
        by_value[value] = interned.setdefault(mask, mask)
    return Table(attr, by_value, other, unknown)


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, All):
        for child in node.nodes:
            yield from _conjuncts(child)
    else:
        yield node


def _judge_one(node: Node, value: str | None, types: Types) -> bool | None:
    """Judge a node all of whose conditions ask the same attribute."""
    if isinstance(node, Condition):
        return judge_condition(node, value, types)
    if isinstance(node, Not):
        inner = _judge_one(node.node, value, types)
        return None if inner is None else not inner
    verdicts = [_judge_one(child, value, types) for child in node.nodes]
    decisive = isinstance(node, AnyOf)
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive
