"""`./trunkline leads`: the leads of a data folder, as a table or as JSON; live with --follow."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli.calls import PIPED_WIDTH, read_all
from trunkline.engine.leads.records import LeadFold, LeadRecord, masked
from trunkline.events.entry import Position
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import ExitCode

SUMMARY = "list the leads of a data folder"

_PUBLIC = frozenset(LeadRecord.__struct_fields__) - {
    "rejected",
    "seed",
    "versions",
    "routing",
    "attributes",
    "auctions",
}
"""What a lead's line says; `trace` says the rest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `leads`."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the switch's data folder")
    parser.add_argument("--json", action="store_true", help="one JSON list; with --follow one lead a line")
    parser.add_argument("--follow", action="store_true", help="go on: show each lead when it ends, until interrupted")
    parser.add_argument("--show-personal", action="store_true", help="show what people have typed, unmasked")


def run(args: argparse.Namespace) -> int:
    """Print the leads."""
    folding = LeadFold()
    with JournalReader(args.data) as reader:
        last: Position | None = None
        for record in read_all(reader):
            folding.apply(record.event)
            last = record.position
        if not args.follow:
            _print_all([_shown(lead, args) for lead in folding.leads.values()], args.json)
            return ExitCode.DONE
        for record in reader.follow(last):
            changed = folding.apply(record.event)
            if changed is not None and changed.outcome is not None:
                _print_one(_shown(changed, args), args.json)
    return ExitCode.DONE


def as_builtins(lead: LeadRecord) -> dict[str, object]:
    """A lead as `leads --json` shows it."""
    shown: dict[str, object] = {name: value for name, value in msgspec.to_builtins(lead).items() if name in _PUBLIC}
    return shown


def _shown(lead: LeadRecord, args: argparse.Namespace) -> LeadRecord:
    return lead if args.show_personal else masked(lead)


def _print_all(leads: list[LeadRecord], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode([as_builtins(lead) for lead in leads]).decode() + "\n")
        return
    if not leads:
        sys.stdout.write("No leads yet. Start a switch with this data folder and post one to /v1/leads.\n")
        return
    piped = not sys.stdout.isatty()  # then one lead is one line, for tools that read lines
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("at", "lead", "phone", "campaign", "publisher", "outcome", "buyer", "tried"):
        table.add_column(title, no_wrap=piped or title in {"lead", "at"})
    for title in ("ms", "revenue", "payout", "µs"):
        table.add_column(title, justify="right")
    for lead in leads:
        table.add_row(*_cells(lead))
    Console(width=PIPED_WIDTH if piped else None).print(table)


def _print_one(lead: LeadRecord, as_json: bool) -> None:
    line = (
        msgspec.json.encode(as_builtins(lead)).decode() if as_json else "  ".join(cell for cell in _cells(lead) if cell)
    )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _cells(lead: LeadRecord) -> list[str]:
    outcome = lead.outcome or "being sold"
    if reason := lead.unsold_reason or (lead.held_reason if lead.outcome == "held" else None):
        outcome += f" ({reason})"
    return [
        lead.at[:19].replace("T", " "),
        lead.id,
        lead.phone or "",
        lead.campaign,
        lead.publisher + (", test" if lead.test else ""),
        outcome,
        lead.buyer or "",
        ", ".join(f"{each.target}: {each.outcome or 'being posted'}" for each in lead.deliveries),
        "" if lead.took_ms is None else str(lead.took_ms),
        lead.revenue or "",
        lead.payout or "",
        "" if lead.decision_us is None else str(lead.decision_us),
    ]
