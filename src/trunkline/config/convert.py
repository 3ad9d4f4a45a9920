"""Turns the tree of a file into the structs of the schema, driven by the structs themselves.

Nothing stops at the first problem: what cannot be read is reported and replaced, so that everything around it is
still looked at. A required text that is wrong becomes the empty text, which every later check passes over; an item
that is wrong in a way that has no such stand-in is left out of its list.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from trunkline.config.list_files import ListFiles
from trunkline.config.problems import Findings
from trunkline.config.scalars import BadText, read_bool, read_choice, read_int, read_money, read_text
from trunkline.config.tree import Fields, Items, Path, Text, Tree, kind_of
from trunkline.kernel.money import Money


class Bad(enum.Enum):
    """Stands for a value that could not be read and has been reported."""

    BAD = "bad"


BAD = Bad.BAD
Reader = Callable[["Desk", Tree], Any]
"""Reads a tree at the desk's present path and gives the value, or `BAD` after reporting why there is none."""


class Desk:
    """Where one file is read: the currency of its account, its problems, and the path of what is being read.

    `spend` says that the limit at hand counts money; `lists` are the list files beside the configuration.
    """

    __slots__ = ("currency", "findings", "lists", "path", "spend")

    def __init__(self, findings: Findings, currency: str, lists: ListFiles) -> None:
        self.lists = lists
        self.findings = findings
        self.currency = currency
        self.path: list[str | int] = []
        self.spend = False

    def wrong(self, code: str, message: str, hint: str = "", *, at: Path = ()) -> Bad:
        """Report an error at the present path, or at `at` below it."""
        self.findings.error((*self.path, *at), code, message, hint)
        return BAD

    def unbuilt(self, message: str, hint: str, *, at: Path = ()) -> None:
        """Warn of something that is read and does nothing yet."""
        self.findings.warning((*self.path, *at), "not_built", message, hint)


class FieldPlan(msgspec.Struct, frozen=True):
    """How one field is read. `stand_in` is what a required field becomes when it is missing or wrong, or `BAD`.

    In the file it may have a name that no attribute can have, such as `from`.
    """

    name: str
    read: Reader
    required: bool
    stand_in: Any


class StructPlan(msgspec.Struct, frozen=True):
    """How one struct is read."""

    make: type[msgspec.Struct]
    fields: dict[str, FieldPlan]
    hints: dict[str, str]


STRUCT_READERS: dict[type, Reader] = {}
"""Structs that are written in the file in a shape of their own."""
FIELD_READERS: dict[tuple[type, str], Reader] = {}
"""Fields whose text means more than their type says."""
STAND_INS: dict[type, Any] = {}
"""What a required field of this enum or struct becomes when it is missing or wrong, so that the rest is looked at."""

UNKNOWN_KEY_HINTS: dict[type, dict[str, str]] = {}
"""Keys that people look for where they are not, with where to go instead."""

T = TypeVar("T", bound=msgspec.Struct)


def read_struct(desk: Desk, tree: Tree, kind: type[T]) -> T | Bad:
    """Read a mapping as `kind`: unknown keys, missing keys and all that is wrong in its fields are reported."""
    if not isinstance(tree, Fields):
        return desk.wrong("not_a_mapping", f"a mapping of keys belongs here, not {kind_of(tree)}", _example(kind))
    plan = plan_of(kind)
    refuse_unknown(desk, tree, plan.fields.keys(), plan.hints)
    values: dict[str, Any] = {}
    bad = False
    for name, field in plan.fields.items():
        entry = tree.entries.get(name)
        if entry is None or (isinstance(entry, Text) and entry.value is None):
            if not field.required:
                continue
            desk.wrong("missing", f"{name!r} is missing", f"write {name}: …", at=(name,))
            value = BAD
        else:
            desk.path.append(name)
            value = field.read(desk, entry)
            desk.path.pop()
        if value is BAD:
            if not field.required:
                continue
            value = field.stand_in
            bad = bad or value is BAD
        values[field.name] = value
    return BAD if bad else cast(T, plan.make(**values))


def refuse_unknown(desk: Desk, tree: Fields, known: Any, hints: dict[str, str] | None = None) -> None:
    """Report the keys of `tree` that are none of `known`, each with the one that was probably meant."""
    if tree.entries.keys() <= set(known):
        return
    names = sorted(known)
    for key in tree.entries:
        if key in known:
            continue
        close = get_close_matches(key, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(names)}"
        hint = (hints or {}).get(key, hint)
        desk.findings.error((*desk.path, key), "unknown_key", f"{key!r} is no key of this mapping", hint)


