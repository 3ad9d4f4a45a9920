"""All dialects by name, and what each of them can do.

A dialect is functions from values to values: what is to be sent, and what the answer means. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from trunkline.config.bids import Bid
from trunkline.engine.bidders import confirming
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.generic import answer as generic_answer
from trunkline.engine.bidders.generic import request as generic_request
from trunkline.engine.bidders.hearing import Inbound
from trunkline.engine.bidders.reading import Confirmation, Reading
from trunkline.engine.bidders.retreaver import answer as retreaver_answer
from trunkline.engine.bidders.retreaver import inbound as retreaver_inbound
from trunkline.engine.bidders.retreaver import request as retreaver_request
from trunkline.engine.bidders.ringba import answer as ringba_answer
from trunkline.engine.bidders.ringba import inbound as ringba_inbound
from trunkline.engine.bidders.ringba import request as ringba_request
from trunkline.engine.bidders.trackdrive import answer as trackdrive_answer
from trunkline.engine.bidders.trackdrive import inbound as trackdrive_inbound
from trunkline.engine.bidders.trackdrive import request as trackdrive_request
from trunkline.kernel.http import Answer, Request

Ping = Callable[[Bid, Asked, int, str], Request]
Read = Callable[[Bid, Answer, str, int], Reading]
Confirm = Callable[[Bid, Asked, Reading, str], Request | None]
Confirmed = Callable[[Bid, Answer], Confirmation]


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one network is spoken to.

    `ping(bid, asked, deadline_ms, ping_id)` is the question for a price, `read(bid, answer, currency, utc_ms)` what the
    answer means. `confirm(bid, asked, reading, ping_id)` tells that the bid has won, None where nobody wants to be
    told; `confirmed(bid, answer)` is what came of it. `post` is the request that delivers a lead whose bid has won,
    None where the network has none of its own and the target's `deliver` says how; `posted(bid, answer)` is what came
    of it.
    """

    name: str
    ping: Ping
    read: Read
    confirm: Confirm
    confirmed: Confirmed
    post: Confirm
    posted: Confirmed


def _unless_said(confirm: Confirm) -> Confirm:
    """The network's own confirmation, unless the configuration writes one."""

    def either(bid: Bid, asked: Asked, reading: Reading, ping_id: str) -> Request | None:
        way = confirm if bid.confirm is None else confirming.confirm
        return way(bid, asked, reading, ping_id)

    return either


def _unless_said_answer(confirmed: Confirmed) -> Confirmed:
    def either(bid: Bid, answer: Answer) -> Confirmation:
        return confirmed(bid, answer) if bid.confirm is None else confirming.confirmed(bid, answer)

    return either


def _none(bid: Bid, asked: Asked, reading: Reading, ping_id: str) -> Request | None:
    """Nothing is posted in this dialect."""
    return None


def _never(bid: Bid, answer: Answer) -> Confirmation:
    raise AssertionError(f"nothing is posted in the dialect {bid.dialect}")


DIALECTS: Final[Mapping[str, Dialect]] = {
    each.name: each
    for each in (
        Dialect(
            name="generic",
            ping=generic_request.ping,
            read=generic_answer.read,
            confirm=confirming.confirm,
            confirmed=confirming.confirmed,
            post=_none,
            posted=_never,
        ),
        Dialect(
            name="ringba",
            ping=ringba_request.ping,
            read=ringba_answer.read,
            confirm=confirming.confirm,
            confirmed=confirming.confirmed,
            post=_none,
            posted=_never,
        ),
        Dialect(
            name="retreaver",
            ping=retreaver_request.ping,
            read=retreaver_answer.read,
            confirm=_unless_said(retreaver_request.confirm),
            confirmed=_unless_said_answer(retreaver_answer.confirmed),
            post=_none,
            posted=_never,
        ),
        Dialect(
            name="trackdrive",
            ping=trackdrive_request.ping,
            read=trackdrive_answer.read,
            confirm=_unless_said(trackdrive_request.post),
            confirmed=_unless_said_answer(trackdrive_answer.confirmed),
            post=trackdrive_request.post,
            posted=trackdrive_answer.posted,
        ),
    )
}


INBOUNDS: Final[Mapping[str, Inbound]] = {
    each.name: each
    for each in (
        Inbound(name="ringba", heard=ringba_inbound.heard, bid=ringba_inbound.bid, no_bid=ringba_inbound.no_bid),
        Inbound(
            name="retreaver",
            heard=retreaver_inbound.heard,
            bid=retreaver_inbound.bid,
            no_bid=retreaver_inbound.no_bid,
            taken=retreaver_inbound.taken,
            confirmed=retreaver_inbound.confirmed,
            gone=retreaver_inbound.gone,
        ),
        Inbound(
            name="trackdrive",
            heard=trackdrive_inbound.heard,
            bid=trackdrive_inbound.bid,
            no_bid=trackdrive_inbound.no_bid,
            taken=trackdrive_inbound.taken,
            confirmed=trackdrive_inbound.confirmed,
            gone=trackdrive_inbound.gone,
        ),
    )
}
"""The networks in whose words we can be asked; in our own words that is `POST /v1/ping`."""


def dialect_of(name: str) -> Dialect:
    """The dialect of this name; the configuration takes no other."""
    return DIALECTS[name]
