"""Puts a `Tree` together from what a parser sees, one token after the other, inside limits.

It keeps its own stack, so the depth of a file is a number that is compared and not a stack that overflows.
"""

from __future__ import annotations

import msgspec

from trunkline.config.tree import Fields, Items, Path, Text, Tree

DEPTH_MAX = 64
"""Lists and mappings inside each other."""
NODES_MAX = 1_000_000
"""Values of one file, everything counted as often as aliases repeat it."""


class Unreadable(Exception):
    """The text cannot be read any further."""

    def __init__(self, code: str, message: str, line: int, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.hint = code, message, line, hint


class Notice(msgspec.Struct, frozen=True):
    """Something wrong that does not keep the rest from being read."""

    path: Path
    code: str
    message: str
    hint: str
    line: int


class _Frame(msgspec.Struct):
    """A list or mapping that is still open, `height` levels high so far. `key` is the one that was read last."""

    tree: Items | Fields
    anchor: str | None
    nodes_before: int
    height: int = 1
    awaits_key: bool = True
    key: str = ""
    key_line: int = 0
    skip: bool = False


class TreeBuilder:
    """Takes tokens in the order of the file. Raises `Unreadable` when a limit is passed or a key is no text."""

    __slots__ = ("_anchors", "_frames", "_nodes", "_root", "_started", "notices")

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Tree, int, int]] = {}
        self._nodes = 0
        self._root: Tree | None = None
        self._started = False
        self.notices: list[Notice] = []

    def start(self, line: int) -> None:
        """A document begins. A file has one."""
        if self._started:
            hint = "leave out the line with `---`, or make it a file of its own"
            raise Unreadable("several_documents", "a second YAML document begins here", line, hint)
        self._started = True

    def root(self) -> Tree:
        """What was read. Raises `Unreadable` when there was nothing."""
        root = self._root
        if root is None or (isinstance(root, Text) and root.value is None):
            hint = "docs/examples/minimal.yaml is the smallest configuration that works"
            raise Unreadable("empty", "the file is empty", 1, hint)
        return root

    def scalar(self, value: str | None, line: int, anchor: str | None = None) -> None:
        """A text, or nothing."""
        if self._awaits_key():
            self._take_key(value, line)
            return
        text = Text(value, line)
        self._put(text, 1, line)
        if anchor is not None:
            self._anchors[anchor] = (text, 1, 0)

    def open_mapping(self, line: int, anchor: str | None = None) -> None:
        """A mapping begins."""
        self._open(Fields({}, {}, line), line, anchor)

    def open_list(self, line: int, anchor: str | None = None) -> None:
        """A list begins."""
        self._open(Items([], line), line, anchor)

    def close(self) -> None:
        """The innermost list or mapping ends."""
        frame = self._frames.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.tree, self._nodes - frame.nodes_before, frame.height)
        self._grow(frame.height)

    def alias(self, anchor: str, line: int) -> None:
        """What stood at the anchor stands here once more."""
        if self._awaits_key():
            raise Unreadable("bad_key", "an alias cannot be a key", line, "write the key out")
        known = self._anchors.get(anchor)
        if known is None:
            hint = "an alias repeats something that is complete above it"
            raise Unreadable("unknown_alias", f"nothing complete has the anchor &{anchor}", line, hint)
        tree, nodes, height = known
        if len(self._frames) + height > DEPTH_MAX:
            raise self._too_deep(line)
        self._put(tree, nodes, line)
        self._grow(height)

    def _grow(self, height: int) -> None:
        """The innermost open level now holds something of `height` levels."""
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, height + 1)

    def _too_deep(self, line: int) -> Unreadable:
        return Unreadable("too_deep", f"more than {DEPTH_MAX} levels inside each other", line, "flatten the file")

    def _awaits_key(self) -> bool:
        return bool(self._frames) and isinstance(self._frames[-1].tree, Fields) and self._frames[-1].awaits_key

    def _open(self, tree: Items | Fields, line: int, anchor: str | None) -> None:
        if self._awaits_key():
            raise Unreadable("bad_key", "a list or mapping cannot be a key", line, "put texts with braces in quotes")
        if len(self._frames) >= DEPTH_MAX:
            raise self._too_deep(line)
        nodes_before = self._nodes
        self._put(tree, 1, line)
        self._frames.append(_Frame(tree, anchor, nodes_before))

    def _put(self, tree: Tree, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            hint = "give each account its own file and repeat less by aliases"
            raise Unreadable("too_large", f"more than {NODES_MAX} values, aliases counted", line, hint)
        if not self._frames:
            self._root = tree
            return
        frame = self._frames[-1]
        if isinstance(frame.tree, Items):
            frame.tree.items.append(tree)
            return
        if not frame.skip:
            frame.tree.entries[frame.key] = tree
            frame.tree.lines[frame.key] = frame.key_line
        frame.awaits_key = True

    def _take_key(self, value: str | None, line: int) -> None:
        frame = self._frames[-1]
        assert isinstance(frame.tree, Fields)
        if value is None:
            raise Unreadable("bad_key", "nothing cannot be a key", line, "write a key before the colon")
        frame.key, frame.key_line, frame.skip, frame.awaits_key = value, line, False, False
        if value == "<<":
            hint = "write the fields out; an alias may stand for a whole value"
            self._notice("merge_key", "merge keys (<<) are not read", hint, line)
            frame.skip = True
        elif value in frame.tree.entries:
            first = frame.tree.lines[value]
            message = f"the key {value!r} stands twice in one mapping, on line {first} and on line {line}"
            self._notice("duplicate_key", message, "keep one of them", line)
            frame.skip = True

    def _notice(self, code: str, message: str, hint: str, line: int) -> None:
        path: list[str | int] = []
        for frame in self._frames:
            if isinstance(frame.tree, Items):
                path.append(len(frame.tree.items) - 1)
            else:
                path.append(frame.key)
        self.notices.append(Notice(tuple(path), code, message, hint, line))
