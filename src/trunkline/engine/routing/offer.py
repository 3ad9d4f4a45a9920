"""What routing is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trunkline.config.flows import Prompt
from trunkline.config.schema import Bid as BidSettings
from trunkline.config.schema import Kind, Recording
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.performance import Odds
from trunkline.engine.terms.promises import Promise
from trunkline.engine.terms.terms import Terms
from trunkline.events.calls import Rejection, Versions
from trunkline.events.contacts import Seen
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import Demand, Lease, TurnId
from trunkline.kernel.money import Money


class Attribute(msgspec.Struct, frozen=True, gc=False):
    """A typed fact about a caller: text, how it is known (stated, area_code, sip, ivr, …), how sure it is (0..1).

    Where an area code is spread over counties or cities, `chances` are their names with their probabilities, likeliest
    first, and `value` is empty: nothing may take the likeliest for the truth.
    """

    value: str
    basis: str
    confidence: float = 1.0
    chances: tuple[tuple[str, float], ...] = ()


Attributes = Mapping[str, Attribute]
"""Attribute name (`geo.state`) to what is known; a name that is missing is unknown."""


class Query(msgspec.Struct, frozen=True, gc=False):
    """One caller or lead looking for a buyer.

    `now` is when routing starts (patience runs from it), `seed` decides every draw, `number` is the tracking number
    (E.164, None for leads), `plan` overrides the campaign's, `taken` are targets already offered for this caller,
    `history` is what happened with the contact before, newest last. `bids` by target are what bidders have answered;
    None when they are yet to be asked. `scores` by target are a model's chances (0..1) that an offer converts. `geo` is
    the version of the import of the numbering plan by which the attributes were derived, empty without one. `promise`
    is what the publisher was bid for this caller; bidders whose bids are not among `bids` are then asked all the same.
    """

    account: str
    kind: Kind
    campaign: str
    publisher: str
    source: str | None
    number: str | None
    attributes: Attributes
    now: Instant
    seed: int
    plan: str | None = None
    taken: frozenset[str] = frozenset()
    history: tuple[Seen, ...] = ()
    bids: Mapping[str, Bid] | None = None
    scores: Mapping[str, float] | None = None
    hop: int = 0
    geo: str = ""
    promise: Promise | None = None


class Ring(msgspec.Struct, frozen=True, gc=False):
    """How a target is rung: the settings of its most specific level, resolved."""

    dial: str
    trunks: tuple[str, ...]
    ring_seconds: int
    first_response_seconds: int
    caller_id: str
    max_duration_seconds: int
    headers: tuple[tuple[str, str], ...] = ()
    whisper: Prompt | None = None
    press_to_accept: str | None = None
    press_seconds: int = 10
    recording: Recording | None = None
    post_answer_digits: str | None = None
    also_dial: tuple[str, ...] = ()


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """The next route in rank order, before its seats are held: what `reserve` is to be asked for.

    `bid` is the bid that its price comes from, `odds` what an offer by performance rests on.
    """

    route: str
    target: str
    buyer: str
    plan: str
    tier: str
    method: str
    terms: Terms
    ring: Ring | None
    demands: tuple[Demand, ...]
    turn: TurnId | None
    bid: Bid | None = None
    odds: Odds | None = None


class Bidder(msgspec.Struct, frozen=True, gc=False):
    """Somebody to be asked for a bid: the target, how long it may take, the least that could be accepted, and how.

    `routes` are those that would be sold at the bid.
    """

    target: str
    buyer: str
    timeout_ms: int
    floor: Money
    settings: BidSettings
    routes: tuple[str, ...] = ()


class Auction(msgspec.Struct, frozen=True, gc=False):
    """An auction has been reached: ask these all at once, and `settle` with what came within `deadline_ms`."""

    plan: str
    tier: str
    bidders: tuple[Bidder, ...]
    deadline_ms: int


def unasked(auction: Auction) -> dict[str, Bid]:
    """What an auction is settled with where nobody can be asked: static prices are sold all the same."""
    return {bidder.target: Bid("not_asked") for bidder in auction.bidders}


class Offer(msgspec.Struct, frozen=True, gc=False):
    """A candidate whose seats are held by `lease`; `rank` counts offers of this search from 1.

    A buyer that hangs up within `reroute_seconds` causes another search, with `reroute_again` also among targets that
    were offered before.
    """

    rank: int
    candidate: Candidate
    lease: Lease
    reroute_seconds: int = 0
    reroute_again: bool = False


class Exhausted(msgspec.Struct, frozen=True, gc=False):
    """No further offer: the reason for the caller's being unsold, every route's own reason, `more` not listed.

    `waits` says that somebody who takes such callers has no room at this moment.
    """

    reason: str
    rejected: tuple[Rejection, ...]
    more: int = 0
    waits: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What a cursor has done so far, for the journal: plan, seed, versions, routes offered in order, routes not.

    `more` counts the rejected routes that are not listed: a journal entry has an end.
    """

    plan: str
    seed: int
    versions: Versions
    offered: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    more: int = 0
