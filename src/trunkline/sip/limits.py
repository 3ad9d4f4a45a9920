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


class StreamLimits(msgspec.Struct, frozen=True):
    """What one message on a stream may hold, in bytes: its head up to the empty line, and its body."""

    max_head: int = 16_384
    max_body: int = 49_151


class StateLimits(msgspec.Struct, frozen=True):
    """What all peers together, and one address alone, may make us remember.

    A server transaction lives 32 s past its end (Timers H, J, L), so `max_transactions_per_source` must be above
    64 times the requests per second of the busiest trunk. `max_half_open` counts incoming calls that have no final
    answer yet; that of one source is lower, so that a single trunk whose callers hang on cannot keep the others out.
    `max_invites_per_s` is that of one source, in the long run; it may have two seconds' worth at once. A new INVITE
    beyond any of them is refused with 503.
    """

    max_transactions: int = 200_000
    max_transactions_per_source: int = 100_000
    max_half_open: int = 750
    max_half_open_per_source: int = 500
    max_invites_per_s: int = 500
    max_forks: int = 8


DEFAULT_MESSAGE_LIMITS = MessageLimits()
DEFAULT_STREAM_LIMITS = StreamLimits()
DEFAULT_STATE_LIMITS = StateLimits()
