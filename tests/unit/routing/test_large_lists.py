"""A list of 100,000 entries costs its own size, once, however many routes ask for it."""

from __future__ import annotations

import pytest

from trunkline.config.criteria import All, Condition, Node, Not, Operator
from trunkline.engine.routing.index import ValueTable, bits, build_tables
from trunkline.engine.routing.offer import Attribute
from trunkline.engine.routing.parts import Cutter
from trunkline.engine.routing.values import Known, Types

pytestmark = pytest.mark.unit

NUMBERS = tuple(f"+1512{place:07}" for place in range(100_000))
ROUTES = 2_000
TYPES = Types()


def left(nodes: list[Node], caller: str) -> set[int]:
    cutter = Cutter(TYPES)
    parts = [(rank, part) for rank, node in enumerate(nodes) for part in cutter.cut(node)[0]]
    known = Known({"caller.number": Attribute(caller, "sip")}, TYPES)
    mask = (1 << len(nodes)) - 1
    for table in build_tables(parts, len(nodes)):
        mask &= table.mask(known)
    return set(bits(mask))


def test_many_routes_that_share_a_list() -> None:
    """Each route has a condition of its own; the values are one object, as those of a file are."""
    nodes: list[Node] = [
        Condition("caller.number", Operator.IN if place % 2 else Operator.NOT_IN, NUMBERS) for place in range(ROUTES)
    ]
    odd, even = set(range(1, ROUTES, 2)), set(range(0, ROUTES, 2))
    assert left(nodes, NUMBERS[99_999]) == odd
    assert left(nodes, "+13035550100") == even


def test_a_list_together_with_more_of_the_same_attribute() -> None:
    listed = Condition("caller.number", Operator.IN, NUMBERS)
    begins = Condition("caller.number", Operator.PREFIX, ("+15120000",))
    assert left([All((listed, begins)), All((listed, Not(begins)))], NUMBERS[5]) == {0}
    assert left([All((listed, begins)), All((listed, Not(begins)))], NUMBERS[50_000]) == {1}


def test_beginnings_by_the_thousand() -> None:
    beginnings = Condition("caller.number", Operator.PREFIX, NUMBERS[:50_000])
    assert left([beginnings], f"{NUMBERS[49_999]}99") == {0}
    assert left([beginnings], NUMBERS[50_000]) == set()


def test_rows_that_are_alike_are_kept_once() -> None:
    cutter = Cutter(TYPES)
    (part,) = cutter.cut(Condition("caller.number", Operator.IN, NUMBERS))[0]
    (table,) = build_tables([(0, part)], ROUTES)
    assert isinstance(table, ValueTable)
    assert len({id(row) for value, row in table._rows.items() if value is not None}) == 1
