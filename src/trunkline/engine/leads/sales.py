"""The offer of a lead whose terms are in force: what it is worth, and what of it a restart must know."""

from __future__ import annotations

import msgspec

from trunkline.engine.routing.auction import Bid
from trunkline.engine.terms.terms import Terms


class Sale(msgspec.Struct, frozen=True, gc=False):
    """One offer made: to whom, under which lease, at which terms. An `exclusive` one is sold to this buyer alone.

    `bid` is the one that it was won by.
    """

    attempt: str
    lease: str
    route: str
    target: str
    buyer: str
    terms: Terms
    exclusive: bool = True
    bid: Bid | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Sale).decode


def packed(sale: Sale) -> bytes:
    """The sale as it is kept; `unpacked` reads it."""
    return _encode(sale)


def unpacked(data: bytes) -> Sale:
    """A sale that was kept."""
    return _decode(data)
