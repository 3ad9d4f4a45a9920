"""The bid request to Ringba: caller ID and tags, flat, in JSON."""

from __future__ import annotations

from trunkline.config.bids import Bid
from trunkline.engine.bidders.asked import Asked, told
from trunkline.engine.bidders.requests import filled, names_of, request_of
from trunkline.kernel.http import Request


def ping(bid: Bid, asked: Asked, deadline_ms: int, ping_id: str) -> Request:
    """The question for a price. Ringba takes whole caller IDs only, so one that is not to be told is left out.

    A SIP address is asked for where `allow` names a SIP host. `fields` are tags.
    """
    known = {**told(asked.attributes, bid.caller), **names_of(asked, ping_id, deadline_ms)}
    values: dict[str, str] = {}
    number = asked.attributes.get("caller.number", "")
    if bid.caller == "full" and number:
        values |= {"CID": number.removeprefix("+"), "exposeCallerId": "yes"}
    if any(entry.startswith("sip:") for entry in bid.allow):
        values["sipOk"] = "yes"
    values |= filled({"zipcode": "[geo.zip]", **bid.fields}, known, bid.values)
    return request_of(bid, asked, known, values)
