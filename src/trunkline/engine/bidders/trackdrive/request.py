"""The requests to TrackDrive: the ping, and the post that takes a buyer's bid up."""

from __future__ import annotations

from trunkline.config.bids import Bid
from trunkline.engine.bidders.asked import Asked, told
from trunkline.engine.bidders.reading import Reading
from trunkline.engine.bidders.requests import filled, names_of, request_of
from trunkline.kernel.http import Request

_FIELDS = {"zip": "[geo.zip]", "state": "[geo.state]"}


def ping(bid: Bid, asked: Asked, deadline_ms: int, ping_id: str) -> Request:
    """The question which buyers there are. `fields` hold what the endpoint wants: `traffic_source_id`, `auth_token`…

    TrackDrive takes whole caller IDs only; one that is not to be told is left out.
    """
    known = {**told(asked.attributes, bid.caller), **names_of(asked, ping_id, deadline_ms)}
    values: dict[str, str] = {}
    number = asked.attributes.get("caller.number", "")
    if bid.caller == "full" and number:
        values["caller_id"] = number.removeprefix("+")
    values |= filled({**_FIELDS, **bid.fields}, known, bid.values)
    return request_of(bid, asked, known, values)


def post(bid: Bid, asked: Asked, reading: Reading, ping_id: str) -> Request | None:
    """The post for the buyer whose bid has won, with the caller's number and every field whole.

    For calls it is the confirmation, which is answered with the number to dial; for leads the delivery.
    """
    if reading.id is None:
        return None
    known = {**asked.attributes, **names_of(asked, ping_id)}
    values = {"ping_id": reading.id}
    number = asked.attributes.get("caller.number", "")
    if number:
        values["caller_id"] = number.removeprefix("+")
    values |= filled({**_FIELDS, **bid.fields}, known, bid.values)
    return request_of(bid, asked, known, values, url=bid.url.replace("/ping/", "/post/", 1))
