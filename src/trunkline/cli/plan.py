"""`trunkline plan`: what a configuration would change, in itself and in the routing of the last day's calls."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.capacity.memory import MemoryCapacity
from trunkline.cli.backtest import DAY_MS, Known, known, read_history
from trunkline.cli.check import as_text
from trunkline.cli.simulate import facts_for
from trunkline.config.diff import Change, differences
from trunkline.config.schema import Snapshot
from trunkline.engine.geo.overlay import Overlay
from trunkline.journal.configurations import Configurations
from trunkline.kernel.errors import ExitCode
from trunkline.switch.config_files import load_path
from trunkline.switch.geo_store import GeoStore
from trunkline.worker.simulation.behaviour import Behaviour
from trunkline.worker.simulation.history import History
from trunkline.worker.simulation.run import Simulation

SUMMARY: Final = "what a configuration would change, also in the routing of the last 24 hours' calls"
MOVES_MAX: Final = 50
"""Pairs of routes that are listed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `plan`."""
    parser.add_argument("--config", metavar="PATH", type=Path, required=True, help="the configuration to try")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the switch's data folder")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Compare with the configuration in force. Exit code 0 also when nothing differs, 1 for a wrong configuration."""
    loaded = load_path(args.config)
    if loaded.snapshot is None:
        sys.stderr.write(as_text(loaded.errors, args.config) + "\n")
        return ExitCode.WRONG
    kept = Configurations(args.data)
    before = kept.get(kept.in_force())
    changes = differences(before, loaded.snapshot)
    history = read_history(args.data, before, time.time_ns() // 1_000_000 - DAY_MS)
    routing = moved(history, before, loaded.snapshot, GeoStore(args.data).load(), known(args.data, history))
    if args.json:
        document = {
            "in_force": before.digest,
            "configured": loaded.snapshot.digest,
            "changes": changes,
            "routing": routing,
        }
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _print(changes, routing)
    return ExitCode.DONE


def moved(history: History, before: Snapshot, after: Snapshot, overlay: Overlay, facts: Known) -> dict[str, Any]:
    """Of the calls of the history: whom they would first be offered to by each configuration, and what comes of it."""
    header = history.header()
    runs = []
    for snapshot in (before, after):
        simulation = Simulation(
            snapshot,
            Behaviour(header.targets, header.default, 0),
            MemoryCapacity(),
            0,
            lenient=True,
            overlay=overlay,
            facts=facts_for(snapshot, *facts),
        )
        tallies = simulation.run(history.arrivals())
        runs.append((simulation, {key: tally.document() for key, tally in tallies.items()}))
    (old, was), (new, will_be) = runs
    moves = Counter(pair for pair in zip(old.first, new.first, strict=True) if pair[0] != pair[1])
    return {
        "calls": len(old.first),
        "first_offer_changed": sum(moves.values()),
        "moves": [{"from": a, "to": b, "calls": count} for (a, b), count in moves.most_common(MOVES_MAX)],
        "unplaced": new.unplaced,
        "before": was,
        "after": will_be,
    }


def _print(changes: list[Change], routing: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not changes:
        console.print("nothing would change: both decide alike")
    for change in changes:
        mark = {"added": "+", "removed": "-", "changed": "~", "reordered": "~"}[change.change]
        told = ""
        if change.change == "changed":
            told = f": {_short(change.before)} -> {_short(change.after)}"
        elif change.change == "reordered":
            told = f": {_short(change.before)} -> {_short(change.after)} (order)"
        console.print(f"{mark} {change.path}{told}", markup=False, soft_wrap=True)
    console.print(
        f"\nOf {routing['calls']} calls of the last 24 hours, {routing['first_offer_changed']} would first be offered "
        "to somebody else."
    )
    if routing["unplaced"]:
        console.print(f"{routing['unplaced']} of them called numbers or plans that are not there any more.")
    if routing["moves"]:
        table = Table("calls", "first offered to", "instead of")
        for move in routing["moves"]:
            table.add_row(str(move["calls"]), move["to"] or "nobody", move["from"] or "nobody")
        console.print(table)
    for key, was in routing["before"].items():
        will_be = routing["after"].get(key)
        if will_be is not None:
            console.print(
                f"account {key}: sold {was['sold']} -> {will_be['sold']}, revenue {was['revenue']} -> "
                f"{will_be['revenue']} {was['currency']}, payout {was['payout']} -> {will_be['payout']} (simulated)"
            )


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
