"""`trunkline explain`: who would be offered this caller, in which order, and why nobody else would.

It asks the compiled router that the switch asks; nothing is called, reserved or stored.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli.check import as_text
from trunkline.config.schema import Kind
from trunkline.engine.geo.overlay import NO_OVERLAY
from trunkline.engine.routing.contest import Held
from trunkline.engine.routing.explain import Explanation, as_json
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.reasons import ROUTE_WORDS, UNSOLD_WORDS, Reason, Unsold
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import iso
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.kernel.leases import FUNDS
from trunkline.kernel.money import Money
from trunkline.switch.config_files import load_path
from trunkline.switch.geo_store import read_overlay
from trunkline.testing.asking import Oracle, question_of
from trunkline.testing.asking_flags import read_books

SUMMARY: Final = "say who would be offered a caller, in which order, and why nobody else"
_FLAGS: Final = (
    "to", "campaign", "kind", "at", "seed", "attr", "live", "used", "funds", "last", "down", "seen", "listed", "bid",
    "score", "penalty",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All flags."""
    add = parser.add_argument
    add("--config", metavar="PATH", type=Path, required=True, help="a file, or a folder with platform.yaml")
    add("--to", metavar="NUMBER", help="the tracking number that is called")
    add("--from", metavar="NUMBER", dest="caller", help="who calls; `anonymous` for a withheld number")
    add("--campaign", metavar="KEY", help="instead of --to: the campaign, for a lead")
    add("--kind", choices=[kind.value for kind in Kind], help="call (default) or lead")
    add("--at", metavar="ISO", help="when, with an offset: 2026-11-23T10:00:00-05:00 (default now)")
    add("--seed", metavar="N", help="decides every draw (default 0)")
    add("--attr", metavar="K=V", action="append", help="state an attribute; `K=` makes it missing")
    add("--live", metavar="LEVEL/KEY=N", action="append", help="concurrency now")
    add("--used", metavar="LEVEL/KEY:MEASURE:PER=N", action="append", help="seats taken in that window")
    add("--funds", metavar="BUYER=AMOUNT", action="append", help="money that the buyer has left")
    add("--last", metavar="LEVEL/KEY=SECONDS", action="append", help="how long ago the last offer passed its limits")
    add("--down", metavar="TARGET[=STATUS]", action="append", help="a target that is out of service, or why not there")
    add(
        "--seen",
        metavar="EVENT,ISO[,BUYER]",
        action="append",
        help="what happened with the contact before",
    )
    add("--listed", metavar="LIST[=no]", action="append", help="a list that the caller is on, or is not on")
    add("--bid", metavar="TARGET=AMOUNT", action="append", help="what a bidder answers; or =none, or =timeout")
    add("--score", metavar="TARGET=P", action="append", help="a model's chance (0 to 1) that the target converts")
    add(
        "--penalty", metavar="TARGET=SHARE", action="append", help="what the target sends back, 0 to 1: its rank's loss"
    )
    add("--geo", metavar="PATH", type=Path, help="a table of area codes or exchanges, or a data folder with imports")
    add("--rates", metavar="FILE", type=Path, help="what `rates --json` printed: the rate books to decide by")
    add("--queries", metavar="FILE", type=Path, help="many questions: a JSON object a line, the flags as keys")
    add("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the answer. Exit code 0 also when there is no offer, 1 for a wrong configuration, 2 for a bad flag."""
    asked = {name: getattr(args, name) for name in _FLAGS} | {"from": args.caller}
    if args.queries is not None and any(asked.values()):
        raise UsageError("--queries stands for all flags of the question", hint="write them into its lines")
    loaded = load_path(args.config)
    if loaded.snapshot is None:
        sys.stderr.write(as_text(loaded.errors, args.config) + "\n")
        return ExitCode.WRONG
    oracle = Oracle(
        loaded.snapshot,
        NO_OVERLAY if args.geo is None else read_overlay(args.geo),
        {} if args.rates is None else read_books(args.rates),
    )
    if args.queries is not None:
        return _batch(oracle, args.queries)
    explanation, query = oracle.ask(question_of({key: value for key, value in asked.items() if value is not None}))
    if args.json:
        document = msgspec.json.format(msgspec.json.encode(as_json(explanation)), indent=2)
        sys.stdout.write(document.decode() + "\n")
    else:
        _print(explanation, query)
    return ExitCode.DONE


def _batch(oracle: Oracle, path: Path) -> int:
    """Answer one question a line with one document a line, in order; a bad one is answered by its error."""
    code = ExitCode.DONE
    with _lines_of(path) as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                answer: Any = as_json(oracle.ask(question_of(_decoded(line)))[0])
            except UsageError as error:
                answer = {"error": error.message, "hint": error.hint, "exit": int(ExitCode.USAGE)}
                code = ExitCode.USAGE
            sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    return code


def _decoded(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this line is no JSON: {error}", hint='write {"to": "+18335550100", …}') from error


@contextmanager
def _lines_of(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UsageError(f"--queries {path}: {error.strerror}", hint="name a file, or - for standard input") from error
    with stream:
        yield stream


def _print(explanation: Explanation, query: Query) -> None:
    console = Console(highlight=False)
    console.print(
        f"{query.kind.value} for campaign [bold]{query.campaign}[/], plan [bold]{explanation.plan}[/], "
        f"at {iso(query.now.utc_ms)}, seed {explanation.seed}"
    )
    if explanation.offers:
        console.print(_offers_table(explanation))
    else:
        console.print(f"\nNo offer: {UNSOLD_WORDS[Unsold(explanation.unsold)].operator}")
    for held in explanation.auctions:
        console.print(_auction_table(held, explanation))
    if explanation.rejected:
        console.print(_rejected_table(explanation))
    known = Table("attribute", "value", "known by", title="What is known of the caller", title_justify="left")
    for name, fact in sorted(explanation.attributes.items()):
        sure = "" if fact.confidence == 1 else f" ({fact.confidence:.0%} sure)"
        known.add_row(name, fact.value or _likeliest(fact), f"{fact.basis}{sure}")
    console.print(known)


def _likeliest(fact: Attribute) -> str:
    """The first few of what it may be: `Travis, TX 58 %, Williamson, TX 23 %, 4 more`."""
    first = [f"{value} {share:.0%}" for value, share in fact.chances[:3]]
    more = len(fact.chances) - len(first)
    return ", ".join([*first, f"{more} more"] if more else first)


def _offers_table(explanation: Explanation) -> Table:
    table = Table(title="Offers, in order, if each were refused", title_justify="left")
    table.add_column("#", justify="right")
    for name in ("route", "buyer", "method"):
        table.add_column(name, overflow="fold")
    table.add_column("price", justify="right")
    drawn = any(offer.odds is not None for offer in explanation.offers)
    for name in ("chance", "offers", "expected", "propensity") if drawn else ():
        table.add_column(name, justify="right")
    for rank, offer in enumerate(explanation.offers, start=1):
        row = [str(rank), offer.route, offer.buyer, offer.method, str(offer.terms.price)]
        if (odds := offer.odds) is not None:
            expected = Money(round(offer.terms.price.minor * odds.p), offer.terms.price.currency)
            trial = " (trial)" if odds.trial else ""
            row += [f"{odds.p:.3f}", str(odds.samples), str(expected), f"{odds.propensity:.3f}{trial}"]
        table.add_row(*row)
    return table


def _auction_table(held: Held, explanation: Explanation) -> Table:
    table = Table(title=f"The auction of {held.plan}.{held.tier}", title_justify="left")
    for name in ("route", "came out"):
        table.add_column(name, overflow="fold")
    for name in ("bid", "penalty"):
        table.add_column(name, justify="right")
    for route, each, fate in held.fates({offer.route for offer in explanation.offers}):
        bid = "" if each.bid is None else str(Money(each.bid, explanation.currency))
        penalty = f"{each.entrant.penalty / 100:g} %" if each.entrant.penalty else ""
        table.add_row(route, fate.value.replace("_", " "), bid, penalty)
    return table


def _rejected_table(explanation: Explanation) -> Table:
    table = Table(title="Not offered", title_justify="left")
    for name in ("route", "reason", "in words"):
        table.add_column(name, overflow="fold")
    for rejection in explanation.rejected:
        table.add_row(rejection.route, rejection.reason, words(rejection, explanation.currency))
    return table


def words(rejection: Rejection, currency: str) -> str:
    """One rejection as a sentence."""
    sentence = ROUTE_WORDS[Reason(rejection.reason)].operator
    if rejection.max is None or rejection.used is None:
        where = "" if rejection.level is None else f" Level: {rejection.level}."
        return sentence + where + (f" {rejection.detail}." if rejection.detail else "")
    money = rejection.measure in {"spend", FUNDS}
    used, most = (str(Money(value, currency)) if money else str(value) for value in (rejection.used, rejection.max))
    window = f" per {rejection.per}" if rejection.per else ""
    return f"{sentence} {rejection.level} {rejection.detail}: {rejection.measure}{window} {used} of {most}."
