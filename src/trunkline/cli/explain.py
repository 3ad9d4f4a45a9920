"""`trunkline explain`: who would be offered this caller, in which order, and why nobody else would.

It asks the compiled router that the switch asks; nothing is called, reserved or stored.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli.check import as_text
from trunkline.cli.explain_flags import SEED_MAX, read_attributes, read_down, read_instant, read_usage
from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import AccountConfig, Kind, Number, Snapshot
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.explain import Explanation, as_json
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.reasons import ROUTE_WORDS, UNSOLD_WORDS, Reason, Unsold
from trunkline.engine.routing.router import compile_router
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import Instant, iso
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.kernel.leases import FUNDS
from trunkline.kernel.money import Money
from trunkline.kernel.phone import ANONYMOUS_NAMES, parse_caller
from trunkline.switch.config_files import load_path

SUMMARY: Final = "say who would be offered a caller, in which order, and why nobody else"
_UNBUILT: Final = ("queries", "bid", "score", "seen")
_COUNTRY_DEFAULT: Final = "US"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All flags, those included that are settled but not built."""
    add = parser.add_argument
    add("--config", metavar="PATH", type=Path, required=True, help="a file, or a folder with platform.yaml")
    add("--to", metavar="NUMBER", help="the tracking number that is called")
    add("--from", metavar="NUMBER", dest="caller", help="who calls; `anonymous` for a withheld number")
    add("--campaign", metavar="KEY", help="instead of --to: the campaign, for a lead")
    add("--kind", choices=[kind.value for kind in Kind], default=Kind.CALL.value, help="call (default) or lead")
    add("--at", metavar="ISO", help="when, with an offset: 2026-11-23T10:00:00-05:00 (default now)")
    add("--seed", metavar="N", default="0", help="decides every draw (default 0)")
    add("--attr", metavar="K=V", action="append", default=[], help="state an attribute; `K=` makes it missing")
    add("--live", metavar="LEVEL/KEY=N", action="append", default=[], help="concurrency now")
    add("--used", metavar="LEVEL/KEY:MEASURE:PER=N", action="append", default=[], help="seats taken in that window")
    add("--funds", metavar="BUYER=AMOUNT", action="append", default=[], help="money that the buyer has left")
    add("--down", metavar="TARGET", action="append", default=[], help="a target that is out of service")
    add("--json", action="store_true", help="print one JSON document")
    for name in _UNBUILT:
        add(f"--{name}", action="append", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Print the answer. Exit code 0 also when there is no offer, 1 for a wrong configuration, 2 for a bad flag."""
    for name in _UNBUILT:
        if getattr(args, name) is not None:
            raise UsageError(f"--{name} is not built yet", hint="leave it out; docs/reference/explain.md says what is")
    loaded = load_path(args.config)
    if loaded.snapshot is None:
        sys.stderr.write(as_text(loaded.errors, args.config) + "\n")
        return ExitCode.WRONG
    explanation, query = _explain(args, loaded.snapshot)
    if args.json:
        document = msgspec.json.format(msgspec.json.encode(as_json(explanation)), indent=2)
        sys.stdout.write(document.decode() + "\n")
    else:
        _print(explanation, query)
    return ExitCode.DONE


def _explain(args: argparse.Namespace, snapshot: Snapshot) -> tuple[Explanation, Query]:
    config, number, campaign = _destination(args, snapshot)
    index = AccountIndex(config)
    utc_ms = read_instant(args.at) if args.at is not None else time.time_ns() // 1_000_000
    stated_texts, missing = read_attributes(args.attr)
    stated = {name: Attribute(text, "stated") for name, text in stated_texts.items()}
    kind = Kind(args.kind)
    caller = _caller(args.caller)
    if kind is Kind.LEAD:
        caller = _from_fields(index, campaign, stated, caller)
    router = compile_router(config, snapshot.platform, snapshot.digest)
    publisher, source = ("", None) if number is None else (number.publisher, number.source)
    origin = router.origin(caller, publisher, source, None if number is None else number.number)
    query = Query(
        account=config.account.key,
        kind=kind,
        campaign=campaign,
        publisher=publisher,
        source=source,
        number=None if number is None else number.number,
        attributes=derive(origin, stated, utc_ms, missing),
        now=Instant(0, utc_ms),
        seed=_seed(args.seed),
    )
    usage, facts = read_usage(args.live, args.used, args.funds, index), read_down(args.down, index)
    return router.explain(query, usage, facts), query


def _destination(args: argparse.Namespace, snapshot: Snapshot) -> tuple[AccountConfig, Number | None, str]:
    """The account, tracking number and campaign that are asked about."""
    if (args.to is None) == (args.campaign is None):
        raise UsageError("say where the caller comes in", hint="either --to NUMBER, or --campaign KEY --kind lead")
    if args.to is not None:
        wanted = parse_caller(args.to, _COUNTRY_DEFAULT).number
        for config in snapshot.accounts:
            for number in config.numbers:
                if number.number == wanted:
                    return config, number, number.campaign
        raise UsageError(
            f"--to {args.to}: no such tracking number is configured",
            hint="the configuration lists them under `numbers`",
        )
    holders = [
        config for config in snapshot.accounts if args.campaign in {campaign.key for campaign in config.campaigns}
    ]
    if not holders:
        raise UsageError(f"--campaign {args.campaign}: there is no such campaign")
    if len(holders) > 1:
        keys = ", ".join(config.account.key for config in holders)
        raise UsageError(f"--campaign {args.campaign}: several accounts have one: {keys}", hint="name one account file")
    return holders[0], None, args.campaign


def _caller(text: str | None) -> str | None:
    if text is None:
        return None
    caller = parse_caller(text, _COUNTRY_DEFAULT)
    if caller.number is None and text.strip().lower() not in ANONYMOUS_NAMES:
        raise UsageError(f"--from {text}: this is no phone number", hint="write it as +15125550100, or anonymous")
    return caller.number


def _from_fields(index: AccountIndex, campaign: str, stated: dict[str, Attribute], caller: str | None) -> str | None:
    """What a lead's fields say beyond themselves: the first phone is its caller number, a ZIP code its geo.zip."""
    for field in index.campaigns[campaign].lead_fields:
        value = stated.get(f"lead.{field.name}")
        if value is None:
            continue
        if field.type == "phone" and caller is None:
            caller = _caller(value.value)
        if field.type == "zip":
            stated.setdefault("geo.zip", value)
    return caller


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > SEED_MAX:
        raise UsageError(f"--seed {text}: this is no seed", hint=f"write a whole number up to {SEED_MAX}")
    return int(text)


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
    if explanation.rejected:
        console.print(_rejected_table(explanation))
    known = Table("attribute", "value", "known by", title="What is known of the caller", title_justify="left")
    for name, fact in sorted(explanation.attributes.items()):
        sure = "" if fact.confidence == 1 else f" ({fact.confidence:.0%} sure)"
        known.add_row(name, fact.value, f"{fact.basis}{sure}")
    console.print(known)


def _offers_table(explanation: Explanation) -> Table:
    table = Table(title="Offers, in order, if each were refused", title_justify="left")
    table.add_column("#", justify="right")
    for name in ("route", "buyer", "method"):
        table.add_column(name, overflow="fold")
    table.add_column("price", justify="right")
    for rank, offer in enumerate(explanation.offers, start=1):
        table.add_row(str(rank), offer.route, offer.buyer, offer.method, str(offer.terms.price))
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
