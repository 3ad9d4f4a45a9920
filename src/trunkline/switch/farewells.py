"""What a peer is told of why we hang up: Reason headers (RFC 3326) by the reason codes of calls and attempts.

Causes are those of Q.850: 19 is a phone that rings in vain, 21 a refusal, 41 a temporary failure of ours, 102 a timer
that has run out. An end without a code, as by the other party's hanging up, needs no words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FAREWELLS: Final[Mapping[str, str]] = {
    "elsewhere": 'SIP;cause=200;text="Call completed elsewhere"',  # it shows no missed call (RFC 3326 section 3.1)
    "ring_seconds": 'Q.850;cause=19;text="No answer in time"',
    "no_key": 'Q.850;cause=19;text="Not accepted in time"',
    "other_key": 'Q.850;cause=21;text="Not accepted"',
    "max_duration": 'Q.850;cause=102;text="Longest call reached"',
    "dead_media": 'Q.850;cause=102;text="No audio"',
    "drain": 'Q.850;cause=41;text="Shutting down"',
    "media_lost": 'Q.850;cause=41;text="Audio lost"',
    "internal_error": 'Q.850;cause=41;text="Internal error"',
}


def farewell(reason: str | None) -> str | None:
    """The Reason header for a reason code, None where nothing is to be said."""
    return None if reason is None else FAREWELLS.get(reason)
