"""A table of the views, made from the struct that is its row: columns, types and SQL follow from the fields.

A field is a column of the same name; the first one is the key. Text, whole numbers and fractions are stored as such,
and a field that may be None is a column that may be NULL. There are no other types, flags are 0 or 1: SQLite stores
those as they are, and the library asks no adapter about them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import inspect

R = TypeVar("R", bound=msgspec.Struct)

_TYPES: Final = {inspect.StrType: "TEXT", inspect.IntType: "INTEGER", inspect.FloatType: "REAL"}


class Index(msgspec.Struct, frozen=True):
    """An index over `columns`; with `where` it has only the rows for which that holds."""

    columns: tuple[str, ...]
    where: str = ""


class Table(Generic[R]):
    """One table. `prefix` is what its keys begin with, empty where that is not said by the key."""

    __slots__ = ("columns", "create", "indexes", "key", "name", "prefix", "put", "row", "select", "update")

    def __init__(self, name: str, row: type[R], indexes: tuple[Index, ...], prefix: str = "") -> None:
        self.name = name
        self.row = row
        self.prefix = prefix
        self.columns: tuple[str, ...] = row.__struct_fields__
        self.key = self.columns[0]
        marks = ", ".join("?" for _ in self.columns)
        set_all = ", ".join(f"{column} = ?{number}" for number, column in enumerate(self.columns[1:], 2))
        named = ", ".join(self.columns)
        self.create = f"CREATE TABLE {name} (\n    " + ",\n    ".join(_columns(row)) + "\n) STRICT"
        self.put = f"INSERT OR REPLACE INTO {name} VALUES ({marks})"  # noqa: S608 - names of our own
        self.update = f"UPDATE {name} SET {set_all} WHERE {self.key} = ?1"  # noqa: S608
        self.select = f"SELECT {named} FROM {name} WHERE {self.key} = ?"  # noqa: S608
        self.indexes = tuple(_index(name, index) for index in indexes)

    def make(self, values: tuple[Any, ...]) -> R:
        """The row with these values, in the order of the columns."""
        return self.row(**dict(zip(self.columns, values, strict=True)))


def _columns(row: type[msgspec.Struct]) -> Iterator[str]:
    info = inspect.type_info(row)
    assert isinstance(info, inspect.StructType)
    for number, field in enumerate(info.fields):
        kind, optional = field.type, False
        if isinstance(kind, inspect.UnionType):
            assert kind.includes_none, f"{row.__name__}.{field.name} has two types"
            optional = True
            (kind,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
        sql = _TYPES[type(kind)]
        yield f"{field.name} {sql}" + (" PRIMARY KEY NOT NULL" if not number else "" if optional else " NOT NULL")


def _index(table: str, index: Index) -> str:
    name = f"{table}_by_{'_'.join(index.columns)}"
    where = f" WHERE {index.where}" if index.where else ""
    return f"CREATE INDEX {name} ON {table} ({', '.join(index.columns)}){where}"
