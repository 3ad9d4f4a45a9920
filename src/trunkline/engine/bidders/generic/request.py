"""The ping to a bidder of the configuration's own description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.config.bids import Bid
from trunkline.engine.bidders.asked import Asked, told
from trunkline.engine.bidders.requests import filled, names_of, request_of
from trunkline.kernel.http import Request

FIELDS: Final[Mapping[str, str]] = {
    "ping_id": "[ping.id]",
    "kind": "[ping.kind]",
    "campaign": "[ping.campaign]",
    "caller": "[caller.number]",
    "country": "[geo.country]",
    "state": "[geo.state]",
    "zip": "[geo.zip]",
    "area_code": "[geo.area_code]",
    "deadline_ms": "[ping.deadline_ms]",
}
"""What a ping says when its configuration does not: nothing that a person has typed into a form."""


def ping(bid: Bid, asked: Asked, deadline_ms: int, ping_id: str) -> Request:
    """The question for a price, to be answered within `deadline_ms`."""
    known = {**told(asked.attributes, bid.caller), **names_of(asked, ping_id, deadline_ms)}
    values = filled(bid.fields or FIELDS, known, bid.values)
    return request_of(bid, asked, known, values, method=bid.method, form=bid.format, root=bid.root)
