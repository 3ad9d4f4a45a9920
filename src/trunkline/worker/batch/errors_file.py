"""The rows that were not taken, with why, in a CSV that can be repaired and posted as it is.

People open it in a spreadsheet, where a cell that begins with `=` would run as a formula: such cells get a mark in
front, which is taken off when the file is posted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from trunkline.kernel.errors import EnvironmentFault
from trunkline.worker.batch.columns import OWN_COLUMNS, Columns
from trunkline.worker.batch.leads import escaped
from trunkline.worker.batch.rows import RowError

SUFFIX: Final = ".errors.csv"
_JOINT: Final = "; "


class ErrorsUnwritable(EnvironmentFault):
    """The file of errors cannot be written."""


class ErrorsFile:
    """Made when there is a first error. A context manager."""

    def __init__(self, path: Path, columns: Columns, *, going_on: bool) -> None:
        """`going_on` adds to what the import wrote before it was interrupted; else the file is made anew."""
        self.path = path
        self.written = 0
        self._kept = tuple(column for column in columns.all if column.name.casefold() not in OWN_COLUMNS)
        self._width = len(columns.all)
        self._going_on = going_on
        self._told = _rows_in(path) if going_on else set[str]()
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._stream is not None:
            self._stream.close()

    def add(self, row: int, errors: Sequence[RowError], cells: Sequence[str]) -> None:
        """One row with all that is wrong with it. Raises ErrorsUnwritable."""
        self.written += 1
        if str(row) in self._told:
            return  # it was written, and the import ended before it was noted as done
        own = [str(row)] + [_JOINT.join(dict.fromkeys(each)) for each in zip(*map(_parts, errors), strict=True)]
        theirs = [cells[column.place] if column.place < len(cells) else "" for column in self._kept]
        self._write([escaped(cell) for cell in (*own, *theirs, *cells[self._width :])])

    def _write(self, cells: list[str]) -> None:
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        try:
            if self._stream is None:
                self._stream = self._open()
            self._stream.write(line.getvalue())
            self._stream.flush()
        except OSError as error:
            raise ErrorsUnwritable(
                f"{self.path} cannot be written: {error.strerror}", hint="say with --errors where it can be"
            ) from error

    def _open(self) -> TextIO:
        again = self._going_on and self.path.exists()
        stream = self.path.open("a" if again else "w", encoding="utf-8", errors="replace", newline="")
        if not again:
            header = io.StringIO()
            csv.writer(header).writerow([*OWN_COLUMNS, *(escaped(column.name) for column in self._kept)])
            stream.write("\ufeff" + header.getvalue())  # the mark by which spreadsheets know UTF-8
        return stream


def _parts(error: RowError) -> tuple[str, str, str]:
    return error.field, error.code, error.message


def _rows_in(path: Path) -> set[str]:
    """The rows that a file of errors names already."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            return {cells[0] for cells in csv.reader(stream) if cells}
    except FileNotFoundError:
        return set()
    except (OSError, csv.Error) as error:
        raise ErrorsUnwritable(f"{path} cannot be gone on with: {error}", hint="move it away") from error
