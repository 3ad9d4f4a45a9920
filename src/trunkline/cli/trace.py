"""`./trunkline trace ID`: what happened to one call or lead and why, told from the journal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from trunkline.cli.retrace import Retraced, retrace
from trunkline.cli.trace_pages import as_document, as_lines, seen_by_buyer, seen_by_publisher
from trunkline.engine.calls.records import fold
from trunkline.engine.calls.story import tell
from trunkline.engine.leads.records import fold_leads
from trunkline.engine.leads.story import tell_lead
from trunkline.events.auctions import AuctionEvent
from trunkline.events.calls import AnyCallEvent, CallEvent, CallReceived
from trunkline.events.deliveries import QueuedDelivery
from trunkline.events.entry import Event, Record
from trunkline.events.leads import LeadEvent, LeadReceived
from trunkline.events.returns import AnyReturnEvent, ReturnEvent
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import ExitCode, UsageError

SUMMARY = "tell what happened to one call or lead, and why"
Told = AnyCallEvent | AnyReturnEvent
"""What a call's story is made of."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `trace`."""
    parser.add_argument("id", metavar="ID", help="the call or lead, as `calls` and `leads` show it")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the switch's data folder")
    parser.add_argument("--full", action="store_true", help="make its decisions again: every route, with its values")
    parser.add_argument(
        "--as", dest="seen_as", metavar="buyer:KEY|publisher:KEY", help="only what that buyer or publisher may see"
    )
    parser.add_argument("--json", action="store_true", help="the call's record and all its events as one document")


def run(args: argparse.Namespace) -> int:
    """Print the story, or the record with its events."""
    with JournalReader(args.data) as reader:
        records = _records(reader, args.data, args.id)
        events = _events(records)
        if args.seen_as is not None:
            return _print_seen(args, events, retrace(args.data, reader, records))
        retraced = retrace(args.data, reader, records) if args.full else []
    lead = any(isinstance(event, LeadReceived) for event in events)
    story = tell_lead(events) if lead else tell(_of_call(events))
    if args.json:
        record: object = fold_leads(events)[args.id] if lead else fold(events)[args.id]
        document = {"lead" if lead else "call": record, "events": events, "story": story}
        if args.full:
            document["decisions"] = [as_document(each) for each in retraced]
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        lines = [line for each in retraced for line in as_lines(each)]
        sys.stdout.write("\n".join([f"{'lead' if lead else 'call'} {args.id}", *story, *lines]) + "\n")
    return ExitCode.DONE


def read_call(data: Path, call: str) -> list[Told]:
    """All events of a call, in order. Raises UsageError when the data folder knows no such call."""
    with JournalReader(data) as reader:
        return _of_call(_events(_records(reader, data, call)))


def _of_call(events: Sequence[Event]) -> list[Told]:
    return [event for event in events if isinstance(event, CallEvent | AuctionEvent | ReturnEvent)]


def _records(reader: JournalReader, data: Path, call: str) -> list[Record]:
    records = reader.records_of(call)
    if not _events(records):
        hint = f"./trunkline calls --data {data} lists them, and leads those"
        raise UsageError(f"there is no call or lead {call} in {data}", hint=hint)
    return records


def _events(records: Sequence[Record]) -> list[Event]:
    kinds = CallEvent | LeadEvent | AuctionEvent | ReturnEvent | QueuedDelivery
    return [record.event for record in records if isinstance(record.event, kinds)]


def _print_seen(args: argparse.Namespace, events: Sequence[Event], retraced: Sequence[Retraced]) -> int:
    """What a buyer or the publisher may see, as a document. Raises UsageError for anybody else."""
    who, _, key = args.seen_as.partition(":")
    if who == "buyer" and key:
        decisions = [seen_by_buyer(each, key) for each in retraced]
    elif who == "publisher" and key:
        sent_by = next(event.publisher for event in events if isinstance(event, CallReceived | LeadReceived))
        if sent_by != key:
            raise UsageError(f"--as {args.seen_as}: another publisher has sent {args.id}")
        decisions = [seen_by_publisher(each) for each in retraced]
    else:
        raise UsageError(f"--as {args.seen_as}: this is nobody", hint="write buyer:KEY or publisher:KEY")
    document = {"call": args.id, "as": args.seen_as, "decisions": decisions}
    if args.json:
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    return ExitCode.DONE
