"""What is wrong with a configuration: every problem at once, each with its place, why it is one and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.config.codes import CODES
from trunkline.config.tree import Fields, Path, Tree, line_of, path_text

Severity = Literal["error", "warning"]

PROBLEMS_MAX = 1_000
"""As many problems of one file are told; who has more has one cause, and a terminal has an end."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. An `error` keeps the configuration from being used, a `warning` does not."""

    path: str
    severity: Severity
    code: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0


class Findings:
    """Collects the problems of one file. `root` is what the file says, so that each problem finds its line.

    Items that cannot be read are left out of their lists. From `checking` on, the indexes of paths are those of the
    lists that remained, and are turned back into places in the file; and what could not be read is not told a second
    time for what it was replaced by.
    """

    __slots__ = ("_left_out", "_lost_keys", "_problems", "_spoiled", "checking", "file", "root")

    def __init__(self, file: str, root: Tree | None = None) -> None:
        self.file = file
        self.root: Tree = Fields({}, {}, 1) if root is None else root
        self._problems: list[Problem] = []
        self._left_out: dict[Path, list[int]] = {}
        self._lost_keys: dict[Path, set[str]] = {}
        self._spoiled: set[Path] = set()
        self.checking = False

    def error(self, path: Path, code: str, message: str, hint: str = "", line: int | None = None) -> None:
        """Report something that keeps the configuration from being used."""
        self._add(path, "error", code, message, hint, line)

    def warning(self, path: Path, code: str, message: str, hint: str = "", line: int | None = None) -> None:
        """Report something that is probably not what was meant, or that this version does not do."""
        self._add(path, "warning", code, message, hint, line)

    def _add(self, path: Path, severity: Severity, code: str, message: str, hint: str, line: int | None) -> None:
        assert code in CODES, f"the code {code} has no meaning in codes.py"
        if not self.checking:
            self._spoiled.add(path)
        else:
            path = self._in_file(path)
            if path in self._spoiled:
                return
        count = len(self._problems)
        if count > PROBLEMS_MAX:
            return
        if count == PROBLEMS_MAX:
            path, code, line = (), "too_many_problems", 1
            message, hint = f"there are more than {PROBLEMS_MAX} problems", "repair these first, then check again"
        self._problems.append(
            Problem(
                path=path_text(self.root, path),
                severity=severity,
                code=code,
                message=message,
                hint=hint,
                file=self.file,
                line=line_of(self.root, path) if line is None else line,
            )
        )

    def left_out(self, path: Path, index: int) -> None:
        """Note that the item at `index` (in the file) of the list at `path` is missing from what was read."""
        self._left_out.setdefault(path, []).append(index)

    def lost_key(self, path: Path, key: str) -> None:
        """Note that the entry `key` of the mapping at `path` is missing from what was read."""
        self._lost_keys.setdefault(path, set()).add(key)

    def lost_keys(self, path: Path) -> set[str]:
        """The entries of the mapping at `path` that stand in the file but could not be read."""
        return self._lost_keys.get(self._in_file(path), set())

    def spoiled(self, path: Path) -> bool:
        """Whether what stands at `path` could not be read, so that nothing can be said about its absence."""
        return self._in_file(path) in self._spoiled

    def _in_file(self, path: Path) -> Path:
        if not self._left_out:
            return path
        out: Path = ()
        for step in path:
            if isinstance(step, int):
                for missing in self._left_out.get(out, ()):
                    step += missing <= step
            out = (*out, step)
        return out

    def sorted(self) -> list[Problem]:
        """The problems in the order of their lines."""
        return sorted(self._problems, key=lambda problem: problem.line)
