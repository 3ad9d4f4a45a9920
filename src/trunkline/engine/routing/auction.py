"""Settlement of an auction: bids in, ranked routes out. Nothing is asked, held or remembered here.

Every route of the tier that guards let through takes part: a bidder with the price it named, any other with its
static price. They are ranked by *effective* bid, which is the bid less the share of it that the target is expected
to send back (`Facts.penalties`). The penalty moves ranks only: what is owed is the bid. Equal ones go by priority,
then to whoever has gone longest without winning, then by place in the plan.

Pings hold nothing. The winner's seats are reserved when it is offered; a refusal means the next bid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal

import msgspec

from trunkline.kernel.money import Money

WHOLE: Final = 10_000
"""All of a bid in hundredths of a percent, which penalties are in."""


class Fate(StrEnum):
    """What became of one route in an auction.

    `sent` and `bid` are of auctions that were broken off; `accepted` and `rejected_at_post` of winners that were asked
    to confirm.
    """

    WON = "won"
    LOST = "lost"
    BELOW_FLOOR = "below_floor"
    LATE = "late"
    NO_BID = "no_bid"
    TIMEOUT = "timeout"
    HTTP_ERROR = "http_error"
    CURRENCY = "currency"
    SHED = "shed"
    NOT_ASKED = "not_asked"
    SIMULATED = "simulated"
    FILTERED = "filtered"
    SENT = "sent"
    BID = "bid"
    ACCEPTED = "accepted"
    REJECTED_AT_POST = "rejected_at_post"


Answered = Literal["bid", "no_bid", "late", "timeout", "http_error", "shed", "not_asked"]

FATE_WORDS: Final = {
    Fate.LATE: "the bid came after the deadline",
    Fate.NO_BID: "it did not bid",
    Fate.TIMEOUT: "no answer in time",
    Fate.HTTP_ERROR: "its answer was an error",
    Fate.CURRENCY: "it bid in another currency",
    Fate.SHED: "it was not asked, to keep the deadline of others",
    Fate.NOT_ASKED: "nobody has asked it",
    Fate.SIMULATED: "it is only simulated: asked, and never sold to",
}
"""Why there is no bid that counts, for the operator."""
EXPIRED: Final = "the bid has expired"
"""What is told of a bid whose time was over when its turn came."""


class Bid(msgspec.Struct, frozen=True, gc=False):
    """What came of asking one bidder: with `answered` `bid`, the `amount` it would pay, `after_ms` the auction began.

    `id` is the bidder's own name of the bid, `ping` ours of the question, `status` that of HTTP; `detail` says more.
    The bid may name terms: `dial`, the number (E.164) or SIP address that the call has to be sent to; `duration_s`,
    after which the buyer owes, from connect; `expires_ms` (UTC), from when on the bid holds no more; `confirm`, that
    the bidder has to say that it stands by its bid before anything is sent to it.
    """

    answered: Answered
    amount: Money | None = None
    after_ms: int = 0
    id: str | None = None
    detail: str | None = None
    status: int | None = None
    dial: str | None = None
    duration_s: int | None = None
    expires_ms: int | None = None
    confirm: bool = False
    ping: str | None = None

    def expired(self, utc_ms: int) -> bool:
        """Whether the bid does not hold any more."""
        return self.expires_ms is not None and self.expires_ms <= utc_ms


def amounts(bids: Mapping[str, Bid] | None) -> dict[str, Money]:
    """What was bid, by target; who made no bid is left out."""
    return {target: bid.amount for target, bid in (bids or {}).items() if bid.answered == "bid" and bid.amount}


class Entrant(msgspec.Struct, frozen=True, gc=False):
    """A route that takes part. `price` is its static one, None for a bidder; amounts in minor units.

    `floor` is the highest that stands above it, `penalty` in hundredths of a percent, `turn` the sequence number of
    its last win in the tier (0: never), `place` where it stands in the plan. Who is only `simulated` wins nothing.
    """

    place: int
    target: str
    price: int | None
    floor: int
    priority: int
    turn: int
    penalty: int = 0
    simulated: bool = False


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How an entrant came out: its bid in minor units when it made one that counts, and the fate of it.

    `won` is the best bid; whether it is sold to is seen when its seats are reserved.
    """

    entrant: Entrant
    fate: Fate
    bid: int | None = None

    @property
    def weighed(self) -> int:
        """The effective bid in hundredths of a percent of minor units: exact, so that no rounding makes a tie."""
        assert self.bid is not None
        return self.bid * (WHOLE - self.entrant.penalty)


def judge_bid(
    bid: Bid | None, floor: int, deadline_ms: int, currency: str, *, simulated: bool = False
) -> tuple[Fate, int | None]:
    """Whether a bidder's answer counts (`lost`, until it wins) and its amount in minor units when one was named."""
    if bid is None:
        return Fate.NOT_ASKED, None
    minor = None if bid.amount is None or bid.amount.currency != currency else bid.amount.minor
    if bid.answered != "bid":
        return Fate(bid.answered), minor
    assert bid.amount is not None, "a bid has an amount"
    if minor is None:
        return Fate.CURRENCY, None
    if bid.after_ms > deadline_ms:
        return Fate.LATE, minor
    if minor <= 0:
        return Fate.NO_BID, minor
    if simulated:
        return Fate.SIMULATED, minor
    return (Fate.BELOW_FLOOR if minor < floor else Fate.LOST), minor


def judged(entrant: Entrant, bids: Mapping[str, Bid], deadline_ms: int, currency: str) -> Standing:
    """An entrant whose bid or price counts (`lost`), or why it does not."""
    if entrant.price is None:
        bid = bids.get(entrant.target)
        return Standing(entrant, *judge_bid(bid, entrant.floor, deadline_ms, currency, simulated=entrant.simulated))
    return Standing(entrant, Fate.BELOW_FLOOR if entrant.price < entrant.floor else Fate.LOST, entrant.price)


def settle(
    entrants: Iterable[Entrant], bids: Mapping[str, Bid], deadline_ms: int, currency: str
) -> tuple[Standing, ...]:
    """Every entrant's standing: first those that can be offered, best first, then the others in the plan's order.

    `bids` are by target, `deadline_ms` counts from the auction's beginning, `currency` is the account's. A static
    price that reaches the floors always stands.
    """
    ranked: list[Standing] = []
    others: list[Standing] = []
    for entrant in entrants:
        standing = judged(entrant, bids, deadline_ms, currency)
        (ranked if standing.fate is Fate.LOST else others).append(standing)
    ranked.sort(key=_order)
    others.sort(key=lambda standing: standing.entrant.place)
    if ranked:
        ranked[0] = msgspec.structs.replace(ranked[0], fate=Fate.WON)
    return (*ranked, *others)


def _order(standing: Standing) -> tuple[int, int, int, int]:
    entrant = standing.entrant
    return (-standing.weighed, entrant.priority, entrant.turn, entrant.place)
