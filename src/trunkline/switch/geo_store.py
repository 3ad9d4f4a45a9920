"""Where imports of the numbering plan are kept: `DATA/geo`, one file for each version, and which of them is in force.

Old versions stay for a while: a decision names the version by which it was taken, and can be explained with it.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Final

from trunkline.engine.geo.imports import UnusableImport, read_import
from trunkline.engine.geo.overlay import MAGIC, NO_OVERLAY, Contents, DamagedImport, Overlay, from_bytes, to_bytes
from trunkline.kernel.errors import EnvironmentFault, UsageError

FOLDER: Final = "geo"
CURRENT: Final = "current"
KEPT_MAX: Final = 20
"""Versions that are kept, the one in force included."""

_VERSION = re.compile(r"[0-9a-f]{16}")


class ImportUnreadable(EnvironmentFault):
    """What was imported of the numbering plan cannot be read again."""


class GeoStore:
    """The files below `data`. Blocks: for use in a thread, or before calls are taken."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def load(self) -> Overlay:
        """The import in force. Raises ImportUnreadable."""
        version = self.current()
        return self.read(version) if version else NO_OVERLAY

    def current(self) -> str:
        """The version in force, empty when nothing is imported. Raises ImportUnreadable."""
        try:
            named = (self._folder / CURRENT).read_text().strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ImportUnreadable(f"{self._folder / CURRENT} cannot be read: {error}") from error
        if named and _VERSION.fullmatch(named) is None:
            raise ImportUnreadable(f"{self._folder / CURRENT} names no version", hint="import the files again")
        return named

    def read(self, version: str) -> Overlay:
        """One version. Raises ImportUnreadable."""
        path = self._path(version)
        try:
            overlay = Overlay(from_bytes(path.read_bytes()))
        except (OSError, DamagedImport) as error:
            raise ImportUnreadable(f"{path}: {error}", hint="import the files again: geo import FILE") from error
        if overlay.version != version:
            raise ImportUnreadable(f"{path} holds version {overlay.version}", hint="import the files again")
        return overlay

    def keep(self, contents: Contents, version: str) -> None:
        """Write a version; it is not in force yet. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if version:
            _replace(self._path(version), to_bytes(contents))

    def choose(self, version: str) -> None:
        """Put a version that is kept in force; empty: none. Raises OSError."""
        _replace(self._folder / CURRENT, f"{version}\n".encode())

    def tidy(self, version: str) -> None:
        """Delete the oldest versions that are too many, never `version`. Raises OSError."""
        files = [path for path in self._folder.glob("*.bin") if path.stem != version]
        files.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in files[KEPT_MAX - 1 :]:
            path.unlink(missing_ok=True)

    def _path(self, version: str) -> Path:
        return self._folder / f"{version}.bin"


def _replace(path: Path, content: bytes) -> None:
    """Put a file there whole or not at all, on the disk before it has its name."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_overlay(path: Path) -> Overlay:
    """What `--geo PATH` names: the data folder of a switch, a version that one keeps, or a table that can be imported.

    Raises UsageError for what is none of these, ImportUnreadable for a folder whose import is damaged.
    """
    if path.is_dir():
        return GeoStore(path).load()
    try:
        content = path.read_bytes()
        if content.startswith(MAGIC):
            return Overlay(from_bytes(content))
        return Overlay(read_import(content, path.name).contents)
    except OSError as error:
        raise UsageError(f"--geo {path}: {error.strerror or error}", hint="name a table, or a data folder") from error
    except (UnusableImport, DamagedImport) as error:
        raise UsageError(f"--geo {path}: {error}", hint="docs/reference/geo-data.md says what is read") from error
