"""`trunkline held`: leads that a person looks at before they are sold."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trunkline.cli import admin
from trunkline.kernel.errors import ExitCode

SUMMARY: Final = "leads that wait to be looked at: list, show, approve or reject them"
TIMEOUT_S: Final = 3_700.0
"""Letting a lead through sells it, which takes as long as its plan is patient."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list`, `show`, `approve` and `reject` with their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|approve|reject")
    listed = actions.add_parser("list", help="what waits, the longest waiting first", allow_abbrev=False)
    listed.add_argument("--campaign", metavar="KEY", help="only leads of one campaign")
    show = actions.add_parser("show", help="one lead with what it says", allow_abbrev=False)
    approve = actions.add_parser("approve", help="sell it, as it would be sold now", allow_abbrev=False)
    reject = actions.add_parser("reject", help="end it: it is sold to nobody", allow_abbrev=False)
    for action in (show, approve, reject):
        action.add_argument("lead", metavar="ID", help="the lead, as `list` shows it")
    for action in (listed, show, approve, reject):
        action.add_argument("--account", metavar="KEY", help="whose (default: the only account there is)")
        admin.add_arguments(action, changes=action in (approve, reject))


def run(args: argparse.Namespace) -> int:
    """Ask the switch and print what it says."""
    asked: dict[str, Any] = {"account": args.account}
    if args.action == "list":
        document = admin.ask(args.data, "held.list", asked | {"campaign": args.campaign})
    elif args.action == "show":
        document = admin.ask(args.data, "held.show", asked | {"lead": args.lead})
    else:
        sent = asked | {"lead": args.lead}
        document = admin.tell(args.data, f"held.{args.action}", sent, args.key, timeout_s=TIMEOUT_S)
    if args.json:
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    elif args.action == "list":
        _print_all(document)
    elif args.action == "show":
        _print_one(document)
    else:
        earned = f", the publisher earns {document['payout']}" if document["payout"] else ""
        sys.stdout.write(f"{document['lead']}: {document['decision']}; {document['status']}{earned}\n")
    return ExitCode.DONE


def _print_all(document: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not document["held"]:
        console.print(f"account {document['account']}: no lead waits")
        return
    table = Table(title=f"Leads of {document['account']} that wait", title_justify="left")
    table.add_column("lead", no_wrap=True, overflow="fold")
    for name in ("campaign", "publisher", "received", "expires"):
        table.add_column(name)
    for row in document["held"]:
        table.add_row(row["lead"], row["campaign"], row["publisher"], row["received"][:16], row["expires"][:16])
    console.print(table)
    if document["more"]:
        console.print("and more; name a campaign")


def _print_one(document: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"lead {document['lead']} for {document['campaign']}, from {document['publisher']}")
    for title in ("attributes", "consent"):
        for name, value in sorted(document[title].items()):
            console.print(f"  {escape(name)}: {escape(value)}")
    for title in ("flags", "ignored"):
        if document[title]:
            console.print(f"  {title}: {escape(', '.join(document[title]))}")
