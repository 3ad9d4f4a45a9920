"""The tables of the views, from their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trunkline.worker.projections.plan import VERSION, VIEWS
from trunkline.worker.projections.table import Table

_HEAD = f"""\
# Views

<!-- Made from `trunkline.worker.projections` by `python -m scripts.pages`; edit the rows, not this page. -->

`DATA/views.db` is a SQLite database with tables made from [the journal](journal.md) by the worker, for whoever asks
many questions: dashboards, reports, your own programs. It holds nothing that the journal does not, and may be deleted
while no worker runs: the next start makes it anew. These tables have version {VERSION} (`PRAGMA user_version`); a
worker that knows another one makes them anew by itself.

Open it for reading only: `sqlite3 'file:data/views.db?mode=ro'`. It is a link to the generation in use (`views-1.db`,
…). `./trunkline worker --rebuild --data DIR` writes a new generation beside it and turns the link over in the end;
whoever has the old one open goes on reading it, and sees the new one when it opens the link again.

- `ring_ms`, `duration_ms`, `call_ms`, `took_ms`, `confirm_took_ms`, `after_ms`, `deadline_ms` and `queued_ms` are
  lengths of time in milliseconds. The other `…_ms` are instants: milliseconds since 1970-01-01 UTC.
- Amounts (`…_minor`) are whole minor units (cents) of `currency`. Null: nothing is owed.
- Flags (`duplicate`, `held`, `loss`, `sent`, `settled`, `test`) are 0 or 1.
- Outcomes and reasons are those of [calls](calls.md) and [reasons](reasons.md).

**No number, name or field of a person is in these tables.** `contact` is the keyed hash under which the journal knows
whoever called; erasing a contact erases what it sealed in the journal, and there is nothing here to erase. Look a
number up in the journal by `call`: `./trunkline trace ID --data DIR`. What buyers say in their own words (`reason` of
attempts and deliveries) has a mark in the place of numbers and mail addresses; `buyers_id` is the buyer's own.

`./trunkline worker --status --data DIR` says how far the tables are behind the journal and which process keeps them,
with `--json` for programs: `version`, `seq` (null: none of this version), `behind`, `worker`. `doctor` warns when they
are more than 10,000 events behind.

Table `position` says how far the tables were made: `seq` of `stream`, whose row has the hash `mark`. It changes in the
same transaction as the rows.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_table(table) for table in VIEWS.tables)])


def _table(table: Table[Any]) -> str:
    doc = " ".join((table.row.__doc__ or "").split())
    return "\n".join([f"## {table.name}", "", doc, "", "| column | type | |", "|---|---|---|", *_rows(table), ""])


def _rows(table: Table[Any]) -> Iterator[str]:
    for line in table.create.splitlines()[1:-1]:
        name, kind, *rest = line.strip().rstrip(",").split()
        more = "key" if "PRIMARY" in rest else "" if rest else "may be null"
        yield f"| `{name}` | {kind.lower()} | {more} |"
    yield ""
    yield f"Indexes: {', '.join(map(_index, table.indexes))}."


def _index(sql: str) -> str:
    columns, _, where = sql.partition("(")[2].partition(")")
    return f"`{columns}`" + (f" (rows with `{where.removeprefix(' WHERE ')}`)" if where else "")
