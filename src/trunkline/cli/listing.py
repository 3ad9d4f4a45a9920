"""How the calls and leads of a data folder are listed: as a table, as JSON, and each further one as it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.events.entry import Event, Position, Record
from trunkline.journal.reader import JournalReader

PAGE: Final = 10_000
PIPED_WIDTH: Final = 1_000


class Listed(Protocol):
    """A record that can be listed: it has ended when it has an outcome."""

    @property
    def outcome(self) -> str | None:
        """How it ended."""
        ...


R = TypeVar("R", bound=Listed)


class Listing(msgspec.Struct, Generic[R], frozen=True):
    """One kind of record: titles of texts (those of `whole` are never cut), then of figures; what is said of each."""

    texts: tuple[str, ...]
    figures: tuple[str, ...]
    whole: frozenset[str]
    empty: str
    cells: Callable[[R], Sequence[str]]
    fields: Callable[[R], Mapping[str, object]]

    def show_all(self, records: Sequence[R], *, as_json: bool) -> None:
        """List all of them."""
        if as_json:
            sys.stdout.write(msgspec.json.encode([self.fields(each) for each in records]).decode() + "\n")
            return
        if not records:
            sys.stdout.write(f"{self.empty}\n")
            return
        piped = not sys.stdout.isatty()  # then one record is one line, for tools that read lines
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in self.texts:
            table.add_column(title, no_wrap=piped or title in self.whole)
        for title in self.figures:
            table.add_column(title, justify="right")
        for each in records:
            table.add_row(*self.cells(each))
        Console(width=PIPED_WIDTH if piped else None).print(table)

    def show_one(self, record: R, *, as_json: bool) -> None:
        """One line for a record that has ended."""
        if as_json:
            line = msgspec.json.encode(self.fields(record)).decode()
        else:
            line = "  ".join(cell for cell in self.cells(record) if cell)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def run(
        self,
        data: Path,
        apply: Callable[[Event], R | None],
        known: Callable[[], Sequence[R]],
        ended: Callable[[R], R],
        *,
        as_json: bool,
        follow: bool,
    ) -> None:
        """List what `known` has when all events of the journal were applied; with `follow` each further one instead.

        `ended` gives what is shown of one that has ended.
        """
        with JournalReader(data) as reader:
            last: Position | None = None
            for record in read_all(reader):
                apply(record.event)
                last = record.position
            if not follow:
                self.show_all(known(), as_json=as_json)
                return
            for record in reader.follow(last):
                changed = apply(record.event)
                if changed is not None and changed.outcome is not None:
                    self.show_one(ended(changed), as_json=as_json)


def read_all(reader: JournalReader) -> Iterator[Record]:
    """Every record of a journal, in order."""
    after: Position | None = None
    while records := reader.tail(after, PAGE):
        yield from records
        after = records[-1].position
