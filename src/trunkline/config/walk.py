"""Visits every object of a configuration with its path, so that a check of one kind of object finds all of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from trunkline.config.criteria import All, AnyOf, Condition, Not
from trunkline.config.hours import Hours
from trunkline.config.tree import Path
from trunkline.kernel.money import Money

_LEAVES = (All, AnyOf, Condition, Not, Money, Hours)
"""Structs that are values: nobody looks for something of his own inside them."""


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, msgspec.Struct]]:
    """`value` and every struct inside it, in the order of the schema; criteria, hours and amounts are not entered."""
    if isinstance(value, msgspec.Struct):
        yield path, value
        for field in holders_of(type(value)):
            inner = getattr(value, field)
            if inner:
                yield from walk(inner, (*path, field))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))


@lru_cache(maxsize=256)
def holders_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of `kind` that hold structs, or lists or mappings of structs."""
    if kind in _LEAVES:
        return ()
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return tuple(field.name for field in info.fields if _holds_struct(field.type))


def _holds_struct(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.StructType):
        return True
    if isinstance(kind, inspect.UnionType):
        return any(_holds_struct(member) for member in kind.types)
    if isinstance(kind, inspect.VarTupleType):
        return _holds_struct(kind.item_type)
    if isinstance(kind, inspect.DictType):
        return _holds_struct(kind.value_type)
    return False
