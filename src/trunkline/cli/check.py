"""`trunkline check`: is this configuration right, and if not, what is wrong where and what to do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from trunkline.config.problems import Problem
from trunkline.kernel.errors import ExitCode
from trunkline.media.prompts import available_voices
from trunkline.switch.config_files import base_of, load_path
from trunkline.switch.list_files import ListUnusable, lists_of, problem_of

SUMMARY: Final = "check a configuration and name everything that is wrong with it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PATH and --json."""
    parser.add_argument("path", metavar="PATH", type=Path, help="a file, or a folder with platform.yaml and accounts/")
    parser.add_argument("--json", action="store_true", help="print one JSON list of problems")


def run(args: argparse.Namespace) -> int:
    """Print the problems. Exit code 0 with warnings only, 1 with errors."""
    loaded = load_path(args.path, available_voices(base_of(args.path)))
    problems = loaded.problems
    if loaded.snapshot is not None:
        try:
            lists_of(loaded.snapshot, None)
        except ListUnusable as error:
            problems = (*problems, problem_of(error))
    if args.json:
        sys.stdout.write(as_json(problems) + "\n")
    else:
        sys.stdout.write(as_text(problems, args.path) + "\n")
    return ExitCode.WRONG if any(each.severity == "error" for each in problems) else ExitCode.DONE


def as_json(problems: Sequence[Problem]) -> str:
    """One JSON list: path, severity, code, message and hint of each problem, and the file and line it is in."""
    return msgspec.json.format(msgspec.json.encode([msgspec.to_builtins(each) for each in problems]), indent=2).decode()


def as_text(problems: Sequence[Problem], path: Path) -> str:
    """For people: the problems of each file in the order of its lines, and how many there are."""
    lines: list[str] = []
    for file, found in groupby(problems, key=lambda problem: problem.file):
        lines.append(file or str(path))
        for problem in found:
            place = f"  line {problem.line}: " if problem.line else "  "
            lines.append(f"{place}{problem.severity} [{problem.code}] {problem.path or '(whole file)'}")
            lines.append(f"      {problem.message}")
            if problem.hint:
                lines.append(f"      hint: {problem.hint}")
        lines.append("")
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    verdict = "cannot be used" if errors else "can be used"
    lines.append(f"{path} {verdict}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
