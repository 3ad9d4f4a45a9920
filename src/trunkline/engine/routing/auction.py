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

DEADLINE_MS: Final = 1_500
"""How long an auction waits when its tier does not say."""
WHOLE: Final = 10_000
"""All of a bid in hundredths of a percent, which penalties are in."""


class Fate(StrEnum):
    """What became of one route in an auction."""

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
    FILTERED = "filtered"


Answered = Literal["bid", "no_bid", "timeout", "http_error", "shed", "not_asked"]

FATE_WORDS: Final = {
    Fate.LATE: "the bid came after the deadline",
    Fate.NO_BID: "it did not bid",
    Fate.TIMEOUT: "no answer in time",
    Fate.HTTP_ERROR: "its answer was an error",
    Fate.CURRENCY: "it bid in another currency",
    Fate.SHED: "it was not asked: too many requests to it are open",
    Fate.NOT_ASKED: "it was not asked",
}
"""Why there is no bid that counts, for the operator."""


class Bid(msgspec.Struct, frozen=True, gc=False):
    """What came of asking one bidder: with `answered` `bid`, the `amount` it would pay, `after_ms` the auction began.

    `id` is the bidder's own name of the bid; `detail` says more about an answer that is no bid.
    """

    answered: Answered
    amount: Money | None = None
    after_ms: int = 0
    id: str | None = None
    detail: str | None = None


class Entrant(msgspec.Struct, frozen=True, gc=False):
    """A route that takes part. `price` is its static one, None for a bidder; amounts in minor units.

    `floor` is the highest that stands above it, `penalty` in hundredths of a percent, `turn` the sequence number of
    its last win in the tier (0: never), `place` where it stands in the plan.
    """

    place: int
    target: str
    price: int | None
    floor: int
    priority: int
    turn: int
    penalty: int = 0


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


def judge_bid(bid: Bid | None, floor: int, deadline_ms: int, currency: str) -> tuple[Fate, int | None]:
    """Whether a bidder's answer counts (`lost`, until it wins) and its amount in minor units when one was named."""
    if bid is None:
        return Fate.NOT_ASKED, None
    if bid.answered != "bid":
        return Fate(bid.answered), None
    assert bid.amount is not None, "a bid has an amount"
    if bid.amount.currency != currency:
        return Fate.CURRENCY, None
    minor = bid.amount.minor
    if bid.after_ms > deadline_ms:
        return Fate.LATE, minor
    if minor <= 0:
        return Fate.NO_BID, minor
    return (Fate.BELOW_FLOOR if minor < floor else Fate.LOST), minor


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
        if entrant.price is None:
            fate, bid = judge_bid(bids.get(entrant.target), entrant.floor, deadline_ms, currency)
        else:
            fate, bid = (Fate.BELOW_FLOOR if entrant.price < entrant.floor else Fate.LOST), entrant.price
        (ranked if fate is Fate.LOST else others).append(Standing(entrant, fate, bid))
    ranked.sort(key=_order)
    others.sort(key=lambda standing: standing.entrant.place)
    if ranked:
        ranked[0] = msgspec.structs.replace(ranked[0], fate=Fate.WON)
    return (*ranked, *others)


def _order(standing: Standing) -> tuple[int, int, int, int]:
    entrant = standing.entrant
    return (-standing.weighed, entrant.priority, entrant.turn, entrant.place)
