"""A row as the lead that is posted, or why it is not.

What a spreadsheet knows of a cell is used: a number in a ZIP code's column has lost its zeros, which are put back, and
a moment in a day's column is its day. What a spreadsheet has spoilt (`5.12E+09`, `#N/A`) is not guessed at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from trunkline.worker.batch.columns import ESCAPE, Column, Columns
from trunkline.worker.batch.rows import Cell, Row, RowCode, RowError, Typed, column_name, text_of

BODY_BYTES_MAX: Final = 60_000
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", ESCAPE)
_SPOILT: Final = frozenset(
    "#N/A #REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL! #CALC! #GETTING_DATA #FIELD! #BLOCKED! #UNKNOWN!".split()
)
_ROUNDED: Final = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_WHOLE: Final = re.compile(r"[0-9]+")


class LeadRow(msgspec.Struct, frozen=True):
    """A row that can be posted: its number, the body of the post, and its cells as they stand in the file."""

    number: int
    body: dict[str, Any]
    cells: tuple[str, ...]


class BadRow(msgspec.Struct, frozen=True):
    """A row that cannot."""

    number: int
    errors: tuple[RowError, ...]
    cells: tuple[str, ...]


class Reader:
    """Rows of one file into leads of one campaign."""

    def __init__(self, columns: Columns, campaign: str, *, source: str | None = None, test: bool = False) -> None:
        """`source` is that of rows which have none of their own; `test` leads are never sold."""
        self._columns = columns
        self._campaign = campaign
        self._source = source
        self._test = test

    def read(self, row: Row) -> LeadRow | BadRow:
        """The row as a lead."""
        cells = self._unescaped(row.cells)
        texts = tuple(text_of(cell) for cell in cells)
        errors = list(_misshapen(cells, self._columns.all))
        parts: dict[str, dict[str, str]] = {"field": {}, "source": {}, "consent": {}}
        for column in () if errors else self._columns.sent:
            value = _value(cells[column.place], column, errors)
            if value and column.part is not None:
                parts[column.part][column.sent_as] = value
        body: dict[str, Any] = {"campaign": self._campaign, "fields": parts["field"]}
        source = parts["source"].get("source", self._source)
        if source:
            body["source"] = source
        if parts["consent"]:
            body["consent"] = parts["consent"]
        if self._test:
            body["test"] = True
        if not errors and len(msgspec.json.encode(body)) > BODY_BYTES_MAX:
            errors.append(RowError("", RowCode.TOO_LONG, f"The row has more than {BODY_BYTES_MAX} bytes."))
        return BadRow(row.number, tuple(errors), texts) if errors else LeadRow(row.number, body, texts)

    def _unescaped(self, cells: Sequence[Cell]) -> tuple[Cell, ...]:
        if not self._columns.escaped:
            return tuple(cells)
        return tuple(cell.removeprefix(ESCAPE) if isinstance(cell, str) else cell for cell in cells)


def key_of(digest: str, campaign: str, row: int, *, test: bool = False) -> str:
    """The idempotency key of a row: the same file for the same campaign asks for the same lead again."""
    named = f"{digest}\n{campaign}\n{row}\n{'test' if test else ''}"
    return f"batch-{hashlib.sha256(named.encode()).hexdigest()[:40]}"


def escaped(text: str) -> str:
    """A cell for a file that people open in a spreadsheet: never a formula, and exactly restored when it is read."""
    return ESCAPE + text if text.startswith(FORMULAS) else text


def _misshapen(cells: Sequence[Cell], columns: Sequence[Column]) -> Sequence[RowError]:
    """A row of another width is often the half of one: a line end that nobody quoted. None of it is sent."""
    if len(cells) > len(columns) and any(text_of(cell).strip() for cell in cells[len(columns) :]):
        message = f"The row has {len(cells)} values, and there are {len(columns)} columns."
        return [RowError(column_name(len(columns)), RowCode.TOO_MANY_VALUES, message)]
    if len(cells) < len(columns):
        first = columns[len(cells)]
        message = f"The row has {len(cells)} values for {len(columns)} columns: none for {first.name or 'the last'}."
        return [RowError(first.name or column_name(first.place), RowCode.MISSING_VALUES, message)]
    return ()


def _value(cell: Cell, column: Column, errors: list[RowError]) -> str:
    kind = None if column.field is None else column.field.type
    if isinstance(cell, Typed):
        return _of_spreadsheet(cell, kind)
    text = cell.strip()
    if "\ufffd" in text or any("\udc80" <= each <= "\udcff" for each in text):
        message = "The cell holds bytes that are no characters of the file's encoding."
        errors.append(RowError(column.name, RowCode.BAD_ENCODING, message))
    elif text.upper() in _SPOILT:
        message = f"The spreadsheet could not work out this cell: {text}."
        errors.append(RowError(column.name, RowCode.SPREADSHEET_ERROR, message))
    elif kind in {"phone", "zip"} and _ROUNDED.fullmatch(text):
        message = f"A spreadsheet has rounded this number to {text}. Format the column as text, and fill it in again."
        errors.append(RowError(column.name, RowCode.ROUNDED, message))
    return text


def _of_spreadsheet(cell: Typed, kind: str | None) -> str:
    if kind == "zip" and cell.kind == "number" and _WHOLE.fullmatch(cell.text):
        return cell.text.zfill(5 if len(cell.text) <= 5 else 9)
    if kind == "date" and cell.kind == "moment":
        return cell.text.partition("T")[0]
    if kind == "yes_no" and cell.kind == "number" and cell.text in {"0", "1"}:
        return "yes" if cell.text == "1" else "no"
    return cell.text
