"""The file of an import: one that can be read twice, its digest, what kind of file it is, and whether it changes.

The digest is what a row's idempotency key is made of, so the file must not change between the look that made it and the
reading of the last row.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self

import msgspec

from trunkline.worker.batch.rows import BadFile

TEXT_BYTES_MAX: Final = 4 * 1024**3
SHEET_BYTES_MAX: Final = 100 * 1024**2
_PIECE: Final = 1 << 20
_HEAD_BYTES: Final = 4_096
_UNDECODED: Final = re.compile("[\udc80-\udcff]+")
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f\udc80-\udcff]+")
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Kind = Literal["text", "sheet"]


class Look(msgspec.Struct, frozen=True):
    """What one look over the whole file found. `utf8` says how many bytes are none, and how many characters are."""

    digest: str
    size: int
    head: bytes
    undecoded: int
    beyond_ascii: int


class SourceFile:
    """A file of leads, open for reading. A context manager."""

    def __init__(self, path: Path) -> None:
        """Open and look at all of it. Raises BadFile."""
        self.path = path
        if path.exists() and not path.is_file():
            raise BadFile(f"{path} is no file", hint="a pipe cannot be gone on with: write it to a file first")
        try:
            self.stream: BinaryIO = path.open("rb")
        except OSError as error:
            raise BadFile(f"{path} cannot be read: {error.strerror}") from error
        try:
            self._mark = self._now()
            self.look = _look(self.stream, path)
            self.kind: Kind = _kind(self.look, path)
        except BaseException:
            self.stream.close()
            raise

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.stream.close()

    def must_be_unchanged(self) -> None:
        """Raise BadFile when somebody has written to the file since it was opened."""
        if self._now() != self._mark:
            raise BadFile(
                f"{self.path} is being changed while it is read",
                hint="rows would be told apart wrongly: import a file that nobody writes to",
            )

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self.stream.fileno())
        return status.st_size, status.st_mtime_ns


def _look(stream: BinaryIO, path: Path) -> Look:
    sum_ = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    head, size, undecoded, beyond_ascii = b"", 0, 0, 0
    while piece := stream.read(_PIECE):
        head = head or piece[:_HEAD_BYTES]
        size += len(piece)
        if size > TEXT_BYTES_MAX:
            raise BadFile(f"{path} has more than {TEXT_BYTES_MAX >> 30} GB", hint="split it into several files")
        sum_.update(piece)
        text = decoder.decode(piece)
        if not text.isascii():
            undecoded += sum(len(found) for found in _UNDECODED.findall(text))
            beyond_ascii += sum(len(found) for found in _BEYOND_ASCII.findall(text))
    undecoded += len(decoder.decode(b"", final=True))
    if not size:
        raise BadFile(f"{path} is empty", hint="its first row must name the columns")
    return Look(sum_.hexdigest(), size, head, undecoded, beyond_ascii)


def _kind(look: Look, path: Path) -> Kind:
    if look.head.startswith(_OLE):
        raise BadFile(
            f"{path} is an old or an encrypted spreadsheet",
            hint="save it as .xlsx, .ods or .csv, without a password",
        )
    if not look.head.startswith(_ZIP):
        return "text"
    if look.size > SHEET_BYTES_MAX:
        raise BadFile(
            f"{path} has more than {SHEET_BYTES_MAX >> 20} MB", hint="save it as .csv, which is read row by row"
        )
    return "sheet"
