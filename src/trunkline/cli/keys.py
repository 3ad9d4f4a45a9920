"""`trunkline keys`: the API keys by which publishers send leads, and what to tell a publisher.

A key is made here, shown once, and sent to the switch as its SHA-256: nothing that is kept can tell it again.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.switch.config_files import load_path
from trunkline.switch.leads.instructions import campaigns_of, instructions_page
from trunkline.switch.leads.keys import SCOPES

SUMMARY: Final = "make and take back publishers' API keys; tell publishers how to post"
PREFIX: Final = "tl_"
"""What every key begins with, so that one that got out can be recognised."""
KEY_BYTES: Final = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each thing that can be done."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|rotate|revoke|list|instructions")
    add = actions.add_parser("add", help="make one more key; those before stay good", allow_abbrev=False)
    add.add_argument("--scope", action="append", choices=SCOPES, help="what it is good for, repeatable (default: all)")
    rotate = actions.add_parser("rotate", help="make a key in the place of those before", allow_abbrev=False)
    rotate.add_argument("--grace", type=int, default=24, metavar="HOURS", help="how long those stay good (default 24)")
    rotate.add_argument("--id", metavar="ID", help="only this one (default: all that were made by command)")
    revoke = actions.add_parser("revoke", help="end a key now", allow_abbrev=False)
    revoke.add_argument("--id", metavar="ID", help="which: `keys list` shows the ids")
    revoke.add_argument("--all", action="store_true", help="all of the publisher that were made by command")
    show = actions.add_parser("list", help="the keys there are, by their ids", allow_abbrev=False)
    tell = actions.add_parser("instructions", help="write a publisher's posting instructions", allow_abbrev=False)
    tell.add_argument("--config", type=Path, required=True, metavar="PATH", help="the configuration")
    tell.add_argument("--campaign", metavar="KEY", help="only this one (default: all that the publisher may send to)")
    tell.add_argument("--url", default="https://YOUR_HOST", metavar="URL", help="where publishers reach the switch")
    for action in (add, rotate, revoke, tell):
        action.add_argument("publisher", metavar="PUBLISHER", help="the publisher's key")
    show.add_argument("publisher", metavar="PUBLISHER", nargs="?", help="the publisher's key (default: all)")
    for action in (add, rotate, revoke, show):
        action.add_argument("--account", metavar="KEY", help="which account, where there are several")
        admin.add_arguments(action, changes=action is not show)
    tell.add_argument("--account", metavar="KEY", help="which account, where there are several")


def run(args: argparse.Namespace) -> int:
    """Ask the switch and print its answer, with a new key on a line of its own; or print instructions."""
    if args.action == "instructions":
        sys.stdout.write(_instructions(args.config, args.account, args.publisher, args.campaign, args.url))
        return ExitCode.DONE
    sent: dict[str, Any] = {"account": args.account, "publisher": args.publisher}
    data: Path = args.data
    if args.action == "list":
        return _show(admin.ask(data, "keys.list", sent), as_json=args.json)
    if args.action == "revoke":
        answer = admin.tell(data, "keys.revoke", sent | {"id": args.id, "all": args.all}, args.key)
        return _done(answer, None, as_json=args.json)
    key = make_key()
    sent["sha256"] = hashlib.sha256(key.encode()).hexdigest()
    if args.action == "add":
        if args.scope:
            sent["scopes"] = args.scope
    else:
        sent |= {"grace_hours": args.grace, "id": args.id}
    answer = admin.tell(data, f"keys.{args.action}", sent, args.key)
    return _done(answer, key, as_json=args.json)


def make_key() -> str:
    """A new key: 256 bits of chance, in characters that stand in a header as they are."""
    return PREFIX + secrets.token_urlsafe(KEY_BYTES)


def _instructions(path: Path, account: str | None, publisher: str, campaign: str | None, url: str) -> str:
    """The page of one publisher. Raises UsageError."""
    loaded = load_path(path)
    if loaded.snapshot is None:
        raise UsageError(f"{path} has errors", hint=f"./trunkline check {path} shows them")
    accounts = [each for each in loaded.snapshot.accounts if account in {None, each.account.key}]
    if len(accounts) != 1:
        there = ", ".join(each.account.key for each in loaded.snapshot.accounts)
        raise UsageError("say which account", hint=f"--account, one of: {there}")
    config = accounts[0]
    found = next((each for each in config.publishers if each.key == publisher), None)
    if found is None:
        there = ", ".join(each.key for each in config.publishers)
        raise UsageError(f"there is no publisher {publisher!r}", hint=f"there are: {there}")
    campaigns = campaigns_of(config, found, campaign)
    if campaign is not None and not campaigns:
        there = ", ".join(each.key for each in campaigns_of(config, found)) or "none"
        raise UsageError(
            f"{publisher} cannot send leads to a campaign {campaign!r}", hint=f"campaigns with lead_fields: {there}"
        )
    return instructions_page(config, found, campaigns, url.rstrip("/"))


def _done(answer: dict[str, Any], key: str | None, *, as_json: bool) -> int:
    if as_json:
        _print_json(answer if key is None else answer | {"key": key})
        return ExitCode.DONE
    if key is not None:
        made = answer["added"]
        sys.stdout.write(f"{key}\n")
        sys.stderr.write(
            f"the key {made['id']} of {made['publisher']} is good for {', '.join(made['scopes'])} from now on.\n"
            "It is shown this once and kept nowhere: hand it over now.\n"
        )
    for each in answer.get("ending", ()):
        sys.stderr.write(f"the key {each['id']} of {each['publisher']} ends {each['until']}\n")
    for each in answer.get("revoked", ()):
        sys.stdout.write(f"the key {each['id']} of {each['publisher']} is revoked\n")
    return ExitCode.DONE


def _show(answer: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        _print_json(answer)
        return ExitCode.DONE
    table = Table(title=f"Keys of {answer['account']}", title_justify="left")
    for name in ("publisher", "id", "from", "good for", "made", "until"):
        table.add_column(name, no_wrap=name in {"id", "from"}, overflow="fold")
    for row in answer["keys"]:
        made, until = row["made"] or "-", row["until"] or "-"
        table.add_row(row["publisher"], row["id"], row["from"], " ".join(row["scopes"]), made, until)
    console = Console(highlight=False)
    console.print(table)
    if not answer["keys"]:
        console.print("No publisher has a key: `./trunkline keys add PUBLISHER --data DIR` makes one.")
    return ExitCode.DONE


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
