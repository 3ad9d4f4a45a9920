"""Criteria of many routes at once, compiled into tables and predicates, equal the naive judgement of each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.routing.reference import true_of
from tests.properties.routing.worlds import KINDS, World

from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.schema import AttributeType, Campaign
from trunkline.engine.routing import index
from trunkline.engine.routing.criteria import judge
from trunkline.engine.routing.index import bits, build_tables
from trunkline.engine.routing.offer import Attribute
from trunkline.engine.routing.parts import Choice, Cutter
from trunkline.engine.routing.values import Known, Types

pytestmark = pytest.mark.property

DECLARED = (AttributeType(name="tag.points", type="number"), AttributeType(name="tag.since", type="date"))
TYPES = Types([Campaign(key="camp", flow="flow", plan="main", attributes=DECLARED)])


def passing(nodes: list[Node], known: Known) -> list[int]:
    """The places of the nodes that let the caller through, by tables and predicates."""
    cutter, parts, rests = Cutter(TYPES), [], []
    for rank, node in enumerate(nodes):
        own, rest = cutter.cut(node)
        parts += [(rank, part) for part in own]
        rests.append(rest)
    mask = (1 << len(nodes)) - 1
    for table in build_tables(parts, len(nodes)):
        mask &= table.mask(known)
    return [rank for rank in bits(mask) if all(judge(each.node, known, TYPES) is True for each in rests[rank])]


def compare(seed: int, routes: int) -> None:
    world = World(seed)
    some = [world.node() for _ in range(routes // 2)]
    nodes: list[Node] = [*some, *(All((world.condition(), node)) for node in some)]
    for _ in range(4):
        query = world.query()
        expected = [rank for rank, node in enumerate(nodes) if true_of(node, query) is True]
        assert passing(nodes, Known(query.attributes, TYPES)) == expected
        assert [judge(node, Known(query.attributes, TYPES), TYPES) for node in nodes] == [
            true_of(node, query) for node in nodes
        ]


class OneAttribute(World):
    """Asks the same attribute in many ways: what is tabulated together."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.attr = self.random.choice(list(KINDS))

    def condition(self) -> Condition:
        while (found := super().condition()).attr != self.attr:
            pass
        return found


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**48))
def test_pieces_about_one_attribute(seed: int) -> None:
    world = OneAttribute(seed)
    nodes = [world.node() for _ in range(6)]
    for _ in range(4):
        query = world.query()
        expected = [rank for rank, node in enumerate(nodes) if true_of(node, query) is True]
        assert passing(nodes, Known(query.attributes, TYPES)) == expected


def test_near_and_exists_look_at_a_zip_code_in_ways_of_their_own() -> None:
    near = Condition("geo.zip", Operator.NEAR, ("78701", "20"))
    nodes: list[Node] = [AnyOf((near, Condition("geo.zip", Operator.EXISTS, (each,)))) for each in ("true", "false")]
    nodes.append(Not(All((near, Condition("geo.zip", Operator.EXISTS, ("false",))))))
    nowhere = Known({"geo.zip": Attribute("00000", "stated")}, TYPES)
    assert passing(nodes, nowhere) == [0, 2]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**48))
def test_a_few_routes(seed: int) -> None:
    compare(seed, 8)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**48))
def test_many_routes_with_rows_kept_as_ranks(seed: int) -> None:
    compare(seed, 400)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**48))
def test_steps_of_which_only_some_rows_are_kept(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_STEP_BYTES_MAX", 0)
        patch.setattr(index, "_STRIDE", 3)
        compare(seed, 100)


def test_the_random_conditions_are_true_false_and_unknown() -> None:
    """What the other tests compare is worth comparing: every operator gives every verdict on every type it is for."""
    met: dict[tuple[str, Operator], set[bool | None]] = {}
    for seed in range(3_000):
        world = World(seed)
        condition, query = world.condition(), world.query()
        met.setdefault((KINDS[condition.attr], condition.op), set()).add(true_of(condition, query))
    for (kind, operator), verdicts in met.items():
        wanted: set[Any] = {True, False} if operator is Operator.EXISTS else {True, False, None}
        assert verdicts == wanted, (kind, operator)
    assert {operator for _, operator in met} == set(Operator)


def test_a_caller_is_asked_a_regular_expression_once_however_many_routes_share_it() -> None:
    texts = ["^aus", "tin$"]
    cutter = Cutter(TYPES)
    rests = {
        predicate
        for place in range(1_000)
        for predicate in cutter.cut(msgspec.convert(regex(texts[place % 2]), Condition))[1]
    }
    assert len(rests) == 2
    known = Known({"geo.city": Attribute("Austin, TX", "stated")}, TYPES)
    for predicate in rests:
        judge(predicate.node, known, TYPES)
    assert len(known.answers) == 2


def regex(pattern: str) -> dict[str, Any]:
    return {"type": "condition", "attr": "geo.city", "op": "regex", "values": (pattern,)}


def test_choices_between_attributes_are_tabulated_unless_they_search() -> None:
    state, grade = Condition("geo.state", Operator.EQ, ("TX",)), Condition("tag.grade", Operator.IN, ("gold", "silver"))
    points, words = Condition("tag.points", Operator.GT, ("10",)), Condition("tag.grade", Operator.CONTAINS, ("gold",))
    tabulated = [AnyOf((state, grade)), AnyOf((state, AnyOf((points, Not(grade))))), Not(All((state, points)))]
    for node in tabulated:
        (piece,), asked = Cutter(TYPES).cut(node)
        assert isinstance(piece, Choice)
        assert asked == ()
    pieces, asked = Cutter(TYPES).cut(Not(AnyOf((state, grade))))
    assert len(pieces) == 2
    assert asked == ()
    for node in (AnyOf((state, words)), AnyOf((grade, All((state, points))))):
        pieces, asked = Cutter(TYPES).cut(node)
        assert (pieces, len(asked)) == ((), 1)
    both = [*tabulated, AnyOf((state, words))]
    texan = Known({"geo.state": Attribute("TX", "stated"), "tag.points": Attribute("5", "stated")}, TYPES)
    assert passing(both, texan) == [0, 1, 2, 3]
    golden = Known({"geo.state": Attribute("OK", "stated"), "tag.grade": Attribute("gold", "stated")}, TYPES)
    assert passing(both, golden) == [0, 2, 3]
