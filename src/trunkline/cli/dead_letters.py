"""`trunkline dead-letters`: leads that did not reach their buyers by mail, as files or as messages; send them again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.events.changes import StoredDelivery
from trunkline.events.deliveries import AnyDeliveryEvent, DeliveryQueued, QueuedDelivery
from trunkline.journal.outbox import outbox
from trunkline.journal.reader import JournalReader
from trunkline.kernel.clock import iso
from trunkline.kernel.errors import ExitCode, UsageError

SUMMARY: Final = "leads that could not be sent: show them, send them again, drop them"
LISTED_MAX: Final = 1_000
"""Dead letters of one list; `--target` and `--account` narrow it."""
A_COMMAND: Final = 500
"""Attempts that one command names."""
ACTIONS: Final = {
    "replay": "try them again, as if they had just been queued",
    "drop": "never send them",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list`, `show`, `replay` and `drop` with their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|replay|drop")
    listing = actions.add_parser("list", help="what is dead, and how much waits", allow_abbrev=False)
    _add_whose(listing)
    admin.add_arguments(listing, changes=False)
    show = actions.add_parser("show", help="what happened to one delivery", allow_abbrev=False)
    show.add_argument("attempt", metavar="ATTEMPT", help="as `list` names it")
    show.add_argument("--personal", action="store_true", help="with what is known of the lead")
    admin.add_arguments(show, changes=False)
    for name, words in ACTIONS.items():
        action = actions.add_parser(name, help=words, allow_abbrev=False)
        action.add_argument("attempts", metavar="ATTEMPT", nargs="*", help="which ones, as `list` names them")
        action.add_argument("--all", action="store_true", help="all dead letters, or those of --account and --target")
        _add_whose(action)
        admin.add_arguments(action, changes=True)


def _add_whose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", metavar="KEY", help="of one account alone")
    parser.add_argument("--target", metavar="KEY", help="of one target alone")


def run(args: argparse.Namespace) -> int:
    """Show, or have the switch change, what is in the outbox."""
    match args.action:
        case "list":
            return _list(args)
        case "show":
            return _show(args)
    return _change(args)


def _list(args: argparse.Namespace) -> int:
    with outbox(args.data) as reader:
        rows, counts = reader.dead(args.account, args.target, limit=LISTED_MAX), reader.counts()
    if args.json:
        _print_json({"dead_letters": [_document(row) for row in rows], **counts})
        return ExitCode.DONE
    if rows:
        table = Table("attempt", "lead", "target", "by", "queued", "tries", "why", title_justify="left")
        for row in rows:
            why = f"{row.reason}: {row.detail}" if row.detail else row.reason
            queued = iso(row.queued_ms)
            table.add_row(row.attempt, row.call, row.target, row.kind, queued, str(row.tries), why)
        Console(highlight=False).print(table)
    more = f", {len(rows)} shown" if len(rows) < counts["dead"] else ""
    sys.stdout.write(f"{counts['dead']} dead{more}, {counts['waiting']} waiting to be sent\n")
    return ExitCode.DONE


def _show(args: argparse.Namespace) -> int:
    with outbox(args.data) as reader:
        row = reader.of([args.attempt]).get(args.attempt)
    if row is None:
        raise UsageError(
            f"{args.attempt} is not in the outbox",
            hint="`dead-letters list` names those that are; it may have been sent",
        )
    with JournalReader(args.data) as journal:
        events = [record.event for record in journal.records_of(row.call)]
    mine = [event for event in events if isinstance(event, QueuedDelivery) and event.attempt == row.attempt]
    told = [_told(event, personal=args.personal) for event in mine]
    if args.json:
        _print_json({**_document(row), "events": told})
        return ExitCode.DONE
    for event in told:
        words = ", ".join(f"{name} {value}" for name, value in event.items() if name not in {"at", "type", "values"})
        sys.stdout.write(f"{event['at']}  {event['type']:<18} {words}\n")
        for name, value in (event.get("values") or {}).items():
            sys.stdout.write(f"{'':26}{name}: {value}\n")
    due = "" if row.state == "dead" else f", next try {iso(row.due_ms)}"
    sys.stdout.write(f"{row.state}{due}\n")
    return ExitCode.DONE


def _change(args: argparse.Namespace) -> int:
    if bool(args.attempts) == args.all:
        raise UsageError("name attempts, or say --all", hint="`dead-letters list` names them")
    if args.attempts and (args.account or args.target):
        raise UsageError("--account and --target go with --all")
    named = list(args.attempts) or _all_dead(args.data, args.account, args.target)
    done, unknown = 0, 0
    for at in range(0, len(named), A_COMMAND):
        key = f"{args.key}/{at}" if args.key and at else args.key
        answer = admin.tell(args.data, f"deliveries.{args.action}", {"attempts": named[at : at + A_COMMAND]}, key)
        done, unknown = done + len(answer["attempts"]), unknown + answer["unknown"]
    if args.json:
        _print_json({"done": done, "unknown": unknown})
    else:
        missing = f"; {unknown} are not in the outbox" if unknown else ""
        sys.stdout.write(f"{done} {'to be sent again' if args.action == 'replay' else 'dropped'}{missing}\n")
    return ExitCode.WRONG if unknown else ExitCode.DONE


def _all_dead(data: Path, account: str | None, target: str | None) -> list[str]:
    found: list[str] = []
    with outbox(data) as reader:
        while rows := reader.dead(account, target, after=found[-1] if found else ""):
            found += [row.attempt for row in rows]
    return found


def _document(row: StoredDelivery) -> dict[str, Any]:
    return {
        "attempt": row.attempt,
        "account": row.account,
        "lead": row.call,
        "target": row.target,
        "kind": row.kind,
        "state": row.state,
        "queued_at": iso(row.queued_ms),
        "tries": row.tries,
        "reason": row.reason,
        "detail": row.detail,
    }


def _told(event: AnyDeliveryEvent, *, personal: bool) -> dict[str, Any]:
    """One event without what is known from elsewhere; personal values are left out unless asked for."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    hidden = {"account", "call", "attempt", "at_ms"} | (set() if personal else {"values"})
    told = {name: value for name, value in fields.items() if name not in hidden}
    if isinstance(event, DeliveryQueued):
        told["due_ms"] = iso(event.due_ms)
    if (next_ms := told.pop("next_ms", None)) is not None:
        told["next"] = iso(next_ms)
    if (due := told.pop("due_ms", None)) is not None:
        told["due"] = due
    return {"at": iso(event.at_ms), "type": event.__struct_config__.tag, **told}


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
