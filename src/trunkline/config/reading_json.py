"""Reads JSON (RFC 8259) into a `Tree`: numbers and true/false stay text as they are written, lines are kept."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from json.decoder import JSONDecodeError
from typing import Any

from trunkline.config.tree_builder import TreeBuilder, Unreadable

_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z_.])|(?:true|false|null)\b")
_scan_string: Any = json.decoder.scanstring  # type: ignore[attr-defined]  # part of json, missing in its stub
_HINT = "check commas, brackets and quotes around this line"


class JsonReader:
    """One pass over `text`, telling `builder` what it sees. The stack holds the bracket each open level ends with."""

    __slots__ = ("_at", "_builder", "_ends", "_line_starts", "_text")

    def __init__(self, text: str, builder: TreeBuilder) -> None:
        self._text = text
        self._builder = builder
        self._at = 0
        self._ends: list[str] = []
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def run(self) -> None:
        """Read the whole text. Raises `Unreadable` at the first thing that is no JSON."""
        self._skip_space()
        if self._at == len(self._text):
            return
        self._value()
        while self._ends:
            self._next_in_container()
        self._skip_space()
        if self._at < len(self._text):
            raise self._no_json("something follows the end of the document")

    def _next_in_container(self) -> None:
        """After a value, inside a list or mapping: its end, or a comma and the next value."""
        self._skip_space()
        found = self._peek()
        if found == self._ends[-1]:
            self._close()
        elif found == ",":
            self._at += 1
            self._skip_space()
            self._member()
        else:
            raise self._no_json(f"a comma or {self._ends[-1]} is missing")

    def _member(self) -> None:
        if self._ends[-1] == "}":
            if self._peek() != '"':
                raise self._no_json("a key in double quotes is missing")
            self._string()
            self._skip_space()
            if self._peek() != ":":
                raise self._no_json("a colon is missing after the key")
            self._at += 1
            self._skip_space()
        self._value()

    def _value(self) -> None:
        found = self._peek()
        if found == '"':
            self._string()
        elif found in {"{", "["}:
            self._open(found)
        else:
            word = _WORD.match(self._text, self._at)
            if word is None:
                raise self._no_json("a value is missing or not written as JSON")
            self._builder.scalar(None if word[0] == "null" else word[0], self._line())
            self._at = word.end()

    def _open(self, bracket: str) -> None:
        if bracket == "{":
            self._builder.open_mapping(self._line())
        else:
            self._builder.open_list(self._line())
        self._ends.append("}" if bracket == "{" else "]")
        self._at += 1
        self._skip_space()
        if self._peek() == self._ends[-1]:
            self._close()
        else:
            self._member()

    def _close(self) -> None:
        self._ends.pop()
        self._builder.close()
        self._at += 1

    def _string(self) -> None:
        line = self._line()
        try:
            value, self._at = _scan_string(self._text, self._at + 1, True)
            value.encode("utf-8")
        except JSONDecodeError as error:
            self._at = error.pos
            raise self._no_json(error.msg) from error
        except UnicodeEncodeError as error:
            raise self._no_json("a text holds half of a surrogate pair") from error
        self._builder.scalar(value, line)

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None, "the pattern matches the empty text"
        self._at = found.end()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_right(self._line_starts, self._at)

    def _no_json(self, words: str) -> Unreadable:
        return Unreadable("not_json", f"this is no JSON: {words}", self._line(), _HINT)
