"""Finds the files of a configuration on disk and loads them: one file, or `platform.yaml` and `accounts/`."""

from __future__ import annotations

from pathlib import Path

from trunkline.config.load import Loaded, load_sources
from trunkline.config.reading import SIZE_MAX, SUFFIXES, Source
from trunkline.config.voices import Voices
from trunkline.engine.geo.gazetteer import Gazetteer
from trunkline.kernel.errors import UsageError

FILES_MAX = 10_000
"""Account files of one folder."""


def load_path(path: Path, voices: Voices | None = None, base: Path | None = None) -> Loaded:
    """Load the configuration at `path`; its prompts and lists are named from `base`, or else from where it stands.

    Raises `UsageError` when there is nothing there that could be a configuration or a file cannot be opened. What is
    wrong inside the files is in the problems of the result.
    """
    return load_sources(read_sources(path), str(base or base_of(path)), voices, Gazetteer())


def base_of(path: Path) -> Path:
    """The folder that prompt files are named from."""
    return (path if path.is_dir() else path.parent).resolve()


def read_sources(path: Path) -> list[Source]:
    """The files of the configuration at `path` with their content. Raises `UsageError` when there are none to read."""
    try:
        return _read(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> list[Source]:
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}", hint="docs/examples/minimal.yaml is one to start from")
    if path.is_dir():
        return _read_folder(path)
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no configuration file", hint=f"its name must end in {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UsageError(f"{path} is no file", hint="a pipe or a device cannot be looked at again for changes")
    return [Source(str(path), _content(path))]


def files_of(path: Path) -> list[Path]:
    """The files that would be read, platform first, so that a change of any of them can be noticed.

    Raises `OSError` when a folder cannot be looked into.
    """
    if not path.is_dir():
        return [path]
    return _named(path, "platform") + _account_files(path)


def _read_folder(path: Path) -> list[Source]:
    platforms, accounts = _named(path, "platform"), _account_files(path)
    if not platforms and not accounts:
        hint = "a folder holds platform.yaml and accounts/*.yaml; or give a single file"
        raise UsageError(f"{path} holds no configuration", hint=hint)
    if len(platforms) > 1:
        raise UsageError(f"{path} has more than one platform file", hint="keep one of platform.yaml, .yml and .json")
    if not accounts:
        raise UsageError(f"{path} has no account", hint="put at least one file into accounts/")
    if len(accounts) > FILES_MAX:
        raise UsageError(f"{path} has more than {FILES_MAX} accounts", hint="run a second installation")
    sources = [Source(str(file), _content(file), role="platform") for file in platforms]
    return sources + [Source(str(file), _content(file), role="account") for file in accounts]


def _named(path: Path, stem: str) -> list[Path]:
    return [path / f"{stem}{suffix}" for suffix in SUFFIXES if (path / f"{stem}{suffix}").is_file()]


def _account_files(path: Path) -> list[Path]:
    folder = path / "accounts"
    if not folder.is_dir():
        return []
    files = (file for file in folder.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
    return sorted(file for file in files if file.is_file())


def _content(path: Path) -> bytes:
    """The file's bytes; of one that is too large only enough for the reader to see that it is."""
    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be read: {error.strerror or error}", hint="check its permissions")
