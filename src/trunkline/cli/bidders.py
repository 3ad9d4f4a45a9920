"""`trunkline bidders test KEY`: the ping that a bidder would get, and with --live what its answer means."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.cli.check import as_text
from trunkline.config.attributes import type_of
from trunkline.config.bids import Bid
from trunkline.config.schema import AccountConfig, Kind, Snapshot, Target
from trunkline.config.secrets import Secrets, secrets_of
from trunkline.engine.bidders.asked import Asked
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.kernel.http import Answer, Request
from trunkline.kernel.money import Money
from trunkline.outbound.client import HttpClient
from trunkline.switch.clock import read_clock
from trunkline.switch.config_files import load_path
from trunkline.testing.bidders.conformance import Exchange, Remark, examine, ping_of, remarks, sample

SUMMARY: Final = "show what a bidder is asked and how its answer is read"
SHOWN_MAX: Final = 4_000
"""Characters of an answer that are shown."""
PROOF: Final = "Authorization"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `bidders`."""
    add = parser.add_argument
    add("action", choices=["test"], help="ask the bidder for a sample caller")
    add("key", metavar="KEY", help="key of the target that bids")
    add("--config", metavar="PATH", type=Path, required=True, help="a file, or a folder with platform.yaml")
    add("--account", metavar="KEY", help="the account, where two have a target of this key")
    add("--campaign", metavar="KEY", help="the campaign that the ping names (default: the account's first)")
    add("--source", metavar="NAME", help="the source that the ping names")
    add("--attr", metavar="K=V", action="append", default=[], help="state an attribute; `K=` makes it missing")
    add("--live", action="store_true", help="send the ping; without it nothing is sent")
    add("--suite", action="store_true", help="with --live: ask again, and for a caller who withholds the number")
    add("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the answer can be used (or nothing was sent), 1 when not or the configuration is wrong."""
    if args.suite and not args.live:
        raise UsageError("--suite sends pings", hint="add --live")
    loaded = load_path(args.config)
    if loaded.snapshot is None:
        sys.stderr.write(as_text(loaded.errors, args.config) + "\n")
        return ExitCode.WRONG
    config, target = _find(loaded.snapshot, args.key, args.account)
    assert target.bid is not None, "only bidders are found"
    campaign = args.campaign or next((each.key for each in config.campaigns), "test")
    kind = Kind.CALL if target.deliver is None else Kind.LEAD
    asked = sample(kind, campaign, args.source, _attributes(args.attr))
    if not args.live:
        return _show(ping_of(target.bid, asked), as_json=args.json)
    secrets = secrets_of(loaded.snapshot, os.environ)
    bid = secrets.of(target.bid)
    networks = loaded.snapshot.platform.outbound.allow_networks
    exchanges = asyncio.run(_examine(bid, asked, config.account.currency, networks, suite=args.suite))
    found = remarks(bid, exchanges, config.account.currency, read_clock().utc_ms)
    document = [_exchange(each, secrets) for each in exchanges]
    if args.json:
        whole = {"bidder": target.key, "exchanges": document, "remarks": [msgspec.to_builtins(each) for each in found]}
        sys.stdout.write(secrets.masked(_json(whole)) + "\n")
    else:
        sys.stdout.write(secrets.masked(_text(document, found)))
    return ExitCode.WRONG if any(each.severity == "error" for each in found) else ExitCode.DONE


async def _examine(bid: Bid, asked: Asked, currency: str, networks: tuple[str, ...], *, suite: bool) -> list[Exchange]:
    client = HttpClient(networks)
    try:
        return await examine(bid, asked, currency, client, read_clock, suite=suite)
    finally:
        await client.close()


def _find(snapshot: Snapshot, key: str, account: str | None) -> tuple[AccountConfig, Target]:
    """The bidder, and whose it is. Raises UsageError when there is none, or are two."""
    bidders = [(config, target) for config in snapshot.accounts for target in config.targets if target.bid is not None]
    named = [
        (config, target) for config, target in bidders if target.key == key and account in (None, config.account.key)
    ]
    if len(named) == 1:
        return named[0]
    if named:
        accounts = ", ".join(config.account.key for config, _ in named)
        raise UsageError(f"several accounts have a bidder {key!r}", hint=f"add --account, one of {accounts}")
    keys = ", ".join(sorted({target.key for _, target in bidders})) or "none"
    raise UsageError(f"there is no bidder {key!r}", hint=f"targets with `bid`: {keys}")


def _attributes(stated: list[str]) -> dict[str, str]:
    found = {}
    for text in stated:
        name, equals, value = text.partition("=")
        if not equals or type_of(name, {}) is None:
            raise UsageError(f"{text!r} states no attribute", hint="write --attr geo.zip=78701")
        found[name] = value
    return found


def _show(request: Request, *, as_json: bool) -> int:
    shown = _request(request)
    sys.stdout.write((_json({"request": shown}) if as_json else "\n".join(_lines_of_request(shown))) + "\n")
    if not as_json:
        sys.stdout.write("\nNothing was sent. --live sends it.\n")
    return ExitCode.DONE


def _request(request: Request) -> dict[str, Any]:
    body = None if request.body is None else request.body.decode()
    headers = {name: _hidden(value) if name == PROOF else value for name, value in request.headers.items()}
    return {"method": request.method, "url": request.url, "headers": headers, "body": body}


def _hidden(proof: str) -> str:
    """How we prove ourselves, without the secret, which Basic would show to anybody who can undo Base64."""
    return f"{proof.partition(' ')[0]} ***"


def _exchange(each: Exchange, secrets: Secrets) -> dict[str, Any]:
    """One exchange for people and programs; of an answer what can be shown."""
    out: dict[str, Any] = {"about": each.about, "request": _request(each.request), "took_ms": each.took_ms}
    if isinstance(each.answer, Answer):
        body = each.answer.body.decode(errors="replace")[:SHOWN_MAX]
        out["answer"] = {"status": each.answer.status, "body": secrets.masked(body)}
    else:
        out["no_answer"] = {"why": each.answer.why.value, "detail": each.answer.detail}
    if each.reading is not None:
        reading = {name: getattr(each.reading, name) for name in each.reading.__struct_fields__}
        out["reading"] = {
            name: str(value) if isinstance(value, Money) else value
            for name, value in reading.items()
            if value is not None
        }
    return out


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _text(exchanges: list[dict[str, Any]], found: list[Remark]) -> str:
    lines = []
    for each in exchanges:
        lines += [f"== {each['about']}", "", *_lines_of_request(each["request"]), ""]
        if "answer" in each:
            lines += [f"{each['answer']['status']} after {each['took_ms']} ms", _printable(each["answer"]["body"]), ""]
        else:
            lines += [f"no answer after {each['took_ms']} ms: {each['no_answer']['detail']}", ""]
        lines += [f"  {name:<11} {value}" for name, value in each.get("reading", {}).items()]
        lines.append("")
    lines += [f"{remark.severity}: {remark.message}" for remark in found]
    lines.append(
        "The bidder can be used."
        if not any(each.severity == "error" for each in found)
        else "The bidder cannot be used like this."
    )
    return "\n".join(lines) + "\n"


def _lines_of_request(request: dict[str, Any]) -> list[str]:
    lines = [f"{request['method']} {request['url']}"]
    lines += [f"{name}: {value}" for name, value in request["headers"].items()]
    return lines + ([] if request["body"] is None else ["", request["body"]])


def _printable(text: str) -> str:
    """An answer as a terminal may show it: a stranger's bytes move no cursor."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
