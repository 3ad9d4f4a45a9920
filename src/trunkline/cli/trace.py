"""`./trunkline trace ID`: what happened to one call and why, told from the journal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from trunkline.engine.calls.records import fold
from trunkline.engine.calls.story import tell
from trunkline.events.calls import AnyCallEvent, CallEvent
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import ExitCode, UsageError

SUMMARY = "tell what happened to one call, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `trace`."""
    parser.add_argument("id", metavar="ID", help="the call, as `calls` shows it")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the switch's data folder")
    parser.add_argument("--json", action="store_true", help="the call's record and all its events as one document")


def run(args: argparse.Namespace) -> int:
    """Print the story, or the record with its events."""
    events = read_call(args.data, args.id)
    if args.json:
        record = fold(events)[args.id]
        document = {"call": record, "events": events, "story": tell(events)}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        sys.stdout.write("\n".join([f"call {args.id}", *tell(events)]) + "\n")
    return ExitCode.DONE


def read_call(data: Path, call: str) -> list[AnyCallEvent]:
    """All events of a call, in order. Raises UsageError when the data folder knows no such call."""
    with JournalReader(data) as reader:
        events = [record.event for record in reader.records_of(call) if isinstance(record.event, CallEvent)]
    if not events:
        raise UsageError(f"there is no call {call} in {data}", hint=f"./trunkline calls --data {data} lists them")
    return events
