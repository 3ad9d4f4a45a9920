"""What a file says before anybody has asked what it means: a tree of texts that know their lines.

No scalar has a type here. `ON` is the text ON (Ontario), `06401` keeps its zero and `1e3` is three characters; the
schema decides what a text becomes. Only an empty value, `null` or `~` is nothing.
"""

from __future__ import annotations

import msgspec

Path = tuple[str | int, ...]
"""Where something stands: keys of mappings and indexes of lists, from the top of the file."""


class Text(msgspec.Struct, frozen=True, gc=False):
    """A scalar. `value` is None for nothing (`null`, `~`, empty); `line` counts from 1."""

    value: str | None
    line: int


class Items(msgspec.Struct, frozen=True):
    """A list."""

    items: list[Tree]
    line: int


class Fields(msgspec.Struct, frozen=True):
    """A mapping; `lines` has the line of each key."""

    entries: dict[str, Tree]
    lines: dict[str, int]
    line: int


Tree = Text | Items | Fields


def kind_of(tree: Tree) -> str:
    """What to call a tree in a sentence."""
    match tree:
        case Items():
            return "a list"
        case Fields():
            return "a mapping"
        case Text(value=None):
            return "nothing"
        case _:
            return "a text"


def line_of(root: Tree, path: Path) -> int:
    """The line of `path`, or of the nearest thing above it that stands in the file."""
    here, line = root, root.line
    for step in path:
        if isinstance(here, Fields) and isinstance(step, str):
            holder = here if step in here.entries else _one_deeper(here, step)
            if holder is None:
                return line
            line, here = holder.lines[step], holder.entries[step]
        elif isinstance(here, Items) and isinstance(step, int) and step < len(here.items):
            here = here.items[step]
            line = here.line
        else:
            return line
    return line


def _one_deeper(fields: Fields, step: str) -> Fields | None:
    """The mapping right below `fields` that has the key: `next` may stand beside a flow node's verb or inside it."""
    for child in fields.entries.values():
        if isinstance(child, Fields) and step in child.entries:
            return child
    return None


_NAMED_BY = ("key", "number")


def path_text(root: Tree, path: Path) -> str:
    """The path as people write it: `plans[injury].tiers[t1].routes[lone-star-es].price`.

    Items of a list are named by their key (or by what their key defaults to), else by their place from 0.
    """
    out = ""
    here: Tree | None = root
    for index, step in enumerate(path):
        if isinstance(step, int):
            here = here.items[step] if isinstance(here, Items) and step < len(here.items) else None
            out += f"[{_name(here, step, str(path[index - 1]) if index else '')}]"
        else:
            here = here.entries.get(step) if isinstance(here, Fields) else None
            out += f".{step}" if out else step
    return out


def _name(item: Tree | None, index: int, collection: str) -> str:
    if isinstance(item, Fields):
        named_by: tuple[str, ...] = _NAMED_BY
        if collection == "routes":
            named_by = ("key", "target")
        elif collection in {"lead_fields", "attributes"}:
            named_by = ("name",)
        for field in named_by:
            entry = item.entries.get(field)
            if isinstance(entry, Text) and entry.value:
                return entry.value
    return f"t{index + 1}" if collection == "tiers" else str(index)
