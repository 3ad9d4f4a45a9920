"""What publishers were bid before they sent a lead or a call, as the journal keeps it.

`call` is the ping's id until it becomes a call or a lead; `ping.used` says which. A ping that led to no bid is counted
only.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from trunkline.kernel.money import Money

PingKind = Literal["lead", "call"]


class PingEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all events of a ping say: whose it is, which ping (`call`), when (UTC milliseconds)."""

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    account: str
    call: str
    at_ms: int


class PingBid(PingEvent, frozen=True, kw_only=True, tag="ping.bid"):
    """A publisher was bid `bid` until `expires_ms`. Durable before it is told.

    `price` is what the target named by `route` would pay. For a call `number` is where it is to be sent, and the bid is
    earned at `event`, for `duration` after `after_ms` of talking. `seed` and `snapshot` are what it was decided by,
    `attributes` all that was known.
    """

    PERSONAL = frozenset({"attributes"})

    kind: PingKind
    campaign: str
    publisher: str
    source: str | None
    bid: Money
    price: Money
    route: str
    target: str
    buyer: str
    expires_ms: int
    attributes: dict[str, str]
    seed: int
    snapshot: str
    event: Literal["convert", "connect", "duration"] = "convert"
    after_ms: int = 0
    number: str | None = None
    test: bool = False


class PingConfirmed(PingEvent, frozen=True, kw_only=True, tag="ping.confirmed"):
    """The publisher will send the call: the seat of `attempt` is held for it by `lease` until the bid's end."""

    lease: str
    attempt: str
    route: str


class PingNoTarget(PingEvent, frozen=True, kw_only=True, tag="ping.no_target"):
    """The publisher would have sent the call, and the room was gone; the bid binds nobody any more."""

    reason: str


class PingUsed(PingEvent, frozen=True, kw_only=True, tag="ping.used"):
    """The lead or call that was asked about has come: `by` is its id, `held` whether a seat was held for it."""

    by: str
    held: bool = False


class PingLapsed(PingEvent, frozen=True, kw_only=True, tag="ping.lapsed"):
    """A call that was confirmed has not come until the bid's end: its seat is given back."""


AnyPingEvent = PingBid | PingConfirmed | PingNoTarget | PingUsed | PingLapsed
