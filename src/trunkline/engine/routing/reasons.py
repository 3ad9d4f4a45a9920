"""Why a route was not offered and why a caller was not sold: the one list, in the order in which reasons are judged.

A route that is not offered has exactly one reason: the first of `Reason` that fails. Where a guard fails at several
levels, the level reported is the first of `GUARD_LEVELS`. Where several limits refuse, the one reported is the first
by level (`LIMIT_LEVELS`), then live before counts before spend, then the shortest window.

`docs/reference/reasons.md` is generated from this file.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

GUARD_LEVELS = (
    "account",
    "campaign",
    "publisher",
    "number",
    "ping",
    "plan",
    "tier",
    "group",
    "buyer",
    "bidder",
    "target",
    "route",
)
"""The levels a guard can stand on, from the top; `ping` is what a publisher was bid for this caller."""
LIMIT_LEVELS = ("account", "campaign", "publisher", "group", "buyer", "bidder", "target", "route")
"""The levels a limit can stand on, from the top."""


class Reason(StrEnum):
    """Why one route was not offered, in the order in which they are judged."""

    KIND = "kind"
    PAUSED = "paused"
    HOURS = "hours"
    CRITERIA = "criteria"
    SUPPRESSION = "suppression"
    DUPLICATE = "duplicate"
    ATTESTATION = "attestation"
    FLOOR = "floor"
    HOP = "hop"
    TARGET_DOWN = "target_down"
    METHOD_UNAVAILABLE = "method_unavailable"
    BID = "bid"
    SCORE = "score"
    FUNDS = "funds"
    LIMIT = "limit"
    ALREADY_OFFERED = "already_offered"
    OUT_OF_PATIENCE = "out_of_patience"


class Unsold(StrEnum):
    """Why no buyer was found for a caller."""

    PAUSED = "paused"
    SUPPRESSION = "suppression"
    DUPLICATE = "duplicate"
    NO_ROUTE = "no_route"
    NO_CAPACITY = "no_capacity"
    NOT_TAKEN = "not_taken"
    OUT_OF_PATIENCE = "out_of_patience"
    WAITED_TOO_LONG = "waited_too_long"
    QUEUE_FULL = "queue_full"
    NO_ANSWER = "no_answer"


class Words(msgspec.Struct, frozen=True):
    """What may be said of a reason: to the operator everything, to the buyer and the publisher what is theirs."""

    operator: str
    buyer: str
    publisher: str


_AREA = "no_buyer_area"
_CLOSED = "no_buyer_open"
_NONE = "no_buyer"

ROUTE_WORDS: dict[Reason, Words] = {
    Reason.KIND: Words("The target takes calls and this is a lead, or the other way round.", "other_kind", _NONE),
    Reason.PAUSED: Words("Something this route depends on is paused, or its weight is 0.", "paused", _NONE),
    Reason.HOURS: Words("Outside the opening hours that stand at this level.", "closed", _CLOSED),
    Reason.CRITERIA: Words(
        "What is known of the caller does not make the criteria of this level true.", "criteria", _AREA
    ),
    Reason.SUPPRESSION: Words(
        "A list keeps the contact away, or a law on calling hours, or a consent that does not name the buyer.",
        "suppressed",
        _NONE,
    ),
    Reason.DUPLICATE: Words("The contact was seen before and may not go here again.", "duplicate", "duplicate"),
    Reason.ATTESTATION: Words("The caller ID is attested less well than is asked here.", "attestation", _NONE),
    Reason.FLOOR: Words("The price is below a floor that stands above it.", "price_too_low", _NONE),
    Reason.HOP: Words("The route does not take rerouted traffic of this hop.", "other_traffic", _NONE),
    Reason.TARGET_DOWN: Words(
        "The target takes nothing now: every way to it is down, or it is away, wrapping up, or paused by silence.",
        "target_down",
        _NONE,
    ),
    Reason.METHOD_UNAVAILABLE: Words(
        "The route cannot be decided: it bids outside an auction, or has no price.",
        "unavailable",
        _NONE,
    ),
    Reason.BID: Words("The bidder was not asked, did not answer in time, or made no bid that counts.", "no_bid", _NONE),
    Reason.SCORE: Words("The chance that an offer converts is below what is asked.", "score", _NONE),
    Reason.FUNDS: Words("The buyer's available money does not cover the price.", "funds", _NONE),
    Reason.LIMIT: Words(
        "A limit is used up: seats in use and held leave no room for one more.", "limit", "no_capacity"
    ),
    Reason.ALREADY_OFFERED: Words("The same target was already offered for this caller.", "already_offered", _NONE),
    Reason.OUT_OF_PATIENCE: Words(
        "Eligible, but the plan's number of offers or its patience was used up before.", "not_reached", _NONE
    ),
}
"""The sentence for the operator and the public codes of each reason of a route."""

UNSOLD_WORDS: dict[Unsold, Words] = {
    Unsold.PAUSED: Words("The account, campaign, publisher or number is paused.", "paused", "paused"),
    Unsold.SUPPRESSION: Words(
        "A list or a law that the account, campaign, publisher or number names keeps the caller away.",
        "suppressed",
        _NONE,
    ),
    Unsold.DUPLICATE: Words(
        "The campaign has seen the contact before and sells no duplicates.", "duplicate", "duplicate"
    ),
    Unsold.NO_ROUTE: Words("No route takes this caller now, whatever its capacity.", _NONE, _NONE),
    Unsold.NO_CAPACITY: Words("Routes take this caller, but none has a free seat or funds.", "no_capacity", _NONE),
    Unsold.NOT_TAKEN: Words("Every offer that could be made was made, and no buyer took it.", "not_taken", _NONE),
    Unsold.OUT_OF_PATIENCE: Words(
        "Routes were left, but the plan's number of offers or its patience was used up.", "not_reached", _NONE
    ),
    Unsold.WAITED_TOO_LONG: Words(
        "The caller was held in a queue for as long as that holds anybody, and nobody had room.", "no_capacity", _NONE
    ),
    Unsold.QUEUE_FULL: Words("As many callers as the queue takes were waiting.", "no_capacity", _NONE),
    Unsold.NO_ANSWER: Words(
        "A buyer that may have the lead did not answer, and its target says `on_timeout: stop`.", "no_answer", _NONE
    ),
}
"""The same for the reasons of a caller's being unsold."""
