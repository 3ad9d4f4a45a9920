"""Reservations as they are asked of Retreaver, and answers as Retreaver gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.engine.bidders.hearing import Heard, Quote, Taken, Unheard, exact, facts_of, taken_out
from trunkline.kernel.clock import iso


def heard(fields: Mapping[str, str]) -> Heard:
    """`key`, `publisher_id` or `source_id`, `caller_number` and `inbound_number`; everything else is a tag."""
    names = ("key", "publisher_id", "source_id", "caller_number", "inbound_number")
    (key, publisher, source, caller, number), rest = taken_out(fields, *names)
    facts = facts_of(rest, caller_zip="zip", caller_state="state")
    return Heard(key=key, source=publisher or source, caller=caller, number=number, sip=True, facts=facts)


def taken(fields: Mapping[str, str]) -> Taken:
    """`status: confirmed` takes a reservation up; its `uuid` stands in the address. Raises Unheard."""
    (key, ping, status), _ = taken_out(fields, "key", "uuid", "status")
    if not ping or (status or "").casefold() != "confirmed":
        raise Unheard('send {"key": …, "status": "confirmed"} to the address of the reservation')
    return Taken(ping=ping, key=key)


def bid(quote: Quote, utc_ms: int) -> dict[str, Any]:
    """A reservation."""
    out = _reservation(quote, "reserved")
    return out | {"retreaver_ping_shield": True} if quote.repeated else out


def no_bid(reason: str) -> dict[str, Any]:
    """Nobody takes the call."""
    return {"status": "no-target", "error": reason}


def confirmed(quote: Quote, utc_ms: int) -> dict[str, Any]:
    """The reservation is confirmed."""
    return _reservation(quote, "confirmed")


def gone(ping: str, reason: str) -> dict[str, Any]:
    """It could not be confirmed."""
    return {"uuid": ping, "status": "no-target", "error": reason}


def _reservation(quote: Quote, status: str) -> dict[str, Any]:
    out: dict[str, Any] = {"uuid": quote.ping, "status": status, "retreaver_payout": exact(quote.amount)}
    if quote.seconds is not None:
        out["retreaver_seconds"] = quote.seconds
    if quote.dial is not None and quote.dial.startswith("+"):
        out["inbound_number"] = quote.dial
    elif quote.dial is not None:
        out["sip_address"] = quote.dial.partition(":")[2]
    return out | {"expires_at": iso(quote.expires_ms)}
