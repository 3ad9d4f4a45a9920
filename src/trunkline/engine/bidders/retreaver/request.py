"""The requests to Retreaver: a reservation, and its confirmation, which alone counts against caps over there."""

from __future__ import annotations

from typing import Final

from trunkline.config.bids import Bid
from trunkline.engine.bidders.asked import Asked, told
from trunkline.engine.bidders.reading import Reading
from trunkline.engine.bidders.requests import filled, names_of, request_of
from trunkline.kernel.http import Request

SUFFIX: Final = ".json"


def ping(bid: Bid, asked: Asked, deadline_ms: int, ping_id: str) -> Request:
    """The question for a price. `fields` hold `key` and `publisher_id`; others are tags.

    Retreaver takes whole caller numbers only; one that is not to be told is left out.
    """
    known = {**told(asked.attributes, bid.caller), **names_of(asked, ping_id, deadline_ms)}
    values: dict[str, str] = {}
    number = asked.attributes.get("caller.number", "")
    if bid.caller == "full" and number:
        values["caller_number"] = number
    values |= filled({"caller_zip": "[geo.zip]", **bid.fields}, known, bid.values)
    return request_of(bid, asked, known, values)


def confirm(bid: Bid, asked: Asked, reading: Reading, ping_id: str) -> Request | None:
    """The reservation is taken up: from now on we are expected to send the call."""
    if reading.id is None:
        return None
    known = {**asked.attributes, **names_of(asked, ping_id), "bid.id": reading.id}
    values = filled({"key": bid.fields.get("key", "")}, known, bid.values) | {"status": "confirmed"}
    return request_of(bid, asked, known, values, url=f"{bid.url.removesuffix(SUFFIX)}/[bid.id]{SUFFIX}", method="PUT")
