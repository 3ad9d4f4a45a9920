"""`./trunkline calls`: the calls of a data folder, as a table or as JSON; live with --follow."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import msgspec

from trunkline.cli.listing import Listing
from trunkline.engine.calls.records import CallFold, CallRecord
from trunkline.kernel.errors import ExitCode
from trunkline.kernel.phone import mask

SUMMARY = "list the calls of a data folder"

_PUBLIC = frozenset(CallRecord.__struct_fields__) - {"rejected", "seed", "versions", "routing", "attributes"}
"""What a call's line says; `trace` says the rest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `calls`."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the switch's data folder")
    parser.add_argument("--json", action="store_true", help="one JSON list; with --follow one call a line")
    parser.add_argument("--follow", action="store_true", help="go on: show each call when it ends, until interrupted")


def run(args: argparse.Namespace) -> int:
    """Print the calls."""
    folding = CallFold()
    LISTING.run(
        args.data,
        folding.apply,
        lambda: list(folding.calls.values()),
        lambda call: folding.calls.pop(call.id),  # what is followed for days is not to be kept
        as_json=args.json,
        follow=args.follow,
    )
    return ExitCode.DONE


def as_builtins(call: CallRecord) -> dict[str, object]:
    """A call as `calls --json` shows it."""
    shown: dict[str, object] = {name: value for name, value in msgspec.to_builtins(call).items() if name in _PUBLIC}
    return shown


def _cells(call: CallRecord) -> list[str]:
    outcome = call.outcome or "going on"
    if reason := call.unsold_reason or call.ended_reason:
        outcome += f" ({reason})"
    return [
        call.at[:19].replace("T", " "),
        call.id,
        mask(call.caller) if call.caller else "withheld",
        call.number,
        outcome,
        call.buyer or "",
        ", ".join(f"{attempt.target}: {attempt.outcome or 'ringing'}" for attempt in call.attempts),
        "" if call.duration_ms is None else f"{call.duration_ms / 1000:.1f}",
        call.revenue or "",
        call.payout or "",
        "" if call.decision_us is None else str(call.decision_us),
    ]


LISTING: Final = Listing[CallRecord](
    texts=("at", "call", "caller", "number", "outcome", "buyer", "tried"),
    figures=("talk s", "revenue", "payout", "µs"),
    whole=frozenset({"call", "at"}),
    empty="No calls yet. Start a switch with this data folder and call one of its numbers.",
    cells=_cells,
    fields=as_builtins,
)
