"""Reads the nodes of a flow: one verb, its fields inside it, and `next` and `otherwise` inside or beside it.

`greet: {play: {say: "Welcome."}, next: language}` and `greet: {say: "Welcome.", next: language}` say the same.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

import msgspec

from trunkline.config.convert import BAD, FIELD_READERS, STRUCT_READERS, Bad, Desk, plan_of, read_items, read_struct
from trunkline.config.flows import FlowNode, Prompt, SetNode
from trunkline.config.struct import Struct
from trunkline.config.tree import Fields, Items, Text, Tree, kind_of

NODES: dict[str, type[msgspec.Struct]] = {kind.__struct_config__.tag: kind for kind in get_args(FlowNode)}
"""The struct behind each verb."""
_BESIDE = frozenset({"next", "otherwise"})
_PROMPT_FIELDS = ("say", "file", "lang")


class Webhook(Struct, frozen=True, kw_only=True):
    """Asks a web server. Not built yet: the flow goes on to `next`."""

    url: str
    next: str
    otherwise: str | None = None
    timeout_ms: int = 2000
    into: str | None = None


_UNBUILT: dict[str, type[Webhook]] = {"webhook": Webhook}
ALL_NODES: dict[str, type[msgspec.Struct]] = {**NODES, **_UNBUILT}
"""The same with those that are read and not built yet."""
VERBS = ("say", *ALL_NODES)


def read_flow_node(desk: Desk, tree: Tree) -> Any:
    """One node of a flow as the struct of its verb."""
    if not isinstance(tree, Fields):
        hint = "write {play: {say: …}, next: …}"
        return desk.wrong("not_a_mapping", f"a mapping with a verb belongs here, not {kind_of(tree)}", hint)
    verbs = [key for key in tree.entries if key in VERBS]
    if len(verbs) != 1:
        return _wrong_verbs(desk, tree, verbs)
    verb = verbs[0]
    fields = _gather(desk, tree, verb)
    if fields is BAD:
        return BAD
    kind = NODES["play"] if verb == "say" else NODES.get(verb)
    if kind is None:
        unbuilt = read_struct(desk, _with_prompts(desk, fields, _UNBUILT[verb]), _UNBUILT[verb])
        desk.unbuilt(f"`{verb}` is not built yet: the flow goes on to `next`", "leave the node out until it is")
        return BAD if unbuilt is BAD else SetNode(values={}, next=unbuilt.next)
    return read_struct(desk, _with_prompts(desk, fields, kind), kind)


def _wrong_verbs(desk: Desk, tree: Fields, verbs: list[str]) -> Bad:
    known = f"verbs: {', '.join(VERBS)}"
    if verbs:
        return desk.wrong("several_verbs", f"a node does one thing, not {' and '.join(verbs)}", "make two nodes of it")
    for key in tree.entries:
        if key not in _BESIDE:
            close = get_close_matches(key, VERBS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else known
            return desk.wrong("unknown_key", f"{key!r} is nothing that a node can do", hint, at=(key,))
    return desk.wrong("missing", "the node does nothing", known)


def _gather(desk: Desk, tree: Fields, verb: str) -> Fields | Bad:
    """What stands inside the verb and beside it, as one mapping."""
    body = tree.entries[verb]
    inside = _inside(desk, body, verb)
    if inside is BAD:
        return BAD
    entries, lines = dict(inside.entries), dict(inside.lines)
    for key, entry in tree.entries.items():
        if key == verb:
            continue
        if key in entries:
            desk.wrong("duplicate_key", f"{key!r} stands inside `{verb}` and beside it", "keep one of them", at=(key,))
        elif key in _BESIDE or verb == "say":
            entries[key], lines[key] = entry, tree.lines[key]
        else:
            hint = f"only next and otherwise may stand beside a verb: move it into `{verb}`"
            desk.wrong("unknown_key", f"{key!r} may not stand beside `{verb}`", hint, at=(key,))
    return Fields(entries, lines, body.line)


def _inside(desk: Desk, body: Tree, verb: str) -> Fields | Bad:
    if verb == "set" and isinstance(body, Fields):
        return Fields({"values": body}, {"values": body.line}, body.line)
    if verb == "say" or (verb == "play" and not isinstance(body, Fields)):
        return Fields({"prompts": body}, {"prompts": body.line}, body.line)
    if verb == "splitter" and isinstance(body, Items):
        return Fields({"split": body}, {"split": body.line}, body.line)
    if isinstance(body, Fields):
        return body
    if isinstance(body, Text) and body.value is None:
        return Fields({}, {}, body.line)
    hint = f"write {verb}: {{…}}"
    return desk.wrong("not_a_mapping", f"a mapping belongs here, not {kind_of(body)}", hint, at=(verb,))


def _with_prompts(desk: Desk, fields: Fields, kind: type[msgspec.Struct]) -> Fields:
    """`say`, `file` and `lang` written straight into a node are its one prompt."""
    if "prompts" not in plan_of(kind).fields:
        return fields
    short = {key: fields.entries[key] for key in _PROMPT_FIELDS if key in fields.entries}
    if not short:
        return fields
    rest = {key: entry for key, entry in fields.entries.items() if key not in short}
    prompt = Fields(short, {key: fields.lines[key] for key in short}, fields.line)
    if "prompts" in rest:
        if "lang" in short and isinstance(rest["prompts"], Text):
            short["say"] = rest.pop("prompts")
            prompt.lines["say"] = fields.line
        else:
            desk.wrong("duplicate_key", "`prompts` stands beside say, file or lang", "move them into the prompts")
            return Fields(rest, fields.lines, fields.line)
    rest["prompts"] = prompt
    return Fields(rest, {**fields.lines, "prompts": fields.line}, fields.line)


def read_prompts(desk: Desk, tree: Tree) -> tuple[Prompt, ...] | Bad:
    """A text to be said, one prompt, or a list of either."""
    if isinstance(tree, Items):
        if not tree.items:
            return desk.wrong("empty", "a list of no prompts", "write {say: …} or {file: …}")
        return read_items(desk, tree, read_prompt)
    one = read_prompt(desk, tree)
    return BAD if one is BAD else (one,)


def read_prompt(desk: Desk, tree: Tree) -> Prompt | Bad:
    """A text to be said, or a mapping with either `say` or `file`."""
    if isinstance(tree, Text):
        tree = Fields({"say": tree}, {"say": tree.line}, tree.line)
    prompt = read_struct(desk, tree, Prompt)
    if prompt is BAD or not isinstance(tree, Fields):
        return BAD
    if ("say" in tree.entries) == ("file" in tree.entries):
        return desk.wrong("bad_prompt", "a prompt has either `say` or `file`", "write {say: …} or {file: …}")
    return prompt


for _kind in NODES.values():
    STRUCT_READERS[_kind] = read_flow_node
STRUCT_READERS[Prompt] = read_prompt
for _owner in NODES.values():
    for _field in ("prompts", "invalid"):
        if _field in _owner.__struct_fields__:
            FIELD_READERS[_owner, _field] = read_prompts
