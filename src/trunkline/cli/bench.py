"""`trunkline bench NAME`: measure something on this machine, against a peer, and say what the figures are worth.

The benchmarks are in `bench/` of the repository, not in the package: each is a file with `SUMMARY` and
`run(long) -> dict`, whose answer has the shape of docs/reference (bench, ratio_to_peer, peer, rows, machine, rounds,
caveats). One with `violations` that are not empty ends with exit code 1.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from trunkline.kernel.errors import EnvironmentFault, ExitCode, UsageError

SUMMARY = "measure calls, media, the journal or the worker, or see what a switch survives"

_COLUMNS = ("case", "ours", "peer", "unit", "ratio", "aim")
FOLDER = Path(__file__).resolve().parents[3] / "bench"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `trunkline bench` takes."""
    parser.add_argument("name", nargs="?", help="which one; without a name they are listed")
    parser.add_argument("--long", action="store_true", help="more rounds, for figures worth quoting")
    parser.add_argument("--hours", type=float, metavar="N", help="how long (soak alone)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the result there (- for standard output)")


def run(args: argparse.Namespace) -> int:
    """List the benchmarks, or run one and show what it found."""
    names = benchmark_names()
    if args.name is None:
        for name in names:
            print(f"{name:<12} {load(name).SUMMARY}")
        return ExitCode.DONE
    if args.name not in names:
        close = difflib.get_close_matches(args.name, names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"there is no benchmark {args.name!r}", hint=f"{hint}they are: {', '.join(names)}")
    module = load(args.name)
    more: dict[str, float] = {}
    if args.hours is not None:
        if "hours" not in inspect.signature(module.run).parameters or args.hours <= 0:
            raise UsageError(
                f"{args.name} does not run for {args.hours:g} hours", hint="--hours belongs to soak, above 0"
            )
        more["hours"] = args.hours
    result: dict[str, Any] = module.run(long=args.long, **more)
    document = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    if args.json == Path("-"):
        sys.stdout.write(document)
    else:
        if args.json is not None:
            args.json.write_text(document)
        show(result, Console())
    return ExitCode.WRONG if result.get("violations") else ExitCode.DONE


def benchmark_names(folder: Path | None = None) -> list[str]:
    """What can be measured. Raises EnvironmentFault when this is not a checkout of the repository."""
    names = sorted(path.stem for path in (folder or FOLDER).glob("[a-z]*.py"))
    if not names:
        raise EnvironmentFault(
            "the benchmarks are not part of the installed package",
            hint="run ./trunkline bench in a clone of the repository",
        )
    return names


def load(name: str, folder: Path | None = None) -> ModuleType:
    """The module of one of `benchmark_names()`. What it needs beside itself it imports as `bench.…`."""
    root = str(FOLDER.parent)
    if root not in sys.path:
        sys.path.append(root)
    spec = importlib.util.spec_from_file_location(f"bench_{name}", (folder or FOLDER) / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def show(result: dict[str, Any], console: Console) -> None:
    """A result as a table with its caveats below, for people. What else a row says is in the JSON."""
    rows: list[dict[str, Any]] = result["rows"]
    ratio = result["ratio_to_peer"]
    title = f"{result['bench']}: " + ("measured alone" if ratio is None else f"{ratio}x of {result['peer']}")
    table = Table(title=title, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in {"case", "unit"} else "right", no_wrap=True)
    for row in rows:
        if row.get("reached") is not None:
            row = {**row, "aim": f"{row['aim']} {'reached' if row['reached'] else 'missed'}"}
        table.add_row(*(_cell(row.get(column, "")) for column in _COLUMNS))
    console.print(table)
    console.print(f"{result['machine']}; {result['rounds']} rounds", highlight=False)
    for caveat in result["caveats"]:
        console.print(f"- {caveat}", highlight=False)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
