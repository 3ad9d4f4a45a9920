"""`trunkline scenarios DIR`: runs scenario files and says which came out otherwise than they expect."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.testing.scenarios import read_scenario, run_scenario, scenario_files

SUMMARY: Final = "run scenario files: a configuration, a caller, and what must come of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `scenarios`."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="scenario files at or below here; or one file")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run all of them. Exit code 1 when one came out otherwise, 2 when one cannot be read."""
    results = [_result(path) for path in scenario_files(args.folder)]
    if args.json:
        sys.stdout.write(msgspec.json.encode(results).decode() + "\n")
    else:
        for each in results:
            sys.stdout.write(f"{'ok    ' if each['ok'] else 'WRONG '} {each['file']}: {each['about']}\n")
            sys.stdout.writelines(f"         {line}\n" for line in each["differences"])
        wrong = sum(not each["ok"] for each in results)
        sys.stdout.write(f"{len(results)} scenarios, {wrong} otherwise than expected\n")
    if any(each["error"] for each in results):
        return ExitCode.USAGE
    return ExitCode.DONE if all(each["ok"] for each in results) else ExitCode.WRONG


def _result(path: Path) -> dict[str, Any]:
    try:
        about, found, unreadable = read_scenario(path).about, run_scenario(path), False
    except UsageError as error:
        about, found, unreadable = "cannot be run", [error.message, *filter(None, [error.hint])], True
    return {"file": str(path), "about": about.strip(), "ok": not found, "error": unreadable, "differences": found}
