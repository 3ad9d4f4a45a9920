"""CSV as the world writes it: any of four separators, UTF-8, UTF-16 or Windows-1252, lines inside quotes.

The whole file is read once before anything is posted: what is wrong with its structure (a quote that nobody closes)
could only be repaired in the file, and a changed file is another import. Memory is that of one row.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Final

import msgspec

from trunkline.worker.batch.rows import COLUMNS_MAX, ROWS_MAX, BadFile, Row
from trunkline.worker.batch.source import Look, SourceFile

SEPARATORS: Final = ",;\t|"
FIELD_LENGTH_MAX: Final = 131_072
"""Characters of one cell: what Python's `csv` takes, and four times what a spreadsheet does."""
RECORD_LENGTH_MAX: Final = 1_000_000
"""Characters of one row with all its lines."""
_SAMPLE_RECORDS: Final = 200
_SAMPLE_BYTES: Final = 262_144
_WIDE_SHARE: Final = 0.6
"""In UTF-16 every other byte of Latin text is zero."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is written. `told` is whether its first line was only `sep=;`, as Excel has it."""

    encoding: str
    separator: str
    told: bool = False


def dialect_of(source: SourceFile, encoding: str | None = None, separator: str | None = None) -> Dialect:
    """How the file is written; what is not said is found out. Raises BadFile."""
    encoding = _encoding_of(source.look, source) if encoding is None else _known(encoding)
    source.stream.seek(0)
    with suppress(EOFError):
        sample = codecs.getincrementaldecoder(encoding)("replace").decode(source.stream.read(_SAMPLE_BYTES))
    first = sample.partition("\n")[0].rstrip("\r")
    if first.lower().startswith("sep=") and len(first) == len("sep=") + 1:
        return Dialect(encoding=encoding, separator=separator or first[-1], told=True)
    return Dialect(encoding=encoding, separator=separator or _separator_of(sample))


def records(source: SourceFile, dialect: Dialect) -> Generator[Row, None, None]:
    """Every record that is not blank, the header first; blank ones are counted. Raises BadFile.

    Bytes that are no text become single surrogates, or U+FFFD where the encoding has no such way.
    """
    source.stream.seek(0)
    escapes = "replace" if dialect.encoding.startswith("utf-16") else "surrogateescape"
    text = io.TextIOWrapper(source.stream, encoding=dialect.encoding, errors=escapes, newline="")
    lines = _Lines(text)
    try:
        if dialect.told:
            next(lines)
        reader = csv.reader(lines, delimiter=dialect.separator, strict=True)
        number = 0
        while True:
            number, lines.length = number + 1, 0
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise _misquoted(source, number, lines.number, error) from error
            if cells is None:
                return
            if number > ROWS_MAX:
                raise BadFile(f"{source.path} has more than {ROWS_MAX} rows", hint="split it into several files")
            if len(cells) > COLUMNS_MAX:
                raise BadFile(f"{source.path}, row {number}: more than {COLUMNS_MAX} values")
            if any(map(str.strip, cells)):
                yield Row(number, tuple(cells))
    finally:
        text.detach()


class _Lines:
    """The lines of a text, each of them and each record of a bounded length."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.length = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(RECORD_LENGTH_MAX + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.length += len(line)
        if self.length > RECORD_LENGTH_MAX:
            raise csv.Error(f"more than {RECORD_LENGTH_MAX} characters")
        return line


def _misquoted(source: SourceFile, row: int, line: int, error: csv.Error) -> BadFile:
    words = str(error)
    if "field larger" in words or "unexpected end" in words or "characters" in words:
        what = "a quote is opened and not closed, or a cell is longer than any form takes"
    else:
        what = "something follows a closing quote"
    return BadFile(
        f"{source.path}, row {row} (it ends before line {line + 1}): {what}",
        hint="write a quote inside a quoted cell twice; nothing was posted",
    )


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise BadFile(f"there is no encoding {encoding!r}", hint="such as utf-8, utf-16, windows-1252") from None


def _encoding_of(look: Look, source: SourceFile) -> str:
    if look.head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if look.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in look.head:
        for encoding, zeros in (("utf-16-le", look.head[1::2]), ("utf-16-be", look.head[0::2])):
            if zeros.count(0) > _WIDE_SHARE * len(zeros):
                return encoding
        raise BadFile(f"{source.path} is no text", hint="CSV, .xlsx, .ods, or one lead in JSON can be read")
    # A file of UTF-8 with a few broken characters is not taken for one of another encoding: those rows are named.
    return "cp1252" if look.undecoded > look.beyond_ascii else "utf-8"


def _separator_of(sample: str) -> str:
    """The separator by which most records have as many cells as the first, and more than one."""
    best, separator = (0.0, 1), SEPARATORS[0]
    for candidate in SEPARATORS:
        widths: list[int] = []
        with suppress(csv.Error):
            for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=candidate):
                if any(map(str.strip, cells)):
                    widths.append(len(cells))
                if len(widths) >= _SAMPLE_RECORDS:
                    break
        whole = widths[:-1] or widths  # the last may be cut
        if whole and whole[0] > 1:
            found = (whole.count(whole[0]) / len(whole), whole[0])
            if found > best:
                best, separator = found, candidate
    return separator
