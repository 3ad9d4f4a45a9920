"""Reads criteria into their normal form: `All`, `AnyOf`, `Not` and `Condition`.

A node is `{all: [nodes]}`, `{any: [nodes]}`, `{not: node}` or `{attr: NAME, OPERATOR: VALUE}`. Several of these in one
node, or several operators in one condition, must all hold, so they become an `All`.
"""

from __future__ import annotations

from trunkline.config.convert import BAD, STRUCT_READERS, Bad, Desk, refuse_unknown, scalar
from trunkline.config.criteria import CONFIDENCE, All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.scalars import read_bool, read_confidence, read_miles, read_text, read_zip
from trunkline.config.tree import Fields, Items, Text, Tree, kind_of

OPERATORS = {str(operator.value): operator for operator in Operator}
LIST_OPERATORS = frozenset({Operator.IN, Operator.NOT_IN, Operator.BETWEEN})
"""Operators whose value is a list."""
ONE_OR_MORE = frozenset({Operator.PREFIX, Operator.CONTAINS})
"""Operators whose value is a text or a list of texts, one of which is enough."""
FILE_OPERATORS = frozenset({Operator.IN, Operator.NOT_IN, Operator.PREFIX})
"""Operators whose list may stand in a file of its own."""
_KEYS = ("all", "any", "not", "attr", "confidence", *OPERATORS)
_EXAMPLE = "write {all: [{attr: geo.state, in: [TX, OK]}]}"


def read_node(desk: Desk, tree: Tree) -> Node | Bad:
    """One node of criteria."""
    if not isinstance(tree, Fields):
        return desk.wrong(
            "not_a_mapping", f"a mapping such as all, any, not or attr belongs here, not {kind_of(tree)}", _EXAMPLE
        )
    refuse_unknown(desk, tree, _KEYS)
    found: list[Node | Bad] = []
    if "all" in tree.entries:
        nodes = _read_nodes(desk, tree, "all")
        found.append(BAD if nodes is BAD else All(nodes))
    if "any" in tree.entries:
        nodes = _read_nodes(desk, tree, "any")
        found.append(BAD if nodes is BAD else AnyOf(nodes))
    if "not" in tree.entries:
        desk.path.append("not")
        node = read_node(desk, tree.entries["not"])
        desk.path.pop()
        found.append(BAD if node is BAD else Not(node))
    found += _read_conditions(desk, tree)
    if not found and not tree.entries:
        return desk.wrong("empty", "criteria without a condition", f"{_EXAMPLE}, or leave `criteria` out")
    good = [node for node in found if node is not BAD]
    if len(good) < len(found) or not good:
        return BAD
    return good[0] if len(good) == 1 else All(tuple(good))


def _read_nodes(desk: Desk, tree: Fields, key: str) -> tuple[Node, ...] | Bad:
    desk.path.append(key)
    nodes = _read_list(desk, tree.entries[key], key)
    desk.path.pop()
    return nodes


def _read_list(desk: Desk, tree: Tree, key: str) -> tuple[Node, ...] | Bad:
    if not isinstance(tree, Items):
        return desk.wrong("not_a_list", f"a list of nodes belongs here, not {kind_of(tree)}", f"write {key}: [ … ]")
    if not tree.items:
        return desk.wrong("empty", f"`{key}` of nothing says nothing", "name at least one node, or leave it out")
    nodes = []
    for index, item in enumerate(tree.items):
        desk.path.append(index)
        nodes.append(read_node(desk, item))
        desk.path.pop()
    good = tuple(node for node in nodes if node is not BAD)
    return good if len(good) == len(nodes) else BAD


