"""Judges criteria with three-valued logic: true, false, or None for unknown. Only true lets traffic through.

A condition on an attribute that is not known is unknown; `not` keeps it unknown; `all` is false as soon as one node
is false, `any` true as soon as one is true (Kleene). `exists` is never unknown.
"""

from __future__ import annotations

from trunkline.config.criteria import AnyOf, Condition, Node, Not
from trunkline.config.questions import Caller
from trunkline.engine.routing.values import Types


def judge(node: Node, known: Caller, types: Types) -> bool | None:
    """True, false, or None when what is known of the caller does not decide `node`."""
    if isinstance(node, Condition):
        return types.question(node).ask(known)
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


def holds(node: Node | None, known: Caller, types: Types) -> bool:
    """Whether criteria let the caller through; no criteria let everybody through."""
    return node is None or judge(node, known, types) is True
