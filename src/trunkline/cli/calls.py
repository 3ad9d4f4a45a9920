"""`./trunkline calls`: the calls of a data folder, as a table or as JSON; live with --follow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.engine.calls.records import CallFold, CallRecord
from trunkline.events.entry import Position, Record
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import ExitCode
from trunkline.kernel.phone import mask

SUMMARY = "list the calls of a data folder"

PAGE = 10_000
PIPED_WIDTH = 1_000
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
    with JournalReader(args.data) as reader:
        last: Position | None = None
        for record in read_all(reader):
            folding.apply(record.event)
            last = record.position
        if not args.follow:
            _print_all(list(folding.calls.values()), args.json)
            return ExitCode.DONE
        for record in reader.follow(last):
            changed = folding.apply(record.event)
            if changed is not None and changed.outcome is not None:
                _print_one(folding.calls.pop(changed.id), args.json)
    return ExitCode.DONE


def read_all(reader: JournalReader) -> Iterator[Record]:
    """Every record of a journal, in order."""
    after: Position | None = None
    while records := reader.tail(after, PAGE):
        yield from records
        after = records[-1].position


def as_builtins(call: CallRecord) -> dict[str, object]:
    """A call as `calls --json` shows it."""
    shown: dict[str, object] = {name: value for name, value in msgspec.to_builtins(call).items() if name in _PUBLIC}
    return shown


def _print_all(calls: list[CallRecord], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode([as_builtins(call) for call in calls]).decode() + "\n")
        return
    if not calls:
        sys.stdout.write("No calls yet. Start a switch with this data folder and call one of its numbers.\n")
        return
    piped = not sys.stdout.isatty()  # then one call is one line, for tools that read lines
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("at", "call", "caller", "number", "outcome", "buyer", "tried"):
        table.add_column(title, no_wrap=piped or title in {"call", "at"})
    for title in ("talk s", "revenue", "payout", "µs"):
        table.add_column(title, justify="right")
    for call in calls:
        table.add_row(*_cells(call))
    Console(width=PIPED_WIDTH if piped else None).print(table)


def _print_one(call: CallRecord, as_json: bool) -> None:
    line = (
        msgspec.json.encode(as_builtins(call)).decode() if as_json else "  ".join(cell for cell in _cells(call) if cell)
    )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


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
