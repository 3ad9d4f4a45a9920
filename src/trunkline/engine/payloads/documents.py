"""An answer of somebody else, JSON or XML, of which single values are asked by path."""

from __future__ import annotations

from typing import Any, Final

from trunkline.config.xml_paths import is_xml_path
from trunkline.engine.payloads.json_values import find, read_json, words
from trunkline.engine.payloads.xml_values import find_xml, read_xml
from trunkline.kernel.http import Answer

SHOWN_MAX: Final = 200
"""Characters of others' words that are kept."""
_UNREAD: Final = object()


class Unusable(ValueError):
    """What stands in an answer is nothing that could stand there: a list for an amount, a number that nobody means."""


class Document:
    """An answer. It is parsed when the first value is asked for, and once."""

    __slots__ = ("_body", "_json", "_xml", "status")

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self._body = answer.body
        self._json: Any = _UNREAD
        self._xml: Any = _UNREAD

    @property
    def json(self) -> Any:
        """The JSON of the answer; None when it is none."""
        if self._json is _UNREAD:
            self._json = read_json(self._body)
        return self._json

    @property
    def xml(self) -> Any:
        """The outermost element of the answer; None when it is no XML."""
        if self._xml is _UNREAD:
            self._xml = read_xml(self._body)
        return self._xml

    @property
    def text(self) -> str:
        """The whole answer as text."""
        return self._body.decode(errors="replace")

    def readable(self, path: str) -> bool:
        """Whether the answer is of the kind that the path leads into."""
        return (self.xml if is_xml_path(path) else self.json) is not None

    def value(self, path: str) -> Any:
        """What stands at the path; None when nothing does."""
        if not path:
            return None
        if is_xml_path(path):
            return None if self.xml is None else find_xml(self.xml, path)
        return find(self.json, path)

    def words(self, path: str) -> str | None:
        """The text, number or truth value at the path, as text; None when nothing stands there. Raises Unusable."""
        value = self.value(path)
        if value is None:
            return None
        found = words(value)
        if found is None:
            raise Unusable(f"what stands at {path} is no text and no number that is meant")
        return found


def shown(text: str | None) -> str | None:
    """Somebody else's words as they may be kept: of one line, and not long."""
    if text is None:
        return None
    return "".join(each if each.isprintable() else " " for each in text[:SHOWN_MAX]).strip() or None
