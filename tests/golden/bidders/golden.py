"""Reads a golden file of a bidder's dialect and says what comes of it, in the words of the file.

A file has `about`, `bid` (as in a configuration), `asked` (kind, campaign, source, attributes), and any of: `ping` (the
request), `answers` (each an answer and what it `reads` as), `confirm` and `post` (a request and its `answers`). Files
of the other side have `inbound`, requests that are `heard` and `taken` with what each `means`, and how a `quote` is
told: `bid`, `no_bid`, `confirmed`, `gone`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from trunkline.config.bids import Bid
from trunkline.config.load import load_sources
from trunkline.config.reading import Source
from trunkline.config.schema import Kind
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.hearing import Quote, fields_of
from trunkline.kernel.http import Answer, Request
from trunkline.kernel.money import Money, parse_money

NOW_MS = 1_795_000_000_000
PING = "bid_01"
DEADLINE_MS = 700


def read_golden(path: Path) -> dict[str, Any]:
    """The file, with every scalar that is no list or mapping as YAML means it."""
    value = yaml.safe_load(path.read_text())
    assert isinstance(value, dict)
    return value


def bid_of(written: Mapping[str, Any]) -> Bid:
    """The bid as a configuration reads it."""
    target = {"key": "b", "buyer": "b", "dial": "sip:b@127.0.0.1", "bid": written}
    account = {"key": "a", "timezone": "America/New_York"}
    config = {"version": "1", "account": account, "buyers": [{"key": "b"}], "targets": [target]}
    loaded = load_sources([Source("golden.json", json.dumps(config))], ".")
    assert loaded.snapshot is not None, loaded.problems
    bid = loaded.snapshot.accounts[0].targets[0].bid
    assert bid is not None
    return bid


def asked_of(written: Mapping[str, Any]) -> Asked:
    """What is up for auction."""
    return Asked(
        kind=Kind(written.get("kind", "call")),
        campaign=written.get("campaign", "injury"),
        source=written.get("source"),
        attributes={name: str(value) for name, value in written.get("attributes", {}).items()},
        hops=tuple(written.get("hops", ())),
    )


def shown_request(request: Request | None) -> dict[str, Any] | None:
    """A request as a golden file writes it: JSON as a value, other bodies as text."""
    if request is None:
        return None
    out: dict[str, Any] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    if request.body is not None:
        if request.headers["Content-Type"] == "application/json":
            out["json"] = msgspec.json.decode(request.body)
        else:
            out["body"] = request.body.decode()
    return out


def answer_of(written: Mapping[str, Any]) -> Answer:
    """What a bidder says."""
    body = msgspec.json.encode(written["json"]) if "json" in written else written.get("body", "").encode()
    return Answer(status=written.get("status", 200), headers={}, body=body, url="http://127.0.0.1/")


def fields_in(written: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a request to us."""
    body = msgspec.json.encode(written["json"]) if "json" in written else written.get("body", "").encode()
    return fields_of(written.get("query", ""), written.get("type", "application/json"), body)


def quote_of(written: Mapping[str, Any]) -> Quote:
    """Our bid."""
    amount = parse_money(str(written["amount"]), "USD")
    more = {name: value for name, value in written.items() if name not in {"amount", "lasts_s"}}
    return Quote(amount=amount, expires_ms=NOW_MS + written["lasts_s"] * 1_000, **more)


def said(value: Mapping[str, Any]) -> Any:
    """What goes out, as JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def shown(value: Any) -> dict[str, Any]:
    """A reading without what it does not say."""
    out = {}
    for name in value.__struct_fields__:
        inner = getattr(value, name)
        if inner is not None and inner != {}:
            out[name] = str(inner) if isinstance(inner, Money) else dict(inner) if isinstance(inner, Mapping) else inner
    return out
