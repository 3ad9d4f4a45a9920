"""`trunkline targets`: which targets take traffic, and saying that one is away or there."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.kernel.errors import ExitCode

SUMMARY: Final = "show which targets take traffic; say that one is away, or there"
ACTIONS: Final = {
    "away": "nothing is offered to the target until somebody says otherwise",
    "available": "the target takes traffic: ends away, wrap-up and pause",
    "resume": "end the pause of a target that has not answered",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`show`, `away`, `available` and `resume` with their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|away|available|resume")
    show = actions.add_parser("show", help="all targets with their status", allow_abbrev=False)
    said = [actions.add_parser(name, help=words, allow_abbrev=False) for name, words in ACTIONS.items()]
    for action in said:
        action.add_argument("target", metavar="TARGET", help="key of the target")
    for action in (show, *said):
        action.add_argument("--account", metavar="KEY", help="whose (default: the only account there is)")
        admin.add_arguments(action, changes=action is not show)


def run(args: argparse.Namespace) -> int:
    """Ask the switch and print what it says."""
    if args.action == "show":
        document = admin.ask(args.data, "targets.show", {"account": args.account})
    else:
        asked = {"account": args.account, "target": args.target}
        document = admin.tell(args.data, f"targets.{args.action}", asked, args.key)
    if args.json:
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    elif args.action == "show":
        table = Table(
            "target", "buyer", "status", "until", title=f"account {document['account']}", title_justify="left"
        )
        for row in document["targets"]:
            table.add_row(row["target"], row["buyer"], row["status"], row["until"] or "-")
        Console(highlight=False).print(table)
    else:
        sys.stdout.write(f"{document['target']}: {document['before']} -> {document['after']}\n")
    return ExitCode.DONE
