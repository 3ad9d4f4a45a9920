"""A journal of a million calls without making a million calls: the rows of a real one, again and again.

Every copied call has an id, a caller and rows of its own, of the very size that the switch writes. Only the hash chain
does not hold, which nobody reads at a start.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import msgspec
from bench.load.script import CALLER, NUMBER, TAKES, Scenario, caller_number, configuration

from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import Connection, library
from trunkline.testing.sipp import Sipp
from trunkline.testing.switch import SwitchProcess

REAL_CALLS = 20
PIECE = 100_000
"""Calls in one transaction."""
ROOM = 1.3
"""How much more disk than the rows themselves: indexes split, and the log."""


class Ready(msgspec.Struct, frozen=True):
    """How long a switch took to take calls again, and what it had to read for that."""

    seconds: float
    calls: int
    disk_mb: int


class NoRoom(Exception):
    """The disk is too small for that many calls; the message says how much is needed."""


def ready_after_kill(calls: int) -> Ready:
    """Fill a journal, kill the switch on it with calls going on, and start it again. Raises NoRoom."""
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name:
        folder = Path(name)
        with Sipp(TAKES, folder, "taking", seconds=3600) as taking:
            switch = SwitchProcess(configuration(taking.address, taking.address, Scenario.PLAIN), folder / "side")
            try:
                with switch, _call(folder, switch, "real") as caller:
                    caller.wait()
                    switch.ended_calls(REAL_CALLS)
                _multiply(switch.data / JOURNAL_FILE, calls)
                switch.start()
                with _call(folder, switch, "cut"):
                    switch.until(lambda: switch.metrics()["trunkline_live_calls"] >= REAL_CALLS, "calls to be going on")
                    switch.kill()
                began = time.perf_counter()
                switch.start()
                seconds = time.perf_counter() - began
            finally:
                switch.kill()
        size = sum(file.stat().st_size for file in switch.data.iterdir() if file.is_file())
    return Ready(round(seconds, 2), calls, size // 2**20)


def _call(folder: Path, switch: SwitchProcess, name: str) -> Sipp:
    return Sipp(
        CALLER,
        folder,
        name,
        to=switch.sip,
        number=NUMBER,
        calls=REAL_CALLS,
        rate=4 * REAL_CALLS,
        at_once=REAL_CALLS,
        callers=[caller_number(index) for index in range(REAL_CALLS)],
        seconds=30,
    )


def _multiply(path: Path, calls: int) -> None:
    """Copy the rows of the file's last call and of its caller until there are so many calls. Raises NoRoom."""
    connection = library.connect(path, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-262144", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        _check_room(connection, path, calls)
        [last] = connection.execute("SELECT call FROM events WHERE call NOT NULL ORDER BY seq DESC LIMIT 1").fetchone()
        [rows] = connection.execute("SELECT count(*) FROM events WHERE call = ?", (last,)).fetchone()
        connection.execute("CREATE TEMP TABLE one AS SELECT * FROM events WHERE call = ? ORDER BY seq", (last,))
        connection.execute("CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY)")
        for begin in range(0, calls, PIECE):
            _copy(connection, range(begin, min(calls, begin + PIECE)), rows)
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


_NUMBERS = """
WITH RECURSIVE some (n) AS (VALUES (?) UNION ALL SELECT n + 1 FROM some WHERE n < ?)
INSERT INTO numbers SELECT n FROM some
"""
_CALL = "'call_' || printf('%026d', n)"
_CONTACT = "printf('%012x', n) || '00000000000000000000'"
_EVENTS = f"""
INSERT INTO events
SELECT (SELECT max(seq) FROM events) + (n - (SELECT min(n) FROM numbers)) * ? + row_number() OVER (PARTITION BY n),
    at_ms, type, version, account, {_CALL}, CASE WHEN contact IS NULL THEN NULL ELSE {_CONTACT} END, body, sealed,
    randomblob(32)
FROM numbers CROSS JOIN one
"""  # noqa: S608 - no text of anybody else's
_KEYS = f"INSERT INTO contact_keys (contact, key_id, key) SELECT {_CONTACT}, randomblob(8), randomblob(32) FROM numbers"  # noqa: S608
_CONTACTS = f"""
INSERT INTO contacts SELECT account, campaign, {_CONTACT}, at_ms FROM numbers, (SELECT * FROM contacts LIMIT 1)
"""  # noqa: S608


def _copy(connection: Connection, numbers: range, rows: int) -> None:
    connection.execute("BEGIN")
    connection.execute("DELETE FROM numbers")
    connection.execute(_NUMBERS, (numbers[0], numbers[-1]))
    connection.execute(_EVENTS, (rows,))
    connection.execute(_KEYS)
    connection.execute(_CONTACTS)
    connection.execute("COMMIT")


def _check_room(connection: Connection, path: Path, calls: int) -> None:
    connection.execute("VACUUM")
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    [size] = connection.execute("PRAGMA page_size").fetchone()
    need = round(ROOM * pages * size / REAL_CALLS * calls)
    free = shutil.disk_usage(path.parent).free
    if free < need:
        raise NoRoom(f"{calls:,} calls need {need / 2**30:.0f} GB of disk; {free / 2**30:.0f} GB are free")
