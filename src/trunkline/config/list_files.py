"""Lists that stand in text files beside the configuration: one value a line, `#` begins a comment.

A file is read once for a configuration, however many criteria name it, and all of them share its values.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from trunkline.config.scalars import BadText

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
VALUES_MAX: Final = 1_000_000
VALUE_LENGTH_MAX: Final = 200
_COMMENT = re.compile(r"(?:^|\s)#.*")
_EXAMPLE = "name a text file inside the folder of the configuration: lists/zips.txt"


class ListFiles:
    """The list files of one configuration. `base` is the folder that they are named from."""

    __slots__ = ("_base", "_values")

    def __init__(self, base: str) -> None:
        self._base = Path(base)
        self._values: dict[str, tuple[str, ...] | BadText] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The files that were asked for, found or not, as paths, so that a change of any of them can be noticed."""
        return tuple(sorted(str(self._base / name) for name in self._values))

    def read(self, name: str) -> tuple[str, ...]:
        """The values of a file in their order, each once. Raises `BadText` when there are none to read."""
        name = name.strip()
        if name not in self._values:
            try:
                self._values[name] = self._read(name)
            except BadText as error:
                self._values[name] = error
        values = self._values[name]
        if isinstance(values, BadText):
            raise values
        return values

    def _read(self, name: str) -> tuple[str, ...]:
        if "\x00" in name:
            raise BadText("bad_file", f"{name!r} is no name of a file", _EXAMPLE)
        try:
            base = self._base.resolve()
            path = (base / name).resolve()
            inside, there = path.is_relative_to(base), path.is_file()
            data = self._content(path) if inside and there else b""
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadText("bad_file", f"{name!r} cannot be read: {reason}", "check its name and permissions") from error
        if not inside:
            raise BadText("bad_file", f"{name!r} is outside the folder of the configuration", _EXAMPLE)
        if not there:
            raise BadText("missing_file", f"there is no file {name!r}", _EXAMPLE)
        if len(data) > FILE_BYTES_MAX:
            raise BadText("too_large", f"{name!r} is larger than {FILE_BYTES_MAX} bytes", "split it into several lists")
        return _values(name, data)

    def _content(self, path: Path) -> bytes:
        """The file's bytes; of one that is too large only enough to see that it is."""
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)


def _values(name: str, data: bytes) -> tuple[str, ...]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = data[: error.start].count(b"\n") + 1
        raise BadText("not_utf8", f"line {place} of {name!r} is no UTF-8", "save the file as UTF-8 text") from error
    found: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        value = (_COMMENT.sub("", line) if "#" in line else line).strip()
        if not value:
            continue
        if len(value) > VALUE_LENGTH_MAX or not value.isprintable():
            message = f"line {number} of {name!r} holds a control character, or more than {VALUE_LENGTH_MAX} characters"
            raise BadText("bad_text", message, "write one value a line")
        found[value] = None
    if not found:
        raise BadText("empty", f"{name!r} holds no value", "write one value a line")
    if len(found) > VALUES_MAX:
        raise BadText("too_large", f"{name!r} holds more than {VALUES_MAX} values", "split it into several lists")
    return tuple(found)
