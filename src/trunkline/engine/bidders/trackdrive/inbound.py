"""Pings and posts as they are sent to TrackDrive, and answers as TrackDrive gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trunkline.engine.bidders.hearing import Heard, Quote, Taken, Unheard, exact, facts_of, taken_out

BUYER: Final = 1
"""There is one buyer behind our bid, us."""


def heard(fields: Mapping[str, str]) -> Heard:
    """`caller_id`, `traffic_source_id`, `auth_token` and `trackdrive_number`; everything else is a contact field."""
    names = ("caller_id", "traffic_source_id", "auth_token", "trackdrive_number")
    (caller, source, key, number), rest = taken_out(fields, *names)
    facts = facts_of(rest, zip_code="zip", zip="zip", state="state")
    return Heard(caller=caller, source=source, key=key, number=number, facts=facts)


def taken(fields: Mapping[str, str]) -> Taken:
    """A post takes up the ping that it names. Raises Unheard."""
    (ping, key, caller), _ = taken_out(fields, "ping_id", "auth_token", "caller_id")
    if not ping:
        raise Unheard("send the ping_id that the ping was answered with")
    return Taken(ping=ping, key=key, caller=caller)


def bid(quote: Quote, utc_ms: int) -> dict[str, Any]:
    """One buyer with its bid."""
    buyer: dict[str, Any] = {"buyer_id": BUYER, "ping_id": quote.ping, "bid": exact(quote.amount)}
    if quote.seconds is not None:
        buyer["duration"] = quote.seconds
    return {"success": True, "status": "success", "try_all_buyers_ping_id": quote.ping, "buyers": [buyer]}


def no_bid(reason: str) -> dict[str, Any]:
    """No buyer takes the call."""
    return {"success": False, "status": "no_buyers", "errors": [reason], "buyers": []}


def confirmed(quote: Quote, utc_ms: int) -> dict[str, Any]:
    """Where the call is to be forwarded."""
    out: dict[str, Any] = {"success": True, "status": "accepted"}
    if quote.dial is not None and quote.dial.startswith("+"):
        out["forwarding_number"] = quote.dial.removeprefix("+")
    elif quote.dial is not None:
        out["forwarding_number_sip_address"] = quote.dial.partition(":")[2]
    return out


def gone(ping: str, reason: str) -> dict[str, Any]:
    """The room went in the meantime."""
    return {"success": False, "status": "no_buyers", "errors": [reason]}
