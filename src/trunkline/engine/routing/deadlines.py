"""How long anybody is waited for in an auction. All figures are whole milliseconds from the auction's beginning.

    |<------------------------- the tier's deadline, or what is left of the patience ----------------------->|
    |<------------------------------------- closing_ms ------------------------------------>|<- RESERVE_MS ->|
    |<------------- allowed_ms: the bidder's own time, or less as it mostly takes ---->|       settle, hold seats
    |<---- told_ms: what the bidder is told ------->|<- NETWORK_MS: its answer's way ->|
    |                                                                                  |<- LATE_MS: a late answer

There is one deadline, and it is absolute: whatever is slow before a request leaves is taken from the bidder, not added
to the caller's waiting. An answer that comes later than `allowed_ms` is recorded and not used.
"""

from __future__ import annotations

from typing import Final

DEADLINE_MS: Final = 1_500
"""How long an auction takes at most when its tier does not say."""
RESERVE_MS: Final = 10
"""Our own: settling, reserving the winner's seats, writing it all down."""
NETWORK_MS: Final = 20
"""A bidder is told so much less than it is given: its answer has to come back as well."""
LATE_MS: Final = 1_000
"""How long after its time an answer is still listened for, to record it and to learn how long the bidder takes."""
LAG_MS: Final = 30
"""What is done so much too late is a sign that the switch has more to do than it can."""
ASK_WITHIN: Final = 4
"""A bidder that cannot be asked within a quarter of its time is not asked (`shed`): the switch has more to do than it
can, and another request would take the time of those that were sent."""


def auction_ms(tier_ms: int | None, patience_left_ms: int) -> int:
    """How long an auction may take: the tier's deadline, but no longer than the caller's patience; at least 1."""
    return max(1, min(DEADLINE_MS if tier_ms is None else tier_ms, patience_left_ms))


def closing_ms(deadline_ms: int) -> int:
    """When an auction that may take `deadline_ms` stops waiting for bids."""
    return deadline_ms - RESERVE_MS if deadline_ms > 2 * RESERVE_MS else max(1, deadline_ms // 2)


def allowed_ms(deadline_ms: int, timeout_ms: int, adaptive_ms: int | None = None) -> int:
    """How long one bidder may take: its own timeout, or less where `adaptive_ms` says so, within the auction."""
    most = min(timeout_ms, closing_ms(deadline_ms))
    return max(1, most if adaptive_ms is None else min(most, adaptive_ms))


def ask_within_ms(allowed: int) -> int:
    """How long after the auction's beginning a bidder that is given `allowed` may still be asked."""
    return allowed // ASK_WITHIN


def lag_ms(allowed: int) -> int:
    """From when on it is a sign of overload that a bidder that is given `allowed` has not been asked yet."""
    return max(LAG_MS, allowed // (2 * ASK_WITHIN))


def told_ms(allowed: int) -> int:
    """What a bidder that is given `allowed` is told that it has; at least half of it."""
    return max(1, allowed - NETWORK_MS, allowed // 2)
