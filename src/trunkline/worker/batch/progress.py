"""What has been posted of a file, kept beside it, so that an import goes on where it ended.

A line for each row that is about to be posted, and one when its answer is there. A row without an answer is posted
again: it has the same idempotency key and is not sold again, as long as the switch remembers that key. A file that was
changed is not gone on with: its rows could not be told apart.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from trunkline.kernel.errors import EnvironmentFault, UsageError
from trunkline.worker.batch.rows import ROWS_MAX

SUFFIX: Final = ".progress"
TEST_SUFFIX: Final = ".test-progress"
LINE_BYTES_MAX: Final = 1_000
ASKED: Final = "asked"
"""What stands in place of a status while there is no answer; behind it, when it was posted (seconds since 1970)."""


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="import", tag_field="trunkline"):
    """The first line: what is being posted, and where to."""

    file: str
    digest: str
    campaign: str
    url: str


class OtherImport(UsageError):
    """The file of progress is of another import; nothing was posted."""


class ProgressUnusable(EnvironmentFault):
    """The file of progress cannot be written, or another import is using it."""


class Progress:
    """An open file of progress, locked. A context manager."""

    def __init__(self, path: Path, begun: Begun) -> None:
        """Open it, or make it. Raises OtherImport and ProgressUnusable."""
        self.path = path
        self.statuses: dict[str, int] = {}
        self.asked: dict[int, int] = {}
        """Rows of earlier runs that were posted and have no answer, and when they first were."""
        self._done = bytearray(ROWS_MAX // 8 + 1)
        self._stream: BinaryIO
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ProgressUnusable(
                f"{path} cannot be written: {error.strerror}", hint="say with --progress where it can be"
            ) from error
        self._stream = os.fdopen(handle, "r+b")
        try:
            self._lock()
            self._read(begun)
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        """The progress itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._stream.close()

    def __len__(self) -> int:
        """How many rows have their answer."""
        return sum(self.statuses.values())

    def has(self, row: int) -> bool:
        """Whether the row has its answer."""
        return bool(self._done[row >> 3] >> (row & 7) & 1)

    def ask(self, row: int, at_s: int) -> None:
        """The row is about to be posted. Raises ProgressUnusable when that cannot be written."""
        if row not in self.asked:
            self._write(f"{row},{ASKED},{at_s}\n")

    def add(self, row: int, status: str, lead: str) -> None:
        """The row has its answer. Raises ProgressUnusable when it cannot be written."""
        self._write(f"{row},{status},{lead}\n")
        self._note(row, status)

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line.encode())
            self._stream.flush()
        except OSError as error:
            raise ProgressUnusable(
                f"{self.path} cannot be written: {error.strerror}", hint="make room, then run the import again"
            ) from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ProgressUnusable(f"another import is using {self.path}", hint="wait for it to end") from error

    def _read(self, begun: Begun) -> None:
        self._stream.seek(0)
        first = self._stream.readline(LINE_BYTES_MAX)
        whole = 0
        if first.endswith(b"\n"):
            self._must_be_of(first, begun)
            whole = len(first)
            while (line := self._stream.readline(LINE_BYTES_MAX)).endswith(b"\n"):
                self._take(line)
                whole += len(line)
        os.ftruncate(self._stream.fileno(), whole)  # the rest of a line that was never finished
        if not whole:
            self._stream.write(msgspec.json.encode(begun) + b"\n")
            self._stream.flush()

    def _take(self, line: bytes) -> None:
        row, _, rest = line.decode(errors="replace").strip().partition(",")
        status, _, more = rest.partition(",")
        if not row.isascii() or not row.isdigit() or not 0 < int(row) <= ROWS_MAX or not status:
            raise OtherImport(f"{self.path} is no file of progress: {line[:60]!r}", hint="move it away")
        if status == ASKED and more.isascii() and more.isdigit():
            self.asked.setdefault(int(row), int(more))
        elif not self.has(int(row)):
            self._note(int(row), status)

    def _note(self, row: int, status: str) -> None:
        self.asked.pop(row, None)
        self._done[row >> 3] |= 1 << (row & 7)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def _must_be_of(self, line: bytes, begun: Begun) -> None:
        try:
            before = msgspec.json.decode(line, type=Begun)
        except msgspec.DecodeError as error:
            raise OtherImport(
                f"{self.path} is no file of progress", hint="move it away, or say another with --progress"
            ) from error
        if before.digest != begun.digest:
            raise OtherImport(
                f"{begun.file} has changed since its import began: its rows would be posted, and sold, once more",
                hint=f"put back what it was; or, when that is meant, move {self.path} away",
            )
        if (before.campaign, before.url) != (begun.campaign, begun.url):
            raise OtherImport(
                f"{self.path} is of an import into {before.campaign} at {before.url}",
                hint="say with --progress where that of this one shall be",
            )
