"""`trunkline returns`: sales that buyers send back, asked for and decided upon."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.kernel.errors import ExitCode

SUMMARY: Final = "send back a sale for its buyer; approve, reject or list returns"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`request`, `approve`, `reject` and `list` with their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="request|approve|reject|list")
    ask = actions.add_parser("request", help="ask to send a sale back", allow_abbrev=False)
    ask.add_argument("call", metavar="ID", help="the call or lead that was sold")
    ask.add_argument("--reason", required=True, metavar="CODE", help="why: one of the policy's reasons")
    ask.add_argument("--buyer", metavar="KEY", help="whose sale, where several buyers have bought the lead")
    ask.add_argument("--as", dest="role", choices=("buyer", "operator"), default="operator", help="for whom you ask")
    ask.add_argument("--anyway", action="store_true", help="set the policy aside, as an operator may")
    show = actions.add_parser("list", help="the newest returns", allow_abbrev=False)
    show.add_argument("--buyer", metavar="KEY", help="only those of one buyer")
    show.add_argument("--call", metavar="ID", help="only those of one call or lead")
    show.add_argument("--state", metavar="STATE", help="requested, approved, rejected or expired")
    decisions = [
        actions.add_parser("approve", help="credit the buyer", allow_abbrev=False),
        actions.add_parser("reject", help="let the sale stand", allow_abbrev=False),
    ]
    for action in decisions:
        action.add_argument("id", metavar="ID", help="the return, as `list` shows it")
    for action in (ask, *decisions):
        action.add_argument("--note", metavar="TEXT", help="what else is to be said of it")
    for action in (ask, show, *decisions):
        action.add_argument("--account", metavar="KEY", help="whose (default: the only account there is)")
        admin.add_arguments(action, changes=action is not show)


def run(args: argparse.Namespace) -> int:
    """Ask the switch and print what it says."""
    asked: dict[str, Any] = {"account": args.account}
    if args.action == "list":
        asked |= {"buyer": args.buyer, "call": args.call, "state": args.state}
        document = admin.ask(args.data, "returns.list", asked)
    else:
        asked["note"] = args.note
        if args.action == "request":
            names = ("call", "reason", "buyer", "role", "anyway")
            asked |= {name: getattr(args, name) for name in names}
        else:
            asked["id"] = args.id
        document = admin.tell(args.data, f"returns.{args.action}", asked, args.key)
    if args.json:
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    elif args.action == "list":
        _print(document)
    else:
        sys.stdout.write(f"{document['id']}: {document['state']}; {_money(document)}\n")
    return ExitCode.DONE


def _print(document: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not document["returns"]:
        console.print(f"account {document['account']}: no returns")
        return
    table = Table(title=f"Returns of {document['account']}", title_justify="left")
    for name in ("return", "state", "sale", "buyer", "reason", "amounts", "requested"):
        table.add_column(name, overflow="fold")
    for row in document["returns"]:
        state = row["state"] + (f" by {row['decided_by']}" if row["decided_by"] else "")
        table.add_row(row["id"], state, row["call"], row["buyer"], row["reason"], _money(row), row["requested"][:16])
    console.print(table)
    if document["more"]:
        console.print("and more; name a buyer, a call or a state")


def _money(row: dict[str, Any]) -> str:
    back = f", clawback {row['clawback']}" if row["clawback"] else ""
    return f"credit {row['credit']}{back} {row['currency']}"
