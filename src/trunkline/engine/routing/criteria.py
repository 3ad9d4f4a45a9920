"""Judges criteria with three-valued logic: true, false, or None for unknown. Only true lets traffic through.

A condition on an attribute that is not known is unknown; `not` keeps it unknown; `all` is false as soon as one node
is false, `any` true as soon as one is true (Kleene). `exists` is never unknown.
"""

from __future__ import annotations

from trunkline.config.criteria import BUILT_OPERATORS, AnyOf, Condition, Node, Not, Operator
from trunkline.engine.routing.values import Known, Types


def judge(node: Node, known: Known, types: Types) -> bool | None:
    """True, false, or None when what is known of the caller does not decide `node`."""
    if isinstance(node, Condition):
        return judge_condition(node, known.get(node.attr), types)
    if isinstance(node, Not):
        inner = judge(node.node, known, types)
        return None if inner is None else not inner
    decisive = isinstance(node, AnyOf)  # one true decides `any`, one false decides `all`
    result: bool | None = not decisive
    for child in node.nodes:
        verdict = judge(child, known, types)
        if verdict is decisive:
            return decisive
        if verdict is None:
            result = None
    return result


def judge_condition(condition: Condition, value: str | None, types: Types) -> bool | None:
    """The same for one condition and the folded value of its attribute (None: unknown)."""
    if condition.op is Operator.EXISTS:
        return (value is not None) is (condition.values[0] == "true")
    assert condition.op in BUILT_OPERATORS, f"{condition.op} is not built: its routes are method_unavailable"
    if value is None:
        return None
    fold = types.fold_of(condition.attr)
    found = any(fold(wanted) == value for wanted in condition.values)
    return not found if condition.op is Operator.NOT_IN else found


def holds(node: Node | None, known: Known, types: Types) -> bool:
    """Whether criteria let the caller through; no criteria let everybody through."""
    return node is None or judge(node, known, types) is True
