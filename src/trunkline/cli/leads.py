"""`./trunkline leads`: the leads of a data folder, as a table or as JSON; live with --follow."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import msgspec

from trunkline.cli.listing import Listing
from trunkline.engine.leads.records import LeadFold, LeadRecord, masked
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

    def shown(lead: LeadRecord) -> LeadRecord:
        return lead if args.show_personal else masked(lead)

    LISTING.run(
        args.data,
        folding.apply,
        lambda: [shown(lead) for lead in folding.leads.values()],
        shown,
        as_json=args.json,
        follow=args.follow,
    )
    return ExitCode.DONE


def as_builtins(lead: LeadRecord) -> dict[str, object]:
    """A lead as `leads --json` shows it."""
    shown: dict[str, object] = {name: value for name, value in msgspec.to_builtins(lead).items() if name in _PUBLIC}
    return shown


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


LISTING: Final = Listing[LeadRecord](
    texts=("at", "lead", "phone", "campaign", "publisher", "outcome", "buyer", "tried"),
    figures=("ms", "revenue", "payout", "µs"),
    whole=frozenset({"lead", "at"}),
    empty="No leads yet. Start a switch with this data folder and post one to /v1/leads.",
    cells=_cells,
    fields=as_builtins,
)
