"""Capacity as leases: what a reservation asks for, what it holds, and the port that every store implements.

A counter is never incremented by hand. An offer *reserves* a lease: a seat in every limit that applies, all or
nothing. Seats of a limit turn from held into used at the limit's own event (`settle`); whatever is still held when
the lease ends is given back (`release`). So held + used never exceeds a limit, and a crash leaves leases that can be
found and ended, never a count that is off by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from trunkline.kernel.clock import Instant

LEASE_TTL_S = 30
"""A lease that nobody renews for this long is swept. Running calls renew theirs every `LEASE_RENEW_S`."""
LEASE_RENEW_S = 10

FUNDS = "funds"
"""The measure of a buyer's money: a limit without a window whose seats are minor units."""


class CounterId(msgspec.Struct, frozen=True, gc=False, order=True):
    """What a limit counts, by names only, so that reordering a configuration moves nothing.

    `level` is account, campaign, publisher, group, buyer, bidder, target or route; `key` the object's key (a route's
    is PLAN.TIER.ROUTE); `measure` and `per` as in the configuration, `per` empty for live and funds.
    """

    account: str
    level: str
    key: str
    measure: str
    per: str
    applies_to: str


class Demand(msgspec.Struct, frozen=True, gc=False):
    """`amount` seats (minor units for spend and funds) of one limit in the window that holds the offer.

    `window_start_ms` and `window_end_ms` bound that window; both are 0 for limits without one.
    """

    counter: CounterId
    amount: int
    max: int
    window_start_ms: int = 0
    window_end_ms: int = 0


class TurnId(msgspec.Struct, frozen=True, gc=False):
    """A route's place in a round robin."""

    account: str
    plan: str
    tier: str
    route: str


class Lease(msgspec.Struct, frozen=True, gc=False):
    """Seats held for one attempt. `demands` are those still held; settled and given-back ones are gone from it."""

    id: str
    account: str
    call: str
    attempt: str
    demands: tuple[Demand, ...]
    reserved_ms: int


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A reservation that was not made: `demand` is the first that had no room, `used` its used and held seats."""

    demand: Demand
    used: int


class Seats(msgspec.Struct, frozen=True, gc=False):
    """What is taken of a counter in one window."""

    used: int
    held: int


class Recounted(msgspec.Struct, frozen=True, gc=False):
    """The used seats of a counter's window before and after somebody set them by hand."""

    before: int
    after: int


class CounterSet(msgspec.Struct, frozen=True, gc=False, tag="counter.set"):
    """The used seats of a counter's window are now `used` (held ones stand in the leases)."""

    counter: CounterId
    window_start_ms: int
    window_end_ms: int
    used: int


class HoldPut(msgspec.Struct, frozen=True, gc=False, tag="hold.put"):
    """The lease holds exactly this."""

    lease: Lease


class HoldDrop(msgspec.Struct, frozen=True, gc=False, tag="hold.drop"):
    """The lease holds nothing any more."""

    lease: str


class TurnSet(msgspec.Struct, frozen=True, gc=False, tag="turn.set"):
    """The route was last offered as number `sequence` of its tier."""

    turn: TurnId
    sequence: int


CapacityChange = CounterSet | HoldPut | HoldDrop | TurnSet
"""What a store writes down, in the same transaction as the event that caused it."""


class Usage(Protocol):
    """What may be asked of capacity without changing it."""

    def used(self, counter: CounterId, window_start_ms: int) -> int:
        """Seats used and held in that window; the window of a limit without one starts at 0."""
        ...

    def turn(self, turn: TurnId) -> int:
        """The sequence number of the route's last offer in its tier, 0 when it never was offered."""
        ...


class Capacity(Usage, Protocol):
    """A store of leases. Every method is atomic; reserve, settle, renew and release may be repeated harmlessly."""

    def reserve(
        self,
        lease_id: str,
        account: str,
        call: str,
        attempt: str,
        demands: Sequence[Demand],
        turn: TurnId | None,
        now: Instant,
    ) -> Lease | Refused:
        """Hold every demand, or none and say which refused first (in the order given).

        `turn` is the round-robin place to move to the end in the same step. Repeating a lease id gives the same lease.
        """
        ...

    def settle(self, lease_id: str, measure: str, now: Instant, amount: int | None = None) -> None:
        """Turn the lease's held seats of `measure` into used ones; `amount` (spend, funds) is what was really used."""
        ...

    def renew(self, lease_id: str, now: Instant) -> bool:
        """Put off the lease's expiry; False when there is no such lease any more."""
        ...

    def release(self, lease_id: str, now: Instant, keep: frozenset[str] = frozenset()) -> None:
        """Give back what the lease still holds, except of the measures in `keep`."""
        ...

    def seats(self, counter: CounterId, window_start_ms: int) -> Seats:
        """What is taken of a counter, used and held apart."""
        ...

    def recount(
        self,
        counter: CounterId,
        window_start_ms: int,
        window_end_ms: int,
        *,
        to: int | None = None,
        by: int = 0,
    ) -> Recounted:
        """Set the used seats of a window to `to`, or change them by `by`, by hand; never below 0. Held ones stay."""
        ...

    def sweep(self, now: Instant) -> list[Lease]:
        """Release every lease whose time has run out and name it: each one of a live leg is a bug to be counted."""
        ...

    def leases(self) -> int:
        """How many leases have not ended, those that hold no seat (any more) included: one a live leg."""
        ...

    def take_changes(self) -> list[CapacityChange]:
        """What has changed since this was last asked, for the journal."""
        ...

    def put_back(self, changes: Sequence[CapacityChange]) -> None:
        """These could not be written: `take_changes` names what they are about again, as it stands then."""
        ...
