"""Contact lists as files: text is packed in a process of its own, packed lists are read back whole.

Packing a million entries takes seconds of a processor, and in the switch's own process calls would feel every one of
them. The process writes the packed list where it is told, on the disk before it says so; what it could not read it
names.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

import msgspec

from trunkline.config.problems import Problem
from trunkline.config.schema import Snapshot
from trunkline.engine.lists.reading import BadLine, BadList, pack_list
from trunkline.engine.lists.table import ContactList, ListDamaged, ListType
from trunkline.kernel.errors import Fault, TrunklineError

FOLDER: Final = "lists"
"""Below the data folder: packed lists that commands have loaded."""
FILES_FOLDER: Final = "from-files"
"""Below that: those of the configuration's own files."""
PACK_S_MAX: Final = 600
"""How long packing one list may take."""
_NICENESS: Final = 10
_PIECE: Final = 1 << 20
_UNREADABLE: Final = 3
"""Exit code of the process when the text cannot be used."""


class ListUnusable(TrunklineError):
    """The file of a list cannot be read, or lines of it cannot."""

    fault = Fault.OPERATOR


class _Trouble(msgspec.Struct, frozen=True):
    """What the process says of a text that it cannot use."""

    message: str
    hint: str


def read_text(path: Path, kind: ListType) -> ContactList:
    """Pack the text at `path` here and now. Raises ListUnusable."""
    return ContactList(_pack(path, kind))


def pack_aside(source: Path, kind: ListType, destination: Path) -> ContactList:
    """Have the text at `source` packed into the file `destination` by another process. Blocks. Raises ListUnusable."""
    if source.exists() and not source.is_file():
        raise ListUnusable(f"{source} is no file", hint="a pipe may never end: write it to a file first")
    destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "trunkline.switch.list_files", kind, str(source), str(destination)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PACK_S_MAX, check=False)
    except subprocess.TimeoutExpired as error:
        raise ListUnusable(f"{source} was not packed within {PACK_S_MAX} s", hint="split the list") from error
    if done.returncode == _UNREADABLE:
        trouble = msgspec.json.decode(done.stdout, type=_Trouble)
        raise ListUnusable(trouble.message, hint=trouble.hint)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ListUnusable(
            f"{source} could not be packed: {said[-1] if said else f'exit code {done.returncode}'}",
            hint="is there room on the disk and in memory?",
        )
    return read_packed(destination)


def read_packed(path: Path) -> ContactList:
    """A packed list, whole. Raises ListUnusable."""
    try:
        held = ContactList(path.read_bytes())
    except OSError as error:
        raise ListUnusable(f"{path} cannot be read: {error.strerror or error}") from error
    except ListDamaged as error:
        raise ListUnusable(f"{path}: {error}", hint="load the list again") from error
    if not held.is_whole():
        raise ListUnusable(f"{path} was changed after it was written", hint="load the list again")
    return held


def lists_of(snapshot: Snapshot, cache: Path | None) -> dict[str, dict[str, ContactList]]:
    """The lists that a configuration reads from files, by account and key. Raises ListUnusable naming the list.

    With a `cache` folder packed lists are kept there by what they were made of, and made by another process; what the
    configuration does not use any more is deleted. Without, everything is packed here.
    """
    found: dict[str, dict[str, ContactList]] = {}
    used: set[str] = set()
    for config in snapshot.accounts:
        for each in config.lists:
            if each.file is None:
                continue
            source = Path(snapshot.base) / each.file
            try:
                held = read_text(source, each.type) if cache is None else _cached(source, each.type, cache, used)
            except ListUnusable as error:
                raise ListUnusable(
                    f"list {each.key} of {config.account.key}: {error.message}", hint=error.hint
                ) from error
            found.setdefault(config.account.key, {})[each.key] = held
    if cache is not None and cache.is_dir():
        for stale in cache.iterdir():
            if stale.name not in used:
                stale.unlink(missing_ok=True)
    return found


def cache_of(data: Path) -> Path:
    """Where packed lists of the configuration's own files are kept, in the data folder `data`."""
    return data / FOLDER / FILES_FOLDER


def files_of_lists(snapshot: Snapshot) -> tuple[str, ...]:
    """The paths of the files whose change changes a list."""
    named = [each.file for config in snapshot.accounts for each in config.lists]
    return tuple(str(Path(snapshot.base) / file) for file in named if file is not None)


def problem_of(error: ListUnusable) -> Problem:
    """The error as a problem of the configuration that names the file."""
    return Problem(path="lists", severity="error", code="bad_list", message=error.message, hint=error.hint)


def _cached(source: Path, kind: ListType, cache: Path, used: set[str]) -> ContactList:
    name = f"{_digest_of(source)}.{kind}"
    used.add(name)
    try:
        return read_packed(cache / name)
    except ListUnusable:  # not there yet, or damaged: the text is what counts
        return pack_aside(source, kind, cache / name)


def _digest_of(source: Path) -> str:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise _missing(source, error) from error
    return digest.hexdigest()


def _pack(path: Path, kind: ListType) -> bytes:
    try:
        with path.open(encoding="utf-8") as lines:
            return pack_list(kind, lines)
    except OSError as error:
        raise _missing(path, error) from error
    except UnicodeDecodeError as error:
        raise ListUnusable(f"{path} is no UTF-8 text", hint="one entry a line") from error
    except BadList as error:
        raise ListUnusable(
            f"{path}: {error.count} line{'s' if error.count != 1 else ''} cannot be read: {_told(error.shown)}",
            hint="nothing of a list is used before all of it can be read",
        ) from error


def _missing(path: Path, error: OSError) -> ListUnusable:
    return ListUnusable(f"{path} cannot be read: {error.strerror or error}", hint="is the file there, and readable?")


def _told(shown: Iterable[BadLine]) -> str:
    return "; ".join(f"line {bad.number} {bad.text!r}: {bad.why}" for bad in shown)


def _main(arguments: list[str]) -> int:
    """The other process: pack the text and put it in its place, whole or not at all."""
    kind, source, destination = cast(ListType, arguments[0]), Path(arguments[1]), Path(arguments[2])
    os.nice(_NICENESS)
    try:
        data = _pack(source, kind)
    except ListUnusable as error:
        sys.stdout.buffer.write(msgspec.json.encode(_Trouble(error.message, error.hint)))
        return _UNREADABLE
    fresh = destination.with_name(f"{destination.name}.{os.getpid()}")
    with fresh.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(destination)
    folder = os.open(destination.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
