"""One log of several processes: every line says who, when and how bad, for people or as JSON."""

from __future__ import annotations

import contextlib
import re
from typing import Final, Literal, TextIO

import msgspec

from trunkline.kernel.clock import iso

Form = Literal["text", "json"]
LINE_MAX: Final = 16_384
"""Characters of one line; the rest of a longer one is cut off."""
_LEVELS: Final = {"DEBUG": "debug", "INFO": "info", "WARNING": "warning", "ERROR": "error", "CRITICAL": "error"}
_LOGGED: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) ([\w.]+): (.*)", re.DOTALL)
"""How our processes write when nobody supervises them: their own time, level, logger and words."""


class Word(msgspec.Struct, frozen=True):
    """One line of one process. `logger` is the part of it that spoke, empty when it does not say."""

    at: str
    process: str
    level: str
    logger: str
    message: str


class Reading:
    """Takes the lines of one process and says what they are. A line that is no record goes on with the one before."""

    __slots__ = ("_level", "_process")

    def __init__(self, process: str) -> None:
        self._process = process
        self._level = "info"

    def read(self, line: str, utc_ms: int) -> Word:
        """One line without its end, as it was read at `utc_ms`."""
        line = line[:LINE_MAX]
        found = _LOGGED.fullmatch(line)
        if found is not None and found[1] in _LEVELS:
            self._level = _LEVELS[found[1]]
            return Word(iso(utc_ms), self._process, self._level, found[2], found[3])
        if line.startswith("ready "):
            return Word(iso(utc_ms), self._process, "info", "", line)
        if line.startswith(("error:", "Traceback", "Fatal")):
            self._level = "error"
        return Word(iso(utc_ms), self._process, self._level, "", line)


class Log:
    """Where all of it goes, a line at once. When nobody takes it any more, it is lost, and the processes go on."""

    def __init__(self, stream: TextIO, form: Form) -> None:
        self._stream = stream
        self._form = form

    def write(self, word: Word) -> None:
        """Write one line."""
        if self._form == "json":
            line = msgspec.json.encode(word).decode()
        else:
            logger = f"{word.logger}: " if word.logger else ""
            message = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in word.message)
            line = f"{word.at} {word.process:<6} {word.level:<7} {logger}{message}"
        with contextlib.suppress(OSError):
            self._stream.write(line + "\n")
            self._stream.flush()
