"""A file of tables made from the journal: rows and the position they were made at, in one transaction.

The file that people open is a name, `views.db`, for one of several generations, `views-1.db`, `views-2.db`, …: making
the tables anew writes the next generation beside the one in use and then turns the name over to it, in one step.
Whoever has the old one open goes on reading it; SQLite keeps log and index under the name of the file itself, so those
of the two never meet (docs/decisions/0062).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from trunkline.journal.sqlite import Connection, Error, connect_derived, connect_reading, one
from trunkline.kernel.errors import EnvironmentFault
from trunkline.worker.projections.plan import Plan
from trunkline.worker.projections.rows import Views
from trunkline.worker.projections.table import Table

APPLICATION_ID: Final = 0x54524E56
"""`TRNV`, in the header of the file: `PRAGMA application_id`."""
_POSITION: Final = """
CREATE TABLE position (
    stream TEXT PRIMARY KEY NOT NULL,
    seq INTEGER NOT NULL,
    mark BLOB NOT NULL
) STRICT
"""
_BESIDE: Final = ("", "-wal", "-shm", "-journal")


class ViewsUnusable(EnvironmentFault):
    """The file of views can not be written or read; the journal has all that stood in it."""


class Place(msgspec.Struct, frozen=True):
    """How far the tables were made: the stream's row `seq`, which has the hash `mark`."""

    stream: str
    seq: int
    mark: bytes


def current(data: Path, plan: Plan) -> Path | None:
    """The generation that is in use, None when there is none."""
    name = data / plan.file
    return name.resolve() if name.exists() else None


def place_of(data: Path, plan: Plan) -> Place | None:
    """How far the generation in use was made; None where there is none that `plan` could go on with."""
    path = current(data, plan)
    if path is None:
        return None
    try:
        connection = connect_reading(path)
    except EnvironmentFault:  # half a file, or none of ours: it is made anew
        return None
    try:
        if one(connection, "PRAGMA application_id") != APPLICATION_ID:
            return None
        if one(connection, "PRAGMA user_version") != plan.version:
            return None
        row = connection.execute("SELECT stream, seq, mark FROM position").fetchone()
    except Error:
        return None
    finally:
        connection.close()
    return None if row is None else Place(row[0], row[1], bytes(row[2]))


class Store:
    """One generation, open for writing. Not for several threads at once."""

    def __init__(self, path: Path, plan: Plan, connection: Connection) -> None:
        self.path = path
        self._plan = plan
        self._connection = connection

    @classmethod
    def open(cls, data: Path, plan: Plan) -> Self:
        """The generation in use, which `place_of` has found fit, to go on with. Generations beside it are removed."""
        path = current(data, plan)
        assert path is not None, "nothing to go on with"
        _remove_others(data, plan, path)
        return cls(path, plan, connect_derived(path))

    @classmethod
    def begin(cls, data: Path, plan: Plan) -> Self:
        """A new generation without rows, which nobody sees before `publish`."""
        used = current(data, plan)
        _remove_others(data, plan, used)
        number = 1 + max((_number(path) for path in _generations(data, plan)), default=0)
        path = data / f"{_stem(plan)}-{number}.db"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        connection = connect_derived(path, bulk=True)
        for table in plan.tables:
            connection.execute(table.create)
        connection.execute(_POSITION)
        return cls(path, plan, connection)

    def find(self, table: Table[Any], key: str) -> tuple[Any, ...] | None:
        """The values of a row that was written before."""
        found: tuple[Any, ...] | None = self._connection.execute(table.select, (key,)).fetchone()
        return found

    def write(self, views: Views, place: Place) -> None:
        """Write what has changed, and how far that goes, or nothing. Raises ViewsUnusable."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for table, rows in views.each():
                    connection.executemany(table.put, rows.new)
                    connection.executemany(table.update, rows.changed)
                connection.execute(
                    "INSERT OR REPLACE INTO position VALUES (?, ?, ?)", (place.stream, place.seq, place.mark)
                )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except Error as error:
            raise ViewsUnusable(
                f"{self.path} does not take writes: {error}", hint="free space on that disk; nothing is lost"
            ) from error
        views.written()

    def publish(self, data: Path) -> Self:
        """Make the indexes, turn the name over to this generation, and go on with it. Blocks for as long as that takes.

        Raises ViewsUnusable.
        """
        connection, plan = self._connection, self._plan
        try:
            for table in plan.tables:
                for index in table.indexes:
                    connection.execute(index)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={plan.version}")
            connection.execute("PRAGMA optimize=0x10002")  # statistics of all tables, from some of their rows
        except Error as error:
            raise ViewsUnusable(
                f"{self.path} does not take writes: {error}", hint="free space on that disk; nothing is lost"
            ) from error
        connection.close()
        _flush(self.path)
        name = data / plan.file
        link = data / f".{plan.file}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(self.path.name)
        link.replace(name)
        _flush(data)
        return self.open(data, plan)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()


def _stem(plan: Plan) -> str:
    return plan.file.removesuffix(".db")


def _generations(data: Path, plan: Plan) -> list[Path]:
    stem = _stem(plan)
    return [path for path in data.glob(f"{stem}-*.db") if path.stem.removeprefix(f"{stem}-").isdigit()]


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _remove_others(data: Path, plan: Plan, used: Path | None) -> None:
    """Remove what a crash or an earlier generation has left. Who still reads it keeps it."""
    for path in _generations(data, plan):
        if path != used:
            for end in reversed(_BESIDE):  # a log that stays alone would be taken for that of a later file
                path.with_name(path.name + end).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
