"""A file of leads as a table, whatever it is written in: its header, how many rows it has, and the rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from trunkline.worker.batch.csv_file import dialect_of, records
from trunkline.worker.batch.rows import BadFile, Row
from trunkline.worker.batch.sheet_file import Sheet
from trunkline.worker.batch.source import SourceFile

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Table:
    """The rows of one file. A context manager. CSV is read through once when it is opened, for errors of structure."""

    def __init__(
        self,
        source: SourceFile,
        *,
        encoding: str | None = None,
        separator: str | None = None,
        sheet: str | None = None,
    ) -> None:
        """What is not said of the file is found out. Raises BadFile."""
        self._source = source
        self._sheet: Sheet | None = None
        if source.kind == "sheet":
            self._sheet = Sheet(source, sheet)
            head = self._sheet.head
            others = f"; not read: {', '.join(head.others)}" if head.others else ""
            self.described = f"sheet {head.sheet!r}{others}"
            self.rows = max(head.rows - 1, 0)
            self._records = self._sheet.records()
            with suppress(StopIteration):
                self.header = next(self._records)
                return
            self.close()
            raise BadFile(f"{source.path}, sheet {head.sheet!r} is empty", hint="its first row must name the columns")
        self._dialect = dialect_of(source, encoding, separator)
        written = self._dialect.encoding.replace("cp1252", "Windows-1252").replace("utf-8-sig", "utf-8").upper()
        self.described = f"{written}, separated by {_SEPARATORS.get(self._dialect.separator, self._dialect.separator)}"
        self.rows = sum(1 for _ in records(source, self._dialect)) - 1
        if self.rows < 0:
            raise BadFile(f"{source.path} holds nothing", hint="its first row must name the columns")
        self._records = records(source, self._dialect)
        self.header = next(self._records)

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def body(self) -> Iterator[Row]:
        """The rows below the header, once. Raises BadFile, also when the file is changed meanwhile."""
        for row in self._records:
            self._source.must_be_unchanged()
            yield row

    def close(self) -> None:
        """Read no more."""
        self._records.close()
        if self._sheet is not None:
            self._sheet.close()
