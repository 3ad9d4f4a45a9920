"""The one place that imports SQLite, judges its version and opens connections.

SQLite before 3.51.3 can damage a WAL database when one connection writes while another one resets the log
(https://sqlite.org/wal.html, "The WAL-reset bug"). The journal checkpoints beside its writer, which is that pattern,
so an older library is refused and not worked around. pysqlite3's wheel brings its own SQLite; where there is no wheel
the interpreter's own library serves if it is new enough.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trunkline.journal.errors import JournalForeign, JournalMissing, SqliteTooOld

if TYPE_CHECKING:
    import sqlite3 as library  # noqa: TID251 - typeshed describes this one; pysqlite3 has the same interface
else:
    try:
        from pysqlite3 import dbapi2 as library
    except ModuleNotFoundError:
        import sqlite3 as library  # noqa: TID251 - judged below like any other

# The library looks for an adapter of every value that is no number, text or bytearray, and asks the value itself when
# it finds none: 1.5 µs for each blob and each NULL, so that a row of events took six times as long. So it finds one.
library.register_adapter(bytes, bytearray)
library.register_adapter(type(None), dict[None, None]().get)  # gives None again

Connection = library.Connection
Error = library.Error

VERSION: Final[tuple[int, ...]] = library.sqlite_version_info
VERSION_MIN: Final = (3, 51, 3)
BUSY_TIMEOUT_S: Final = 5
DERIVED_LOG_PAGES: Final = 8_000
"""32 MB: a checkpoint flushes the disk that the journal's commits wait for, and most pages are written again soon."""


def sqlite_version_problem(version: tuple[int, ...] | None = None) -> str | None:
    """Why the SQLite in use (or `version`) must not be used, or None when it may."""
    found = VERSION if version is None else version
    if found >= VERSION_MIN:
        return None
    has, needs = (".".join(map(str, v)) for v in (found, VERSION_MIN))
    return f"SQLite {has} can damage the journal (its WAL-reset bug); {needs} or newer is needed"


def require_sound_sqlite() -> None:
    """Raise SqliteTooOld when the library in use is not to be trusted with a journal."""
    problem = sqlite_version_problem()
    if problem is not None:
        raise SqliteTooOld(
            problem, hint="install the pysqlite3 package from requirements.lock, which brings its own SQLite"
        )


def connect_writing(path: Path) -> Connection:
    """A connection that writes: WAL, every commit durable, checkpoints left to us, deleted bytes overwritten."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA foreign_keys=ON")
    except Error as error:
        connection.close()
        raise unreadable(path, error) from error
    return connection


def connect_derived(path: Path, *, bulk: bool = False) -> Connection:
    """A connection that writes what can be made anew from the journal; the file is there, and may be empty.

    A power failure may undo its last transactions, but no half of one. In `bulk` a crash may leave anything at all:
    for a file that nobody knows yet.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        if bulk:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536"):
                connection.execute(f"PRAGMA {pragma}")
        else:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint={DERIVED_LOG_PAGES}")
    except Error as error:
        connection.close()
        raise unreadable(path, error) from error
    return connection


def connect_reading(path: Path) -> Connection:
    """A connection that can not write, for any process, also while a switch is writing."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except Error as error:
        connection.close()
        raise unreadable(path, error) from error
    return connection


def one(connection: Connection, sql: str, *parameters: object) -> Any:
    """The first column of the first row, or None."""
    row = connection.execute(sql, parameters).fetchone()
    return None if row is None else row[0]


def unreadable(path: Path, error: Error) -> JournalForeign | JournalMissing:
    """Our error for one that SQLite raised while a file was opened or looked at."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_CORRUPT"):
        return JournalForeign(
            f"{path} is damaged: {error}",
            hint="check the disk; then restore a copy of the data folder, or move it away to begin with an empty one",
        )
    if name.startswith("SQLITE_NOTADB"):
        return JournalForeign(f"{path} is not a journal: {error}", hint="is --data the folder of a Trunkline switch?")
    reason = "it can not be read" if os.path.exists(path) else "it does not exist"
    return JournalMissing(
        f"the journal {path} can not be opened ({reason}): {error}",
        hint="check that --data names the folder the switch was started with, and who may read it",
    )


def _connect(uri: str) -> Connection:
    # One thread at a time uses each of our connections; which one, changes between opening and writing.
    return library.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
