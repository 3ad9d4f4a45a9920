"""What `trunkline post` shows: a preview, a bar, and what came of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from trunkline.worker.batch.columns import Columns
from trunkline.worker.batch.leads import BadRow, LeadRow

_WIDTH: Final = 60


class Screen:
    """A bar on standard error while rows are posted, when that is a terminal. A context manager."""

    def __init__(self, rows: int, *, quiet: bool) -> None:
        console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("posting", total=rows)

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it as it is."""
        self._bar.stop()

    def show(self, done: int, statuses: Mapping[str, int]) -> None:
        """So many rows are over, and what came of them."""
        told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        self._bar.update(self._task, completed=done, description=told or "posting")

    def summary(self, summary: Mapping[str, Any]) -> None:
        """What came of it, in a few lines."""
        console = Console(highlight=False, soft_wrap=True)
        before = summary.get("posted_before", 0)
        console.print(
            f"{escape(str(summary['file']))}: {summary['rows']} rows for {summary['campaign']}"
            + (f", {before} of them posted before" if before else "")
        )
        for status, count in sorted(summary["statuses"].items(), key=lambda each: -each[1]):
            console.print(f"  {count:>8}  {status}")
        for currency, amount in summary.get("payouts", {}).items():
            console.print(f"  earned {amount} {currency}")
        if summary["errors_file"]:
            console.print(f"Rows to repair, and to post as they are then: {escape(summary['errors_file'])}")


def print_preview(
    file: str, described: str, rows: int, columns: Columns, shown: Sequence[LeadRow | BadRow], form_known: bool
) -> None:
    """How the file is understood: its columns, and its first rows as they would be sent."""
    console = Console(highlight=False)
    console.print(f"{escape(file)}: {rows} rows; {escape(described)}")
    table = Table(title="Columns", title_justify="left")
    for name in ("column", "sent as", "type"):
        table.add_column(name, overflow="fold")
    for column in columns.all:
        kind = "" if column.field is None else column.field.type + (", required" if column.field.required else "")
        sent = escape(column.sent_as) if column.part else f"[dim]not sent: {escape(column.why)}[/]"
        table.add_row(escape(column.shown), sent, kind)
    console.print(table)
    if not form_known:
        console.print("The form is not known here: every column is sent by its name. With --data DIR it is.")
    for row in shown:
        if isinstance(row, BadRow):
            told = "; ".join(f"{error.field}: {error.message}" for error in row.errors)
            console.print(f"row {row.number}: [red]not sent[/]: {escape(told)}", soft_wrap=True)
        else:
            fields = row.body["fields"].items()
            told = ", ".join(f"{name}={value[:_WIDTH]}" for name, value in fields)
            console.print(f"row {row.number}: {escape(told)}", soft_wrap=True)
