"""What a file of leads holds: a header, and rows of cells that know what a spreadsheet knew of them.

Rows bear the numbers that a spreadsheet shows: the header of a file without blank lines is row 1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

from trunkline.kernel.errors import Fault, TrunklineError

COLUMNS_MAX: Final = 500
ROWS_MAX: Final = 5_000_000


class BadFile(TrunklineError):
    """The file cannot be read as a table of leads; nothing of it was posted."""

    fault = Fault.OPERATOR


class Typed(msgspec.Struct, frozen=True, array_like=True):
    """A cell that is no text: a number in plain digits, yes or no, a day, a moment or a time of day (ISO 8601)."""

    kind: Literal["number", "yes_no", "day", "moment", "time"]
    text: str


Cell = str | Typed
"""An empty cell is the empty text."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row, as many cells as it has."""

    number: int
    cells: tuple[Cell, ...]


class RowCode(StrEnum):
    """Why a row is not posted, or what came of it that is no sale; field errors have the codes of the form."""

    TOO_MANY_VALUES = "too_many_values"
    MISSING_VALUES = "missing_values"
    BAD_ENCODING = "bad_encoding"
    SPREADSHEET_ERROR = "spreadsheet_error"
    ROUNDED = "rounded_by_spreadsheet"
    TOO_LONG = "too_long"
    FORGOTTEN = "answer_lost"


class RowError(msgspec.Struct, frozen=True):
    """What is wrong with a row: the field or column (empty: the row as a whole), a code, and words."""

    field: str
    code: str
    message: str


def text_of(cell: Cell) -> str:
    """The cell as text."""
    return cell if isinstance(cell, str) else cell.text


def column_name(place: int) -> str:
    """How a spreadsheet calls the column at `place` (from 0): A, B, … Z, AA."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
