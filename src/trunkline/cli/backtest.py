"""`trunkline backtest`: what another configuration would have made of the last days' calls."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from trunkline.capacity.memory import MemoryCapacity
from trunkline.cli.check import as_text
from trunkline.cli.simulate import facts_for
from trunkline.config.schema import Snapshot
from trunkline.engine.geo.overlay import Overlay
from trunkline.engine.scoring.rate_book import RateBook
from trunkline.events.entry import Position
from trunkline.journal.configurations import Configurations
from trunkline.journal.reader import JournalReader
from trunkline.kernel.clock import iso
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.switch.config_files import load_path
from trunkline.switch.geo_store import GeoStore
from trunkline.worker.simulation.behaviour import Behaviour
from trunkline.worker.simulation.history import History
from trunkline.worker.simulation.run import Simulation

SUMMARY: Final = "what another configuration would have made of the last days' calls"
DAYS_MAX: Final = 366
DAY_MS: Final = 86_400_000
_READ_AT_ONCE = 5_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `backtest`."""
    add = parser.add_argument
    add("--data", metavar="DIR", type=Path, required=True, help="the switch's data folder")
    add("--config", metavar="PATH", type=Path, required=True, help="the configuration to try")
    add("--days", metavar="N", type=int, required=True, help="calls of the last N x 24 hours")
    add("--seed", metavar="N", type=int, default=0, help="decides what is drawn (default 0)")
    add("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Compare. Exit code 1 for a wrong configuration, 2 for a folder without journal."""
    if not 1 <= args.days <= DAYS_MAX:
        raise UsageError(f"--days {args.days}: from 1 to {DAYS_MAX} can be looked at")
    loaded = load_path(args.config)
    if loaded.snapshot is None:
        sys.stderr.write(as_text(loaded.errors, args.config) + "\n")
        return ExitCode.WRONG
    until_ms = time.time_ns() // 1_000_000
    since_ms = until_ms - args.days * DAY_MS
    kept = Configurations(args.data)
    in_force = kept.get(kept.in_force())
    history = read_history(args.data, in_force, since_ms)
    snapshots = {"in_force": in_force, "configured": loaded.snapshot}
    answer: dict[str, Any] = {"from": iso(since_ms), "to": iso(until_ms), "erased": history.erased}
    answer["not_routed"] = history.not_routed
    answer["accounts"] = compare(history, snapshots, args.seed, GeoStore(args.data).load(), known(args.data, history))
    if args.json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        _print(answer)
    return ExitCode.DONE


def read_history(data: Path, snapshot: Snapshot, since_ms: int) -> History:
    """The calls since then of the accounts that the snapshot has. Raises JournalMissing."""
    history = History(snapshot.accounts)
    with JournalReader(data) as reader, Progress(console=Console(stderr=True), transient=True) as progress:
        after, end = reader.before(since_ms), reader.end()
        task = progress.add_task("reading the journal", total=end.seq - after.seq)
        while after.seq < end.seq and (records := reader.tail(after, _READ_AT_ONCE)):
            history.take(records)
            progress.update(task, advance=records[-1].position.seq - after.seq)
            after = Position(end.stream, records[-1].position.seq)
    return history


class Known(NamedTuple):
    """What was counted from history, by account: rate books, and return penalties by target."""

    rates: dict[str, RateBook]
    penalties: dict[str, dict[str, int]]


def known(data: Path, history: History) -> Known:
    """The rate books that were published last, as far as they are kept, and the penalties in force."""
    with JournalReader(data) as reader:
        found = {account: reader.rate_book(account, version) for account, version in history.rates.items()}
        rates = {account: RateBook(book) for account, book in found.items() if book is not None}
        return Known(rates, reader.penalties())


def compare(
    history: History, snapshots: dict[str, Snapshot], seed: int, overlay: Overlay, facts: Known
) -> dict[str, dict[str, Any]]:
    """By account: what really came of the calls, and what would have by each snapshot and the same buyers."""
    header = history.header()
    found: dict[str, dict[str, Any]] = {key: {"actual": tally.document()} for key, tally in history.actual.items()}
    for name, snapshot in snapshots.items():
        behaviour = Behaviour(header.targets, header.default, seed)
        simulation = Simulation(
            snapshot,
            behaviour,
            MemoryCapacity(),
            seed,
            lenient=True,
            overlay=overlay,
            facts=facts_for(snapshot, *facts),
        )
        for key, tally in simulation.run(history.arrivals()).items():
            if key in found:
                found[key][name] = tally.document() | {"unplaced": simulation.unplaced}
    return found


def _print(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"calls from {answer['from']} to {answer['to']}; {answer['not_routed']} more ended before routing")
    for key, each in answer["accounts"].items():
        table = Table("", "actual", "in force, again", "configured", title=f"account {key}", title_justify="left")
        sides = [each["actual"], each.get("in_force", {}), each.get("configured", {})]
        for field in ("calls", "sold", "revenue", "payout"):
            table.add_row(field, *(str(side.get(field, "-")) for side in sides))
        for buyer in dict.fromkeys(name for side in sides for name in side.get("buyers", {})):
            parts = [side.get("buyers", {}).get(buyer) for side in sides]
            table.add_row(
                f"{buyer}: connected, revenue",
                *("-" if part is None else f"{part['connected']}, {part['revenue']}" for part in parts),
            )
        console.print(table)
