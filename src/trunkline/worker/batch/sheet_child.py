"""Reads one sheet of a spreadsheet and writes its rows as JSON lines: a process of its own, for it may be a bomb.

A few kilobytes can unpack to gigabytes, and one cell in the last row and column asks for billions of cells. This
process may use so much memory and time and no more; when it ends, the import says so. First a line about the sheet,
then a line for each row, from the sheet's first.

    python -m trunkline.worker.batch.sheet_child FILE [SHEET]
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from trunkline.worker.batch.rows import Cell, Typed

MEMORY_BYTES_MAX: Final = 2 * 1024**3
CPU_S_MAX: Final = 600
NICENESS: Final = 10
UNREADABLE: Final = 4
"""Exit code when the sheet cannot be read; the reason is the last line of standard error."""


class SheetHead(msgspec.Struct, frozen=True):
    """The sheet that is read, how large it is, and the other sheets that there are."""

    sheet: str
    rows: int
    columns: int
    others: tuple[str, ...]


def cell_of(value: Any) -> Cell:
    """A value as the reader of spreadsheets gives it, as a cell."""
    match value:
        case str():
            return value
        case bool():
            return Typed("yes_no", "yes" if value else "no")
        case int() | float():
            return Typed("number", _plain(value))
        case datetime():
            return Typed("moment", value.isoformat(timespec="seconds"))
        case date():
            return Typed("day", value.isoformat())
        case time():
            return Typed("time", value.isoformat(timespec="seconds"))
        case timedelta():
            return Typed("number", _plain(value.total_seconds()))
    return ""


def _plain(value: float) -> str:
    """A number without exponent, and without the point that a spreadsheet does not show."""
    text = f"{Decimal(repr(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _read(path: str, wanted: str | None) -> Iterator[Any]:
    with CalamineWorkbook.from_path(path) as book:
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible is SheetVisibleEnum.Visible]
        names = shown or book.sheet_names
        if wanted is not None and wanted not in book.sheet_names:
            raise ValueError(f"there is no sheet {wanted!r}; there are: {', '.join(map(repr, book.sheet_names))}")
        name = wanted if wanted is not None else names[0]
        sheet = book.get_sheet_by_name(name)
        yield SheetHead(name, sheet.total_height, sheet.total_width, tuple(each for each in names if each != name))
        for row in sheet.iter_rows():
            yield [cell_of(value) for value in row]


def main(arguments: list[str]) -> int:
    """Read and write; 4 when it cannot be read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    path, wanted = arguments[0], arguments[1] if len(arguments) > 1 else None
    encode = msgspec.json.Encoder().encode
    try:
        for line in _read(path, wanted):
            sys.stdout.buffer.write(encode(line) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - whatever a hostile file makes the reader raise is said in one line
        sys.stderr.write(f"{' '.join(str(error).split())[:300] or type(error).__name__}\n")
        return UNREADABLE
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