def _read_conditions(desk: Desk, tree: Fields) -> list[Node | Bad]:
    """The conditions that stand in one node: one for each operator."""
    operators = [key for key in tree.entries if key in OPERATORS]
    if "attr" not in tree.entries:
        if not operators:
            return []
        return [desk.wrong("missing", "'attr' is missing", f"name what `{operators[0]}` asks: attr: geo.state")]
    desk.path.append("attr")
    attr = scalar(read_text)(desk, tree.entries["attr"])
    desk.path.pop()
    if not operators:
        hint = f"add one of {', '.join(OPERATORS)}"
        return [desk.wrong("missing", "the condition has no operator", hint)]
    confidence = _read_confidence(desk, tree)
    found: list[Node | Bad] = []
    for key in operators:
        desk.path.append(key)
        values = _read_values(desk, OPERATORS[key], tree.entries[key])
        desk.path.pop()
        whole = values is not BAD and attr is not BAD and confidence is not BAD
        found.append(Condition(attr, OPERATORS[key], values, confidence) if whole else BAD)  # type: ignore[arg-type]
    return found


def _read_confidence(desk: Desk, tree: Fields) -> float | Bad:
    entry = tree.entries.get("confidence")
    if entry is None:
        return CONFIDENCE
    desk.path.append("confidence")
    confidence: float | Bad = scalar(read_confidence)(desk, entry)
    desk.path.pop()
    return confidence


def _read_values(desk: Desk, operator: Operator, tree: Tree) -> tuple[str, ...] | Bad:
    if operator is Operator.EXISTS:
        asked = scalar(read_bool)(desk, tree)
        return BAD if asked is BAD else ("true" if asked else "false",)
    if operator is Operator.NEAR:
        return _read_near(desk, tree)
    if operator in FILE_OPERATORS and isinstance(tree, Fields):
        return _read_file(desk, tree)
    if operator not in LIST_OPERATORS and not (operator in ONE_OR_MORE and isinstance(tree, Items)):
        value = scalar(read_text)(desk, tree)
        return BAD if value is BAD else (value.strip(),)
    if not isinstance(tree, Items):
        hint = f"write {operator.value}: [{tree.value if isinstance(tree, Text) and tree.value else '…'}]"
        return desk.wrong("not_a_list", f"`{operator.value}` takes a list, not {kind_of(tree)}", hint)
    if not tree.items:
        return desk.wrong("empty", f"`{operator.value}` of an empty list", "name at least one value")
    values = []
    for index, item in enumerate(tree.items):
        desk.path.append(index)
        values.append(scalar(read_text)(desk, item))
        desk.path.pop()
    good = tuple(value.strip() for value in values if value is not BAD)
    return good if len(good) == len(values) else BAD


def _read_file(desk: Desk, tree: Fields) -> tuple[str, ...] | Bad:
    """`{file: "lists/zips.txt"}` in place of a list."""
    refuse_unknown(desk, tree, ("file",))
    if "file" not in tree.entries:
        return desk.wrong("missing", "'file' is missing", 'write {file: "lists/zips.txt"}, or a list')
    desk.path.append("file")
    values: tuple[str, ...] | Bad = scalar(lambda text: desk.lists.read(read_text(text)))(desk, tree.entries["file"])
    desk.path.pop()
    return values


def _read_near(desk: Desk, tree: Tree) -> tuple[str, ...] | Bad:
    """`{zip: "78701", miles: 50}`."""
    example = 'write near: {zip: "78701", miles: 50}'
    if not isinstance(tree, Fields):
        return desk.wrong("not_a_mapping", f"`near` takes a ZIP code and miles, not {kind_of(tree)}", example)
    refuse_unknown(desk, tree, ("zip", "miles"))
    found: list[str] = []
    for key, read in (("zip", read_zip), ("miles", read_miles)):
        if key not in tree.entries:
            desk.wrong("missing", f"{key!r} is missing", example, at=(key,))
            continue
        desk.path.append(key)
        value = scalar(read)(desk, tree.entries[key])
        desk.path.pop()
        if value is not BAD:
            found.append(value)
    return tuple(found) if len(found) == 2 else BAD


for _kind in (All, AnyOf, Not, Condition):
    STRUCT_READERS[_kind] = read_node
