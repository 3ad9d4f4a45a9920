"""Who is heard on a leg: one address, and of what comes from there one stream.

Symmetric RTP: packets are taken from the host in the party's SDP. The first valid one settles the port; from then on
only that very address is heard, until `arm` begins anew (a re-INVITE). One exception, for `SETTLE_S`: a packet from
the very address and port in the SDP takes the place of any other, for what a party that moves still sends from its
old port must not keep us there.

Of two streams from that address at once (two SSRCs: a gateway that gives a port to the next call too early) the one
that was there first is heard. Another takes its place when the first has stopped: after `QUIET_S` of silence at once,
else with its third packet in a row. What is not heard is counted and goes no further.
"""

from __future__ import annotations

from typing import Final

from trunkline.media.embedded.outbound import Address

SETTLE_S: Final = 10.0
QUIET_S: Final = 0.1
_PROBATION: Final = 3
"""A packet of the stream that is heard sets the count back, so that streams side by side never change places."""


class Latch:
    """The one source of a leg. `source` is the settled address, None while there is none; the rest counts."""

    __slots__ = ("_candidate", "_candidate_packets", "_heard_packets", "_host", "_settles_until", "_stated", "foreign",
                 "fresh", "other_stream", "source")  # fmt: skip

    def __init__(self) -> None:
        self.source: Address | None = None
        self.fresh = True
        self.foreign = 0
        self.other_stream = 0
        self._host = ""
        self._stated: Address = ("", 0)
        self._settles_until = 0.0
        self._candidate = -1
        self._candidate_packets = 0
        self._heard_packets = 0

    def arm(self, host: str, port: int, now: float) -> None:
        """Begin anew: the party is at `host` and, as it says, at `port`."""
        self.source = None
        self.fresh = True
        self._host = host
        self._stated = (host, port)
        self._settles_until = now + SETTLE_S

    def may_settle(self, source: Address, now: float) -> bool:
        """Whether a sender that is not the settled one may become it; counts those that may not.

        IPv6 sources have two fields more.
        """
        if self.source is None:
            may = bool(source[0] == self._host)
        else:
            may = now < self._settles_until and source[:2] == self._stated
        self.foreign += not may
        return may

    def settle(self, source: Address) -> None:
        """It is this address from now on, and whichever stream comes from it first."""
        self.source = source
        self.fresh = True

    def is_host(self, source: Address) -> bool:
        """Whether it is the party's host that sends, from whatever port: all that RTCP is held to."""
        return bool(source[0] == self._host)

    def may_speak(self, ssrc: int, heard_packets: int, silent_s: float) -> bool:
        """Whether a stream that is not the one being heard may take its place; counts packets of those that may not.

        `heard_packets` counts the packets of the one being heard, which has been silent for `silent_s`.
        """
        if self.fresh or heard_packets == 0 or silent_s >= QUIET_S:
            return True
        if ssrc != self._candidate or heard_packets != self._heard_packets:
            self._candidate, self._candidate_packets, self._heard_packets = ssrc, 0, heard_packets
        self._candidate_packets += 1
        if self._candidate_packets >= _PROBATION:
            return True
        self.other_stream += 1
        return False
