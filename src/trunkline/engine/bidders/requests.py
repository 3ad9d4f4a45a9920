"""What the requests to all bidders have in common: templates filled, values mapped, who we are, the way we came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from trunkline.config.bids import Bid, BidAuth
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.hops import header_of
from trunkline.engine.payloads.bodies import TYPES, Format, basic, body_of, nested, one_line, with_query
from trunkline.engine.payloads.templates import render
from trunkline.kernel.http import Request

ACCEPT: Final = "application/json, application/xml;q=0.9, */*;q=0.5"


def names_of(asked: Asked, ping: str, deadline_ms: int | None = None) -> dict[str, str]:
    """What a ping says of itself in templates. `ping` is its id."""
    names = {"ping.id": ping, "ping.kind": str(asked.kind), "ping.campaign": asked.campaign}
    if asked.source is not None:
        names["ping.source"] = asked.source
    if deadline_ms is not None:
        names["ping.deadline_ms"] = str(deadline_ms)
    return names


def filled(
    fields: Mapping[str, str], known: Mapping[str, str], values: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The fields with their places filled and their values mapped. One of which nothing is known is left out."""
    out = {}
    for name, template in fields.items():
        text = render(template, known)
        text = values.get(name, {}).get(text, text)
        if text:
            out[name] = text
    return out


def request_of(
    bid: Bid,
    asked: Asked,
    known: Mapping[str, str],
    values: Mapping[str, str],
    *,
    url: str | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    form: Format = "json",
    root: str = "ping",
) -> Request:
    """The request that says `values` to a bidder. `url` and `headers` are templates (default: those of the bid)."""
    address = render(bid.url if url is None else url, known, lambda text: quote(text, safe=""))
    sent = {"Accept": ACCEPT, **header_of(asked.hops), **proof(bid.auth)}
    for name, template in (bid.headers if headers is None else headers).items():
        sent[name] = render(template, known, one_line)
    if method == "GET":
        return Request(method="GET", url=with_query(address, values), headers=sent)
    sent = {"Content-Type": TYPES[form], **sent}
    body = body_of(form, values if form == "form" else nested(values), root)
    return Request(method=method, url=address, headers=sent, body=body)


def proof(auth: BidAuth | None) -> dict[str, str]:
    """The header that says who we are."""
    if auth is None:
        return {}
    if auth.bearer is not None:
        return {"Authorization": f"Bearer {_literal(auth.bearer)}"}
    if auth.username is not None:
        return {"Authorization": basic(auth.username, auth.password or "")}
    return {} if auth.header is None else {auth.header: _literal(auth.value or "")}


def _literal(text: str) -> str:
    """A text without places, whose brackets are written as in templates."""
    return render(text, {})
