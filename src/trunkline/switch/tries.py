"""Where one leg's INVITE goes, and where it goes next when a server does not take it (RFC 3263 section 4.3).

One attempt is one offer with one lease, however many servers it is tried at: those of one name in the order of DNS,
then those of the target's next trunk. A server that says nothing, cannot be reached or answers 503 makes room for the
next one; any other 5xx and 408 for the next trunk, as they are a carrier's word and not a machine's; every other
refusal is the target's own answer. What the target may stay silent is shared among the servers that are left, and the
ring time runs over all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from trunkline.sip.hops import Hop
from trunkline.telephony.sip.dial import Way
from trunkline.telephony.sip.servers import Place

TRIES_MAX = 4
"""Servers that one leg is tried at."""
PATIENCE_S_MIN = 0.5
"""A server that would get less than this to say something is not tried."""


class Try(msgspec.Struct, frozen=True):
    """One server: the way it belongs to, and how long it may stay silent."""

    way: Way
    hop: Hop
    patience_s: float


class Tries:
    """The servers of one leg, in order."""

    __slots__ = ("_servers", "_silence_s", "_trying", "_ways", "failure", "number")

    def __init__(self, ways: Sequence[Way], silence_s: float) -> None:
        """`silence_s` is how long the target may say nothing at all."""
        self._ways = deque(ways)
        self._servers: deque[tuple[Way, Hop]] = deque()
        self._silence_s = silence_s
        self._trying: Try | None = None
        self.number = 0
        self.failure: str | None = None
        """Why the last way was passed over, as the attempt's reason."""

    @property
    def trying(self) -> Try | None:
        """The server that was last taken."""
        return self._trying

    def following(
        self, full: Callable[[Way], bool], servers: Callable[[Place], tuple[Hop, ...] | None]
    ) -> Try | Way | None:
        """The next server; the way whose name must be asked for before there is one; None when nothing is left.

        `full` says whether a way's trunk is at a limit, `servers` what a place stands for (None: not known).
        """
        while not self._servers and self._ways:
            way = self._ways.popleft()
            if full(way):
                self.failure = "trunk_limit"
                continue
            hops = servers(way.place)
            if hops is None:
                return way
            self.found(way, hops)
        if not self._servers or self.number >= TRIES_MAX:
            return None
        left = min(len(self._servers) + len(self._ways), TRIES_MAX - self.number)
        patience_s = self._silence_s / left
        if patience_s < PATIENCE_S_MIN and self.number:
            return None
        self.number += 1
        self._trying = Try(*self._servers.popleft(), patience_s)
        return self._trying

    def found(self, way: Way, hops: Sequence[Hop]) -> None:
        """These are the servers of a way."""
        self._servers.extend((way, hop) for hop in hops)

    def missing(self, reason: str) -> None:
        """The way that had to be asked for has no servers."""
        self.failure = reason

    def silent(self) -> None:
        """The server said nothing in the time that it had."""
        assert self._trying is not None
        self._silence_s -= self._trying.patience_s

    def refused(self, status: int) -> bool:
        """The server has refused; whether another one may be asked for the same call."""
        assert self._trying is not None
        if status == 503:
            return True
        if status == 408 or 500 <= status <= 599:
            self._servers = deque(each for each in self._servers if each[0] is not self._trying.way)
            return True
        return False
