"""Rules of the house that no linter knows, checked on the syntax tree of our own source."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "trunkline"
MODULES = sorted(SOURCE.rglob("*.py"))
TEST_MODULES = sorted((ROOT / "tests").rglob("*.py"))

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 80

MONEY = ("kernel/money.py", "engine/terms/", "engine/ledger/")
"""Where an amount must never pass through binary fractions."""

CLOCK_READERS = ("cli/", "testing/", "switch/", "telephony/", "media/", "journal/", "capacity/", "outbound/")
"""Where the time of day may be asked for. Everywhere else `now` comes in as an argument."""

PURE = ("kernel/", "events/", "sip/", "codec/", "engine/")
IMPURE_MODULES = frozenset(
    "aiohttp asyncio http logging multiprocessing os pysqlite3 random secrets select selectors signal socket sqlite3 "
    "ssl starlette subprocess tempfile threading time uvicorn uvloop".split()
)

GRAB_BAGS = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})

SKIPPED_FOLDERS = frozenset(
    {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis", "node_modules"}
)
TEXT_SUFFIXES = frozenset({"", ".cfg", ".csv", ".json", ".md", ".py", ".toml", ".txt", ".xml", ".yaml", ".yml"})
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:root|home|work|Users)/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def short(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(tree(path))


def within(path: Path, places: tuple[str, ...]) -> bool:
    return short(path).startswith(places)


def text_files() -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in files:
            path = Path(folder, name)
            if (
                path.suffix in TEXT_SUFFIXES
                and name not in SKIPPED_FOLDERS
                and not path.is_symlink()
                and path != Path(__file__)
            ):
                yield path


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 5


def test_files_are_short() -> None:
    long = {short(path): count for path in MODULES if (count := len(path.read_text().splitlines())) > FILE_LINES_MAX}
    assert not long, "split these by noun"


def test_functions_fit_a_screen() -> None:
    long = [
        f"{short(path)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, Function) and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long


def test_modules_are_named_for_what_they_hold() -> None:
    assert not [short(path) for path in MODULES if path.stem in GRAB_BAGS or path.parent.name in GRAB_BAGS]


def test_modules_and_what_they_export_are_documented() -> None:
    bare = []
    for path in MODULES:
        module = tree(path)
        if module.body and not ast.get_docstring(module):
            bare.append(f"{short(path)}:1")
        for node in module.body:
            public = isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                bare.append(f"{short(path)}:{node.lineno} {node.name}")
    assert not bare


def test_no_float_near_money() -> None:
    floats = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        if within(path, MONEY)
        for node in nodes(path)
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert not floats


def test_the_time_of_day_is_passed_in() -> None:
    asked = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        if not within(path, CLOCK_READERS)
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
        and ast.unparse(node.func.value) in {"datetime", "date", "datetime.datetime", "datetime.date"}
    ]
    assert not asked


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").split(".")[0]}
    return set()


def test_the_pure_folders_import_nothing_that_acts() -> None:
    """Import-linter follows chains; this also sees imports inside functions and of names that are never loaded."""
    acting = [
        f"{short(path)}:{node.lineno}"  # type: ignore[attr-defined]
        for path in MODULES
        if within(path, PURE)
        for node in nodes(path)
        if imported(node) & IMPURE_MODULES
    ]
    assert not acting


def does_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Pass, ast.Continue)) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def test_no_error_is_swallowed_whole() -> None:
    """A handler that does nothing has to name the error it means; contextlib.suppress is held to the same."""
    wide = {"Exception", "BaseException"}
    swallowed = []
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.ExceptHandler) and all(does_nothing(statement) for statement in node.body):
                names = {ast.unparse(part) for part in ast.walk(node.type)} if node.type else wide
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                names = {ast.unparse(argument) for argument in node.args}
            else:
                continue
            if names & wide:
                swallowed.append(f"{short(path)}:{node.lineno}")
    assert not swallowed


def test_nothing_is_left_for_later() -> None:
    raised = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]
    assert not raised


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    ways_out = re.compile(r"pytest\.(?:mark\.(?:skip|skipif|xfail)|skip|xfail|importorskip)")
    taken = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in TEST_MODULES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and ways_out.fullmatch(ast.unparse(node))
    ]
    assert not taken


def test_no_file_knows_a_path_of_one_machine() -> None:
    found = []
    for path in text_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = (text.count("\n", 0, hit.start()) + 1 for hit in MACHINE_PATH.finditer(text))
        found += [f"{path.relative_to(ROOT)}:{line}" for line in lines]
    assert not found
