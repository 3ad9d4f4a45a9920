"""`trunkline simulate`: what a configuration would have made of this traffic, and what another would have."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from trunkline.capacity.memory import MemoryCapacity
from trunkline.cli.check import as_text
from trunkline.config.schema import Snapshot
from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.routing.facts import Facts, facts_of
from trunkline.engine.scoring.rate_book import NO_RATES, RateBook
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.switch.config_files import load_path
from trunkline.switch.geo_store import read_overlay
from trunkline.switch.list_files import lists_of
from trunkline.testing.asking_flags import read_books
from trunkline.worker.simulation.behaviour import Behaviour
from trunkline.worker.simulation.run import Simulation
from trunkline.worker.simulation.traffic import Arrival, Traffic

SUMMARY: Final = "run traffic from a file through a configuration: what is sold, to whom, and which limits fill up"
SEED_MAX: Final = 2**63 - 1
_SHOWN_EVERY = 5_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `simulate`."""
    add = parser.add_argument
    add("--config", metavar="PATH", type=Path, required=True, help="a file, or a folder with platform.yaml")
    add("--traffic", metavar="FILE", type=Path, required=True, help="JSON lines: a header, then one arrival a line")
    add("--compare", metavar="PATH", type=Path, help="a second configuration for the same traffic")
    add("--geo", metavar="PATH", type=Path, help="a table of area codes or exchanges, or a data folder with imports")
    add("--rates", metavar="FILE", type=Path, help="what `rates --json` printed: the rate books to decide by")
    add("--seed", metavar="N", type=int, default=0, help="decides every draw (default 0)")
    add("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run once, or twice to compare. Exit code 1 for a wrong configuration, 2 for traffic that cannot be read."""
    if not 0 <= args.seed <= SEED_MAX:
        raise UsageError(f"--seed {args.seed}: this is no seed", hint=f"write a whole number up to {SEED_MAX}")
    documents = []
    overlay = NO_OVERLAY if args.geo is None else read_overlay(args.geo)
    rates = {} if args.rates is None else read_books(args.rates)
    for path in [args.config, *([args.compare] if args.compare is not None else [])]:
        loaded = load_path(path)
        if loaded.snapshot is None:
            sys.stderr.write(as_text(loaded.errors, path) + "\n")
            return ExitCode.WRONG
        documents.append(simulate(loaded.snapshot, args.traffic, args.seed, overlay, rates))
    answer = documents[0] if args.compare is None else {**documents[0], "compared": documents[1]}
    if args.json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        _print(documents)
    return ExitCode.DONE


def facts_for(
    snapshot: Snapshot, rates: Mapping[str, RateBook], penalties: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, Facts]:
    """What is known besides the configuration: lists from its files, and these rate books and return penalties.

    Raises ListUnusable.
    """
    lists = lists_of(snapshot, None)
    return {
        config.account.key: facts_of(
            rates=rates.get(config.account.key, NO_RATES),
            penalties=(penalties or {}).get(config.account.key),
            lists=lists.get(config.account.key, {}),
        )
        for config in snapshot.accounts
    }


def simulate(
    snapshot: Snapshot, path: Path, seed: int, overlay: Overlay, rates: Mapping[str, RateBook]
) -> dict[str, Any]:
    """One run: the document of its only account, or `{"accounts": {key: document}}` of several."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UsageError(f"--traffic {path}: {error.strerror}", hint="name a file of JSON lines") from error
    with stream, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulating", total=path.stat().st_size)
        traffic = Traffic(_counted(stream, progress, task), str(path))
        header = traffic.header
        behaviour = Behaviour(header.targets, header.default, seed)
        simulation = Simulation(
            snapshot, behaviour, MemoryCapacity(), seed, overlay=overlay, facts=facts_for(snapshot, rates)
        )
        for target in simulation.strangers:
            sys.stderr.write(f"warning: the header describes {target!r}, and the configuration has no such target\n")
        tallies = simulation.run(_arrivals(traffic))
    documents = {key: tally.document() for key, tally in tallies.items()}
    return next(iter(documents.values())) if len(documents) == 1 else {"accounts": documents}


def _arrivals(traffic: Traffic) -> Iterator[tuple[int, int, Arrival]]:
    yield from traffic


def _counted(lines: Iterable[bytes], progress: Progress, task: TaskID) -> Iterator[bytes]:
    read = 0
    for number, line in enumerate(lines):
        read += len(line)
        if number % _SHOWN_EVERY == 0:
            progress.update(task, completed=read)
        yield line


def _print(documents: list[dict[str, Any]]) -> None:
    console = Console(highlight=False)
    for place, document in enumerate(documents):
        if len(documents) > 1:
            console.print(f"[bold]{('the configuration', 'compared with')[place]}[/]")
        for key, each in document.get("accounts", {"": document}).items():
            _print_account(console, key, each)


def _print_account(console: Console, key: str, document: dict[str, Any]) -> None:
    sold, calls, currency = document["sold"], document["calls"], document["currency"]
    share = f" ({sold / calls:.1%})" if calls else ""
    console.print(
        f"{key + ': ' if key else ''}{calls} arrivals, {sold} sold{share}, revenue {document['revenue']} {currency}, "
        f"payout {document['payout']} {currency}"
    )
    for reason, count in document["unsold"].items():
        console.print(f"  not sold: {reason} {count}")
    buyers = Table("buyer", "offers", "connected", "converted", "revenue")
    for name, each in document["buyers"].items():
        buyers.add_row(name, *(str(each[field]) for field in ("offers", "connected", "converted", "revenue")))
    console.print(buyers)
    limits = Table("limit", "peak", "of")
    for each in document["limits"]:
        per = f" per {each['per']}" if each["per"] else ""
        limits.add_row(f"{each['level']} {each['key']}: {each['measure']}{per}", str(each["peak"]), str(each["max"]))
    console.print(limits)
