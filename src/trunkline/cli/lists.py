"""`trunkline lists`: load, drop and show the contact lists of a running switch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.kernel.errors import ExitCode

SUMMARY: Final = "load, drop or show contact lists of a running switch"
TIMEOUT_S: Final = 660.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each thing that can be done."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|load|drop")
    show = actions.add_parser("show", help="what each list holds, and from where")
    load = actions.add_parser("load", help="read a text file into a list, in place of what it held")
    load.add_argument("name", metavar="NAME", help="the list's key")
    load.add_argument("file", metavar="FILE", type=Path, help="one entry a line; the switch reads it")
    drop = actions.add_parser("drop", help="forget what a list holds: it counts as not loaded")
    drop.add_argument("name", metavar="NAME", help="the list's key")
    for action, changes in ((show, False), (load, True), (drop, True)):
        action.add_argument("--account", metavar="KEY", help="which account, where there are several")
        admin.add_arguments(action, changes=changes)


def run(args: argparse.Namespace) -> int:
    """Ask the switch and print its answer."""
    sent: dict[str, Any] = {"account": args.account}
    if args.action == "show":
        answer = admin.ask(args.data, "lists.show", sent)
    else:
        sent["name"] = args.name
        if args.action == "load":
            sent["file"] = str(args.file.resolve())
        answer = admin.tell(args.data, f"lists.{args.action}", sent, args.key, timeout_s=TIMEOUT_S)
    if args.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
    elif args.action == "show":
        _print(answer)
    elif args.action == "load":
        held = f"{answer['entries']} entries, {_size(answer['bytes'])}, content {answer['digest'][:12]}"
        Console(highlight=False).print(f"list {answer['list']}: {held}")
    else:
        Console(highlight=False).print(f"list {answer['list']} holds nothing: it counts as not loaded")
    return ExitCode.DONE


def _print(answer: dict[str, Any]) -> None:
    table = Table(title=f"Lists of {answer['account']}", title_justify="left")
    for name in ("list", "type"):
        table.add_column(name)
    for name in ("entries", "memory"):
        table.add_column(name, justify="right")
    for name in ("content", "from", "loaded"):
        table.add_column(name, overflow="fold")
    for row in answer["lists"]:
        if row["loaded"]:
            shown = (str(row["entries"]), _size(row["bytes"]), row["digest"][:12], row["file"] or "", row["at"] or "")
        else:
            shown = ("-", "-", "not loaded", row["file"] or "", "")
        table.add_row(row["list"], row["type"], *shown)
    Console(highlight=False).print(table)


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size} bytes"
