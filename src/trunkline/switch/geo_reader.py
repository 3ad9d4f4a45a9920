"""Reads a table of area codes or exchanges in a process of its own: `python -m trunkline.switch.geo_reader FILE`.

A hundred thousand rows are seconds of work, and no call waits for them; what a stranger's file does to memory or time
it does here. The answer goes to standard output as MessagePack, why there is none to standard error as JSON.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

import msgspec

from trunkline.engine.geo.imports import BYTES_MAX, RowProblem, UnusableImport, read_import

MEMORY_MAX: Final = 3 << 30
REFUSED: Final = 3
"""The exit code that comes with `Reason`."""


class Reason(msgspec.Struct, frozen=True):
    """Why a file is not taken, and its first rows that are wrong."""

    message: str
    problems: tuple[RowProblem, ...] = ()


def read(path: Path) -> bytes:
    """The bytes of a file, one more than the most that is taken at the most. Raises UnusableImport."""
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        raise UnusableImport(f"it cannot be read: {error.strerror or error}") from error


def main() -> int:
    """Read the file that the argument names."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = Path(sys.argv[1])
    try:
        imported = read_import(read(path), path.name)
    except UnusableImport as error:
        reason = Reason(str(error), error.problems)
    except MemoryError:
        reason = Reason("it needs too much memory")
    else:
        sys.stdout.buffer.write(msgspec.msgpack.encode(imported))
        return 0
    sys.stderr.buffer.write(msgspec.json.encode(reason))
    return REFUSED


if __name__ == "__main__":
    raise SystemExit(main())
