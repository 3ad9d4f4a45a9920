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
DECIDED_LATER = frozenset({"convert", "spend", FUNDS})
"""The measures whose seats may still be used when the attempt is over."""


class CounterId(msgspec.Struct, frozen=True, gc=False, order=True, cache_hash=True):
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

    `max` is what holds at the instant of the offer, by matrix and pacing as well. `window_start_ms` and `window_end_ms`
    bound the window; both are 0 for limits without one. `gap_ms` must have passed since the last offer that held a seat
    of this counter, in whatever window; 0 asks for nothing.
    """

    counter: CounterId
    amount: int
    max: int
    window_start_ms: int = 0
    window_end_ms: int = 0
    gap_ms: int = 0


class TurnId(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A route's place in a round robin."""

    account: str
    plan: str
    tier: str
    route: str


class Lease(msgspec.Struct, frozen=True, gc=False):
    """Seats held for one attempt. `demands` are those still held; settled and given-back ones are gone from it.

    `kept_until_ms` is 0 while the attempt goes on. After that it says until when (UTC) what is left waits for a
    conversion that may still come.
    """

    id: str
    account: str
    call: str
    attempt: str
    demands: tuple[Demand, ...]
    reserved_ms: int
    kept_until_ms: int = 0


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A reservation that was not made: `demand` is the first that had no room, `used` its used and held seats.

    There may be room for it, and only the gap since the last offer be too short (`gap_left_ms` tells).
    """

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


class OfferedSet(msgspec.Struct, frozen=True, gc=False, tag="offered.set"):
    """The last offer that held a seat of the counter was made at `at_ms` (UTC); only kept where a gap is asked for."""

    counter: CounterId
    at_ms: int


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


CapacityChange = CounterSet | OfferedSet | HoldPut | HoldDrop | TurnSet
"""What a store writes down, in the same transaction as the event that caused it."""


class Usage(Protocol):
    """What may be asked of capacity without changing it."""

    def used(self, counter: CounterId, window_start_ms: int) -> int:
        """Seats used and held in that window; the window of a limit without one starts at 0."""
        ...

    def offered(self, counter: CounterId) -> int | None:
        """When (UTC milliseconds) an offer last held a seat of a counter that asks for a gap; None when none did."""
        ...

    def turn(self, turn: TurnId) -> int:
        """The sequence number of the route's last offer in its tier, 0 when it never was offered."""
        ...


def gap_left_ms(gap_ms: int, offered_ms: int | None, utc_ms: int) -> int:
    """How long the next offer must still wait for a gap of `gap_ms` since `offered_ms`; 0 when it need not.

    An offer in the future was made before the clock was set back: nobody knows how long ago, so it asks for nothing.
    """
    if offered_ms is None or offered_ms > utc_ms:
        return 0
    return max(0, offered_ms + gap_ms - utc_ms)


class Capacity(Usage, Protocol):
    """A store of leases. Every method is atomic; reserve, settle, renew and release may be repeated harmlessly.

    No method reads a clock: `now` is the caller's. Leases run by its monotonic half, gaps and what is kept for a later
    conversion by the UTC half where a restart lies between.
    """

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
        """Hold every demand, or none and say which refused first (in the order given): its seats, then its gap.

        `turn` is the round-robin place to move to the end in the same step. Repeating a lease id gives the same lease.
        """
        ...

    def settle(self, lease_id: str, measure: str, now: Instant, amount: int | None = None) -> None:
        """Turn the lease's held seats of `measure` into used ones; `amount` (spend, funds) is what was really used.

        They count in the window of the offer, also when they were kept beyond the end of the attempt.
        """
        ...

    def renew(self, lease_id: str, now: Instant) -> bool:
        """Put off the lease's expiry; False when there is no such lease any more, or its attempt is over."""
        ...

    def release(self, lease_id: str, now: Instant, keep: frozenset[str] = frozenset(), keep_ms: int = 0) -> None:
        """The attempt is over: give back what the lease still holds, the measures in `keep` only after `keep_ms`.

        Until then they can be settled. Releasing once more without `keep` gives them back too.
        """
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
        """Release every lease that nobody has renewed and name it: each one of a live leg is a bug to be counted.

        What was kept for a later conversion is given back at its time, and not named.
        """
        ...

    def leases(self) -> int:
        """How many attempts go on, those that hold no seat (any more) included: one a live leg."""
        ...

    def kept(self) -> int:
        """How many attempts are over and keep seats for a conversion that may still come."""
        ...

    def take_changes(self) -> list[CapacityChange]:
        """What has changed since this was last asked, for the journal."""
        ...

    def put_back(self, changes: Sequence[CapacityChange]) -> None:
        """These could not be written: `take_changes` names what they are about again, as it stands then."""
        ...
