"""Reads YAML and JSON text into a `Tree`, with limits on everything and lines for every message.

The YAML is read as a stream of events and put together here, because the usual loaders give scalars types (the
Norway problem), forget lines, let the last of two equal keys win and recurse as deep as a file likes. Anchors and
aliases work; what they expand to is counted against the same limit as everything else, so a file of a few lines
cannot become a billion nodes.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import yaml

from trunkline.config.problems import Findings
from trunkline.config.reading_json import JsonReader
from trunkline.config.tree import Fields
from trunkline.config.tree_builder import DEPTH_MAX, NODES_MAX, TreeBuilder, Unreadable

SIZE_MAX = 10 * 1024 * 1024
"""Bytes of one file."""
SUFFIXES = (".yaml", ".yml", ".json")
"""The names of configuration files end in one of these."""

__all__ = ["DEPTH_MAX", "NODES_MAX", "SIZE_MAX", "SUFFIXES", "Document", "Source", "read"]

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Source(msgspec.Struct, frozen=True):
    """A file as it came: its name, by which messages call it and whose ending says the format, and its content.

    `role` says what may stand in it: in a folder, the platform and each account have files of their own.
    """

    name: str
    data: bytes | str
    role: Literal["both", "platform", "account"] = "both"


class Document(msgspec.Struct, frozen=True):
    """A file that was read: `root` is the mapping at its top, or None when there is none to go on with."""

    name: str
    root: Fields | None
    findings: Findings


def read(source: Source) -> Document:
    """Read one file. Whatever its content, this reports and never raises."""
    builder = TreeBuilder()
    try:
        text = _decode(source.data)
        if source.name.endswith(".json"):
            JsonReader(text, builder).run()
        else:
            _read_yaml(text, builder)
        root = builder.root()
    except Unreadable as error:
        findings = Findings(source.name)
        findings.error((), error.code, error.message, error.hint, line=error.line)
        return Document(source.name, None, findings)
    findings = Findings(source.name, root)
    for notice in builder.notices:
        findings.error(notice.path, notice.code, notice.message, notice.hint, line=notice.line)
    if not isinstance(root, Fields):
        findings.error((), "not_a_mapping", *_TOP_WRONG, line=root.line)
        return Document(source.name, None, findings)
    return Document(source.name, root, findings)


_TOP_WRONG = (
    "the file must hold a mapping of keys such as `version:` and `account:` at its top",
    "docs/examples/minimal.yaml is the smallest configuration that works",
)


def _decode(data: bytes | str) -> str:
    if len(data) > SIZE_MAX:
        raise Unreadable("too_large", f"the file is larger than {SIZE_MAX} bytes", 1, "give each account its own file")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data.encode("utf-8").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1 if isinstance(data, bytes) else 1
        raise Unreadable("not_utf8", f"byte {error.start} is no UTF-8", line, "save the file as UTF-8 text") from error
    except UnicodeEncodeError as error:
        raise Unreadable("not_utf8", "the text holds half of a surrogate pair", 1, "save the file as UTF-8") from error
    return text.removeprefix("\ufeff")


def _read_yaml(text: str, builder: TreeBuilder) -> None:
    try:
        for event in yaml.parse(text, Loader=_Loader):
            _take(event, builder)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(
            "not_yaml", f"this is no YAML: {words}", mark.line + 1 if mark else 1, _advice(words)
        ) from error
    except yaml.YAMLError as error:
        character = getattr(error, "character", None)
        shown = f"U+{character:04X}" if isinstance(character, int) else repr(character)
        line = 1 + text.count("\n", 0, getattr(error, "position", None) or 0)
        message = f"the character {shown} may not stand in YAML"
        raise Unreadable("not_yaml", message, line, "save the file as plain UTF-8 text") from error


def _advice(words: str) -> str:
    if "cannot start any token" in words or "tab" in words:
        return "indent with spaces, never with tabs, and put texts that begin with a special character in quotes"
    if "mapping values are not allowed" in words:
        return "put texts that hold a colon and a space in quotes"
    return "check indentation, brackets and quotes around this line"


def _take(event: Any, builder: TreeBuilder) -> None:
    line = event.start_mark.line + 1
    if type(event) is yaml.ScalarEvent:  # three of five events, so it is looked for first and quickly
        if event.tag is not None:
            _refuse_tag(event, line)
        nothing = event.value in _NOTHING and event.implicit[0]
        builder.scalar(None if nothing else event.value, line, event.anchor)
    elif isinstance(event, yaml.MappingStartEvent):
        _refuse_tag(event, line)
        builder.open_mapping(line, event.anchor)
    elif isinstance(event, yaml.SequenceStartEvent):
        _refuse_tag(event, line)
        builder.open_list(line, event.anchor)
    elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
        builder.close()
    elif isinstance(event, yaml.AliasEvent):
        builder.alias(event.anchor or "", line)
    elif isinstance(event, yaml.DocumentStartEvent):
        builder.start(line)


def _refuse_tag(event: Any, line: int) -> None:
    if event.tag is not None:
        raise Unreadable("tag", f"the tag {event.tag} is not allowed", line, "leave it out: the schema gives the types")