def read_items(desk: Desk, tree: Tree, item: Reader) -> tuple[Any, ...] | Bad:
    """Read a list; items that are wrong are left out."""
    if not isinstance(tree, Items):
        return desk.wrong("not_a_list", f"a list belongs here, not {kind_of(tree)}", "write [ … ] or lines with a dash")
    values = []
    for index, entry in enumerate(tree.items):
        desk.path.append(index)
        value = item(desk, entry)
        desk.path.pop()
        if value is BAD:
            desk.findings.left_out(tuple(desk.path), index)
        else:
            values.append(value)
    return tuple(values)


def read_mapping(desk: Desk, tree: Tree, item: Reader) -> dict[str, Any] | Bad:
    """Read a mapping with keys of the operator's choice; entries that are wrong are left out."""
    if not isinstance(tree, Fields):
        return desk.wrong("not_a_mapping", f"a mapping of keys belongs here, not {kind_of(tree)}", "write {key: value}")
    values = {}
    for key, entry in tree.entries.items():
        desk.path.append(key)
        value = item(desk, entry)
        desk.path.pop()
        if value is BAD:
            desk.findings.lost_key(tuple(desk.path), key)
        else:
            values[key] = value
    return values


def scalar(parse: Callable[[str], Any]) -> Reader:
    """A reader for one text that `parse` turns into a value or refuses with `BadText`."""

    def read(desk: Desk, tree: Tree) -> Any:
        if not isinstance(tree, Text) or tree.value is None:
            return desk.wrong("not_a_text", f"a single value belongs here, not {kind_of(tree)}")
        try:
            return parse(tree.value)
        except BadText as error:
            return desk.wrong(error.code, error.message, error.hint)

    return read


@lru_cache(maxsize=256)
def plan_of(kind: type[msgspec.Struct]) -> StructPlan:
    """How `kind` is read, from its annotations."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {}
    for field in info.fields:
        read = FIELD_READERS.get((kind, field.name)) or _reader_of(field.type)
        fields[field.encode_name] = FieldPlan(field.name, read, field.required, _stand_in(field.type))
    return StructPlan(kind, fields, UNKNOWN_KEY_HINTS.get(kind, {}))


def _stand_in(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.StrType):
        return ""
    if isinstance(kind, inspect.VarTupleType):
        return ()
    if isinstance(kind, inspect.DictType):
        return {}
    return STAND_INS.get(kind.cls, BAD) if isinstance(kind, inspect.EnumType | inspect.StructType) else BAD


def _reader_of(kind: inspect.Type) -> Reader:
    if isinstance(kind, inspect.UnionType):
        return _union_reader(kind)
    if isinstance(kind, inspect.StrType):
        return scalar(read_text)
    if isinstance(kind, inspect.BoolType):
        return scalar(read_bool)
    if isinstance(kind, inspect.IntType):
        return scalar(read_int)
    if isinstance(kind, inspect.LiteralType):
        allowed = [str(value) for value in kind.values]
        return scalar(lambda text: read_choice(text, allowed))
    if isinstance(kind, inspect.EnumType):
        members = {str(member.value): member for member in kind.cls}
        return scalar(lambda text: members[read_choice(text, list(members))])
    if isinstance(kind, inspect.VarTupleType):
        item = _reader_of(kind.item_type)
        return lambda desk, tree: read_items(desk, tree, item)
    if isinstance(kind, inspect.DictType):
        value = _reader_of(kind.value_type)
        return lambda desk, tree: read_mapping(desk, tree, value)
    assert isinstance(kind, inspect.StructType), f"the schema uses a type that cannot be read: {kind}"
    return _struct_reader(kind.cls)


def _union_reader(kind: inspect.UnionType) -> Reader:
    members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    if len(members) == 1:
        return _reader_of(members[0])
    readers = {STRUCT_READERS.get(member.cls) for member in members if isinstance(member, inspect.StructType)}
    assert len(readers) == 1, f"the members of a union need one reader of their own: {kind}"
    read = readers.pop()
    assert read is not None, f"a union needs a reader of its own: {kind}"
    return read


def _struct_reader(kind: type[msgspec.Struct]) -> Reader:
    special = STRUCT_READERS.get(kind)
    if special is not None:
        return special
    return lambda desk, tree: read_struct(desk, tree, kind)


def _read_money(desk: Desk, tree: Tree) -> Money | Bad:
    value: Money | Bad = scalar(lambda text: read_money(text, desk.currency))(desk, tree)
    return value


STRUCT_READERS[Money] = _read_money


def _example(kind: type[msgspec.Struct]) -> str:
    names = [name for name, field in plan_of(kind).fields.items() if field.required]
    return f"write {{{', '.join(f'{name}: …' for name in names)}}}" if names else "write {key: value}"
