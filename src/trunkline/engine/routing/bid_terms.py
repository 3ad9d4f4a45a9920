"""An offer at the terms of a bid: where the bidder wants the call sent, and from when on it owes.

The price of the offer is the bid already. What a bid does not name stays as it is configured.
"""

from __future__ import annotations

import msgspec

from trunkline.config.schema import Target
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Candidate
from trunkline.engine.terms.terms import ConversionTerms


def by_bid(candidate: Candidate, bid: Bid, target: Target) -> Candidate:
    """The candidate with what its bid says of it.

    A duration runs from connect, with the target's own offset, and takes the place of whatever would convert else: the
    bidder has said what it pays for. A lead is not rung and lasts no time, so none of that concerns it.
    """
    ring, terms = candidate.ring, candidate.terms
    if ring is not None and bid.dial is not None:
        ring = msgspec.structs.replace(ring, dial=bid.dial, also_dial=())
    if ring is not None and bid.duration_s is not None:
        after_ms = max(0, bid.duration_s + (target.conversion_offset_seconds or 0)) * 1000
        conversion = ConversionTerms("duration", after_ms, "connect", terms.conversion.decide_within_s)
        terms = msgspec.structs.replace(terms, conversion=conversion, rule=f"bid {target.key}: duration")
    return msgspec.structs.replace(candidate, bid=bid, ring=ring, terms=terms)
