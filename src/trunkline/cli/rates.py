"""`trunkline rates`: how often offers convert, counted from the journal, and given to the running switch."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.engine.scoring.rate_book import Rate, RateBook
from trunkline.engine.scoring.tally import RateTally
from trunkline.journal.configurations import ConfigurationMissing, Configurations
from trunkline.journal.reader import JournalReader
from trunkline.kernel.clock import iso
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.worker.rates import half_lives, longest_decision_s, tally_journal

SUMMARY: Final = "count how often offers convert; publish it for tiers of method performance"
HOUR_MS: Final = 3_600_000
MATURE_HOURS_MAX: Final = 400 * 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `rates`."""
    parser.add_argument("--account", metavar="KEY", help="one account (default: all)")
    parser.add_argument(
        "--mature-hours",
        metavar="N",
        type=int,
        help="leave out calls that ended in the last N hours (default: the longest decide_within_seconds)",
    )
    parser.add_argument("--publish", action="store_true", help="have the running switch decide by it")
    admin.add_arguments(parser, changes=True)


def run(args: argparse.Namespace) -> int:
    """Count, print, publish. Exit code 3 for a folder without a journal, or when no switch runs to publish to."""
    if args.mature_hours is not None and not 0 <= args.mature_hours <= MATURE_HOURS_MAX:
        raise UsageError(f"--mature-hours {args.mature_hours}: from 0 to {MATURE_HOURS_MAX}")
    at_ms = time.time_ns() // 1_000_000
    tally = _count(args.data, at_ms, None if args.mature_hours is None else args.mature_hours * HOUR_MS)
    wanted = [args.account] if args.account else tally.accounts()
    books = [RateBook(tally.book(account)) for account in wanted]
    published = [_publish(args.data, book, args.key) for book in books] if args.publish else []
    if args.json:
        document = {
            "at": iso(at_ms),
            "offers": tally.counted,
            "left_out": tally.left_out,
            "waiting": tally.waiting(),
            "books": [{"version": book.version} | msgspec.to_builtins(book.rates) for book in books],
            "published": published,
        }
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _print(tally, books)
        for each in published:
            print(f"account {each['account']}: version {each['version']} is in force; before, {each['before']}")
    return ExitCode.DONE


def _count(data: Path, at_ms: int, mature_ms: int | None) -> RateTally:
    kept = Configurations(data)
    try:
        accounts = kept.get(kept.in_force()).accounts
    except ConfigurationMissing:
        accounts = ()
    if mature_ms is None:
        mature_ms = longest_decision_s(accounts) * 1_000
    with JournalReader(data) as reader:
        return tally_journal(reader, at_ms, half_lives(accounts), mature_ms)


def _publish(data: Path, book: RateBook, key: str | None) -> dict[str, Any]:
    """Hand the book over in a file of the data folder, which is too long for a line."""
    file = data.resolve() / f"rates-{book.rates.account}-{os.getpid()}.json"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(book.rates))
        arguments = {"file": str(file), "version": book.version}
        answer: dict[str, Any] = admin.tell(data, "rates.publish", arguments, key and f"{key}/{book.rates.account}")
        return answer
    finally:
        file.unlink(missing_ok=True)


def _print(tally: RateTally, books: list[RateBook]) -> None:
    console = Console(highlight=False)
    console.print(f"{tally.counted} offers; {tally.waiting()} wait for their outcome, {tally.left_out} do not count")
    for book in books:
        rates = book.rates
        console.print(f"\naccount [bold]{rates.account}[/], version {book.version}, ages from {iso(rates.at_ms)}")
        table = Table()
        for name in ("route", "source"):
            table.add_column(name, overflow="fold")
        for name in ("offers", "of which now weigh", "converted"):
            table.add_column(name, justify="right")
        for route, rate in sorted(rates.routes.items()):
            table.add_row(route, "", *_figures(rate))
            for source, mine in sorted(rates.sources.get(route, {}).items()):
                table.add_row("", source, *_figures(mine))
        console.print(table)


def _figures(rate: Rate) -> tuple[str, str, str]:
    return str(rate.offers), f"{rate.weight:.1f}", f"{rate.converted / rate.weight:.1%}"
