"""`trunkline counters`: what the limits of a running switch have counted, and setting it right by hand."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.kernel.errors import ExitCode

SUMMARY: Final = "show what limits have counted, reset or adjust it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`show`, `reset` and `adjust` with their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|reset|adjust")
    show = actions.add_parser("show", help="counters with what is used and held", allow_abbrev=False)
    show.add_argument("object", nargs="?", metavar="LEVEL/KEY", help="one object, or one counter (default: all in use)")
    show.add_argument("--all", action="store_true", help="also counters of which nothing is taken")
    reset = actions.add_parser("reset", help="set the used seats of the present window", allow_abbrev=False)
    reset.add_argument("counter", metavar="LEVEL/KEY:MEASURE[:PER[:KIND]]", help="such as buyer/ace:convert:day")
    reset.add_argument("--to", default="0", metavar="N", help="to what (default 0)")
    adjust = actions.add_parser("adjust", help="add to the used seats, or take away", allow_abbrev=False)
    adjust.add_argument("counter", metavar="LEVEL/KEY:MEASURE[:PER[:KIND]]", help="such as buyer/ace:spend:month")
    adjust.add_argument("--by", required=True, metavar="N", help="how many; money as 12.50; --by=-2 takes away")
    for action in (show, reset, adjust):
        action.add_argument("--account", metavar="KEY", help="whose (default: the only account there is)")
        admin.add_arguments(action, changes=action is not show)


def run(args: argparse.Namespace) -> int:
    """Ask the switch and print what it says."""
    if args.action == "show":
        asked = {"account": args.account, "object": args.object, "all": args.all}
        document = admin.ask(args.data, "counters.show", asked)
    else:
        asked = {"account": args.account, "counter": args.counter}
        asked |= {"to": args.to} if args.action == "reset" else {"by": args.by}
        document = admin.tell(args.data, f"counters.{args.action}", asked, args.key)
    if args.json:
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    elif args.action == "show":
        _print(document)
    else:
        sys.stdout.write(f"{document['counter']}: used {document['before']} -> {document['after']}\n")
    return ExitCode.DONE


def _print(document: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not document["counters"]:
        console.print(f"account {document['account']}: nothing is taken of any limit; --all shows them")
        return
    table = Table(title=f"account {document['account']} at {document['at']}", title_justify="left")
    table.add_column("counter", no_wrap=True, overflow="fold")  # whole, to be copied into a command
    for name in ("used", "held", "max"):
        table.add_column(name, justify="right")
    table.add_column("window until")
    for row in document["counters"]:
        until = row["window"]["until"]
        table.add_row(row["counter"], str(row["used"]), str(row["held"]), str(row["max"]), until or "-")
    console.print(table)
    if document["more"]:
        console.print(f"and {document['more']} more; name a LEVEL/KEY")
