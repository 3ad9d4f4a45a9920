"""XLSX and ODS: what their archive would unpack to is measured first, then another process reads the sheet.

The measure does not trust what the archive says of itself: everything in it is unpacked, and thrown away, up to the
limit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import IO, Final

import msgspec

import trunkline
from trunkline.worker.batch.rows import COLUMNS_MAX, ROWS_MAX, BadFile, Cell, Row, text_of
from trunkline.worker.batch.sheet_child import MEMORY_BYTES_MAX, UNREADABLE, SheetHead
from trunkline.worker.batch.source import SourceFile

UNPACKED_BYTES_MAX: Final = 1024**3
MEMBERS_MAX: Final = 10_000
_PIECE: Final = 1 << 18
_SOURCE: Final = str(Path(trunkline.__file__).resolve().parents[1])
"""Where the other process finds this very package."""
_head: Final = msgspec.json.Decoder(SheetHead).decode
_cells: Final = msgspec.json.Decoder(list[Cell]).decode


class Sheet:
    """One sheet that is being read. Close it at the end."""

    def __init__(self, source: SourceFile, wanted: str | None = None) -> None:
        """Begin to read the sheet `wanted`, or the first that is shown. Raises BadFile."""
        self._source = source
        _measure(source)
        search = os.pathsep.join(filter(None, (_SOURCE, os.environ.get("PYTHONPATH"))))
        arguments = [str(source.path), *([] if wanted is None else [wanted])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trunkline.worker.batch.sheet_child", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": search},
        )
        try:
            line = self._output.readline()
            if not line.endswith(b"\n"):
                raise self._failed()
            self.head = _head(line)
            head = self.head
            if head.columns > COLUMNS_MAX or head.rows > ROWS_MAX:
                raise BadFile(
                    f"{source.path}, sheet {head.sheet!r} has {head.rows} rows of {head.columns} columns",
                    hint=f"at most {ROWS_MAX} rows of {COLUMNS_MAX}: delete what lies beyond the leads, or save as CSV",
                )
        except BaseException:
            self.close()
            raise

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def records(self) -> Generator[Row, None, None]:
        """Every row that is not blank, the header first. Raises BadFile."""
        number = 0
        for number, line in enumerate(self._output, start=1):
            if not line.endswith(b"\n"):
                raise self._failed()
            cells = tuple(_cells(line))
            if any(text_of(cell).strip() for cell in cells):
                yield Row(number, cells)
        if self._process.wait():
            raise self._failed(after=number)

    def close(self) -> None:
        """Read no more."""
        self._process.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _failed(self, after: int = 0) -> BadFile:
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        code = self._process.wait()
        where = f"{self._source.path}, after row {after}" if after else str(self._source.path)
        if code == UNREADABLE and said:
            return BadFile(f"{where} cannot be read: {said[-1]}", hint="open it and save it anew, or save it as CSV")
        return BadFile(
            f"{where} needs more than {MEMORY_BYTES_MAX >> 30} GB of memory, or is no sheet (exit {code})",
            hint="a cell far away from the others makes a sheet large: copy the leads to a new one, or save it as CSV",
        )


def _measure(source: SourceFile) -> None:
    """Raise BadFile for an archive that is damaged, or that unpacks to more than `UNPACKED_BYTES_MAX`."""
    source.stream.seek(0)
    total = 0
    try:
        with zipfile.ZipFile(source.stream) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS_MAX:
                raise BadFile(f"{source.path} holds more than {MEMBERS_MAX} files", hint="save it anew, or as CSV")
            for member in members:
                member.file_size = UNPACKED_BYTES_MAX + 1  # what it says of itself need not be so
                with archive.open(member) as stream:
                    while piece := stream.read(_PIECE):
                        total += len(piece)
                        if total > UNPACKED_BYTES_MAX:
                            raise BadFile(
                                f"{source.path} unpacks to more than {UNPACKED_BYTES_MAX >> 20} MB",
                                hint="save it as .csv, which is read row by row",
                            )
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        raise BadFile(f"{source.path} is a damaged or encrypted spreadsheet: {error}", hint="save it anew") from error
