"""What became of everybody who was asked for a bid, as the journal keeps it, for calls and leads alike.

In all of them `call` is the id of the call or of the lead.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from trunkline.kernel.money import Money


class AuctionEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all events of an auction say: whose it is, for which call or lead, when (UTC milliseconds)."""

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    account: str
    call: str
    at_ms: int


class Ping(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One route of an auction and its fate (`engine/routing/auction.py`, `Fate`).

    `amount` is what was bid, or the static price of a route that bids nothing, which has no `after_ms`: when the answer
    came after the auction's beginning. `id` is the bidder's own name of its bid; `status` is of HTTP; `detail` says
    more. `dial`, `duration_s` and `expires_ms` (UTC) are terms that the bid has named; `confirm` says that the bidder
    has to confirm it, `ping` is our own name of the question.
    """

    route: str
    target: str
    fate: str
    amount: Money | None = None
    after_ms: int | None = None
    id: str | None = None
    status: int | None = None
    detail: str | None = None
    dial: str | None = None
    duration_s: int | None = None
    expires_ms: int | None = None
    confirm: bool = False
    ping: str | None = None


class AuctionHeld(AuctionEvent, frozen=True, kw_only=True, tag="auction.held"):
    """An auction is settled, or was broken off. Durable with the offer to its winner, or with the end of routing.

    `pings` are those that can be offered first, best first, then the others in the plan's order; `more` are not listed.
    `deadline_ms` is how long it could take, `took_ms` how long it took. `settled` is False when the caller was gone
    before: then nobody has won.
    """

    plan: str
    tier: str
    deadline_ms: int
    took_ms: int
    pings: tuple[Ping, ...]
    more: int = 0
    settled: bool = True
    hop: int = 0


class BidLate(AuctionEvent, frozen=True, kw_only=True, tag="bid.late"):
    """A bidder has answered when its time was over. Recorded and never used; may follow the end of the call."""

    plan: str
    tier: str
    target: str
    after_ms: int
    amount: Money | None = None
    detail: str | None = None


class BidConfirmed(AuctionEvent, frozen=True, kw_only=True, tag="bid.confirmed"):
    """The winner of an auction was asked to confirm its bid: `accepted`, or `rejected_at_post` with the reason.

    Silence and errors are a rejection: nobody is rung who has not said yes. `dial` is a number or address that came
    with the confirmation.
    """

    attempt: str
    target: str
    fate: str
    took_ms: int
    status: int | None = None
    detail: str | None = None
    dial: str | None = None


AnyAuctionEvent = AuctionHeld | BidLate | BidConfirmed
