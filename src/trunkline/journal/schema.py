"""The journal's tables as numbered migrations, and the marks by which a file is known to be one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trunkline.journal.errors import JournalForeign
from trunkline.journal.sqlite import Connection, one

JOURNAL_FILE: Final = "journal.db"
"""The journal, inside the data folder."""
APPLICATION_ID: Final = 0x54524E4B
"""`TRNK`, in the header of the file: `PRAGMA application_id`."""

_FIRST = """
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    account TEXT,
    call TEXT,
    contact TEXT,
    body BLOB NOT NULL,
    sealed BLOB,
    hash BLOB NOT NULL
);
CREATE INDEX events_by_call ON events (call) WHERE call IS NOT NULL;

-- A key is never deleted with its row: zeros are written over it where it lies (docs/decisions/0008).
CREATE TABLE contact_keys (
    number INTEGER PRIMARY KEY,
    contact TEXT NOT NULL UNIQUE,
    key_id BLOB NOT NULL,
    key BLOB NOT NULL
);

CREATE TABLE counters (
    account TEXT NOT NULL,
    level TEXT NOT NULL,
    key TEXT NOT NULL,
    measure TEXT NOT NULL,
    per TEXT NOT NULL,
    applies_to TEXT NOT NULL,
    window_start_ms INTEGER NOT NULL,
    window_end_ms INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (account, level, key, measure, per, applies_to, window_start_ms)
) WITHOUT ROWID;
CREATE INDEX counters_by_end ON counters (window_end_ms);

CREATE TABLE turns (
    account TEXT NOT NULL,
    plan TEXT NOT NULL,
    tier TEXT NOT NULL,
    route TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (account, plan, tier, route)
) WITHOUT ROWID;

CREATE TABLE contacts (
    account TEXT NOT NULL,
    campaign TEXT NOT NULL,
    contact TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, campaign, contact)
) WITHOUT ROWID;

CREATE TABLE holds (lease TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE calls (call TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE legs (leg TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""

_SEALED_LEGS = """
-- What identifies legs is sealed from now on. What lay in the clear is overwritten; its seats are held for a minute.
DELETE FROM legs;
"""

_COMMANDS = """
CREATE TABLE commands (
    key TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    answer BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX commands_by_time ON commands (at_ms);
"""

_CONTACT_EVENTS = """
CREATE TABLE contact_events (
    account TEXT NOT NULL,
    contact TEXT NOT NULL,
    event TEXT NOT NULL,
    campaign TEXT NOT NULL,
    buyer TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    call TEXT NOT NULL,
    PRIMARY KEY (account, contact, event, campaign, buyer)
) WITHOUT ROWID;
"""

_RATES = """
CREATE TABLE rates (
    account TEXT NOT NULL,
    version TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    book BLOB NOT NULL,
    PRIMARY KEY (account, version)
);
"""

_OFFERED = """
CREATE TABLE offered (
    account TEXT NOT NULL,
    level TEXT NOT NULL,
    key TEXT NOT NULL,
    measure TEXT NOT NULL,
    per TEXT NOT NULL,
    applies_to TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, level, key, measure, per, applies_to)
) WITHOUT ROWID;
"""

_LISTS = "CREATE TABLE lists (list TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"

_TARGETS = """
CREATE TABLE targets (
    account TEXT NOT NULL,
    target TEXT NOT NULL,
    away INTEGER NOT NULL,
    paused_until_ms INTEGER NOT NULL,
    PRIMARY KEY (account, target)
) WITHOUT ROWID;
"""

_PINGS = "CREATE TABLE pings (ping TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"

_KEYS = """
CREATE TABLE publisher_keys (
    account TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    publisher TEXT NOT NULL,
    scopes TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (account, sha256)
) WITHOUT ROWID;
"""

_OUTBOX = """
CREATE TABLE outbox (
    attempt TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    call TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    queued_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_by_target ON outbox (state, account, target, due_ms);
"""

_LEADS = """
CREATE TABLE leads (lead TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE posts (
    account TEXT NOT NULL,
    publisher TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, publisher, key)
) WITHOUT ROWID;
CREATE INDEX posts_by_time ON posts (at_ms);
"""

_RETURNS = """
CREATE TABLE returns (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    buyer TEXT NOT NULL,
    cycle_ms INTEGER NOT NULL,
    call TEXT NOT NULL,
    attempt TEXT NOT NULL,
    state TEXT NOT NULL,
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX returns_by_buyer ON returns (account, buyer, cycle_ms);
CREATE INDEX returns_by_call ON returns (call);
CREATE INDEX returns_by_state ON returns (state, id);
"""

_PENALTIES = """
CREATE TABLE penalties (account TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, penalties BLOB NOT NULL) WITHOUT ROWID;
"""

_RESALES = "CREATE TABLE resales (lead TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"

_CLAIMS = "CREATE TABLE claims (lead TEXT PRIMARY KEY, account TEXT NOT NULL) WITHOUT ROWID;"

MIGRATIONS: Final = (
    _FIRST, _SEALED_LEGS, _COMMANDS, _CONTACT_EVENTS, _RATES, _OFFERED, _LISTS, _TARGETS, _PINGS, _KEYS, _OUTBOX,
    _LEADS,
    _RETURNS,
    _RESALES,
    _PENALTIES,
    _CLAIMS,
)  # fmt: skip
"""What turns version N into N + 1. Never edited once released; a change is a new entry."""


def migrate(connection: Connection, path: Path) -> None:
    """Bring the file to the newest version, each step in one transaction. Raises JournalForeign for other files."""
    version = check_identity(connection, path)
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]}"
            f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={number + 1}; COMMIT;"
        )


def check_identity(connection: Connection, path: Path) -> int:
    """The version of the file's tables, 0 for an empty file. Raises JournalForeign for what is not a journal."""
    version: int = one(connection, "PRAGMA user_version")
    mark: int = one(connection, "PRAGMA application_id")
    if mark != APPLICATION_ID and (mark or version or one(connection, "SELECT count(*) FROM sqlite_master")):
        raise JournalForeign(
            f"{path} is a database of another program", hint="is --data the folder of a Trunkline switch?"
        )
    if version > len(MIGRATIONS):
        raise JournalForeign(
            f"{path} was written by a newer Trunkline: "
            f"its tables have version {version}, this one knows {len(MIGRATIONS)}",
            hint="start the newer version again; going back needs the backup made before the upgrade",
        )
    return version
