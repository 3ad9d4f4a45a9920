"""The limit on everything a peer can make grow."""

from __future__ import annotations

import msgspec


class MessageLimits(msgspec.Struct, frozen=True):
    """What one datagram may hold.

    Sizes are bytes, the rest are counts. Beyond them the peer gets 513 (too large) or 400, or nothing at all when it
    cannot be answered. Responses repeat headers, so `max_head` (everything before the body) also bounds what one small
    repetition of a request can make us send.
    """

    max_datagram: int = 65_535
    max_head: int = 16_384
    max_headers: int = 128
    max_start_line: int = 2_048


class StateLimits(msgspec.Struct, frozen=True):
    """What all peers together, and one address alone, may make us remember.

    A server transaction lives 32 s past its end (Timers H, J, L), so `max_transactions_per_source` must be above
    64 times the requests per second of the busiest trunk. `max_half_open` counts incoming calls that have no final
    answer yet; a new INVITE beyond any of the three is refused with 503.
    """

    max_transactions: int = 200_000
    max_transactions_per_source: int = 100_000
    max_half_open: int = 4_000
    max_forks: int = 8


DEFAULT_MESSAGE_LIMITS = MessageLimits()
DEFAULT_STATE_LIMITS = StateLimits()
