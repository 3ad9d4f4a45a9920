"""The bids that stand: found by ping, by what was asked, and for calls by who is to call which number.

Memory is bounded: when the book is full nothing more is bid until bids end, and one publisher fills half of it at most.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from trunkline.events.changes import StoredPing
from trunkline.kernel.leases import Lease
from trunkline.switch.pings.tokens import LATE_MS

PINGS_MAX: Final = 100_000
"""Bids that stand at once, about a kilobyte each."""


class PingBook:
    """Bids by their pings. All times are UTC milliseconds."""

    def __init__(self, most: int = PINGS_MAX) -> None:
        self._most = most
        self._pings: dict[str, StoredPing] = {}
        self._by_question: dict[tuple[str, str, str], str] = {}
        self._by_caller: dict[tuple[str, str, str], str] = {}
        self._held: dict[str, StoredPing] = {}
        self._of_publisher: Counter[tuple[str, str]] = Counter()
        # May name what is gone, or was put off: whoever pops looks before acting.
        self._ends: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._pings)

    def __contains__(self, ping: str) -> bool:
        return ping in self._pings

    def restore(self, pings: Iterable[StoredPing]) -> None:
        """Take over what the journal knew."""
        for ping in pings:
            self.put(ping)

    def full(self, account: str, publisher: str) -> bool:
        """Whether this publisher can be bid nothing more for now."""
        return len(self._pings) >= self._most or self._of_publisher[account, publisher] >= max(1, self._most // 2)

    def find(self, ping: str) -> StoredPing | None:
        """The ping's bid, also when it has ended or was taken up, for as long as anybody may ask."""
        return self._pings.get(ping)

    def again(self, account: str, publisher: str, question: str, now_ms: int) -> StoredPing | None:
        """The bid that stands for the same question of this publisher."""
        known = self._pings.get(self._by_question.get((account, publisher, question), ""))
        return known if known is not None and known.by is None and now_ms < known.expires_ms else None

    def expects(self, account: str, number: str, caller: str, contact: str, now_ms: int) -> StoredPing | None:
        """The bid by which `caller` (E.164, as a keyed hash `contact`) calls `number` now."""
        if not self._by_caller:
            return None
        for name in (contact, *hashed_forms(caller)):
            known = self._pings.get(self._by_caller.get((account, number, name), ""))
            if known is not None and known.by is None and now_ms <= known.expires_ms + LATE_MS:
                return known
        return None

    def waiting(self) -> tuple[StoredPing, ...]:
        """Those for whose calls seats are held."""
        return tuple(self._held.values())

    def put(self, ping: StoredPing) -> None:
        """The bid is made, or has moved on."""
        if ping.ping not in self._pings:
            self._of_publisher[ping.account, ping.publisher] += 1
        self._pings[ping.ping] = ping
        if ping.lease is not None and ping.by is None:
            self._held[ping.ping] = ping
        else:
            self._held.pop(ping.ping, None)
        self._by_question[ping.account, ping.publisher, ping.repeat] = ping.ping
        if ping.number is not None and ping.caller is not None:
            self._by_caller[ping.account, ping.number, ping.caller] = ping.ping
        heapq.heappush(self._ends, (_end_ms(ping), ping.ping))

    def drop(self, ping: StoredPing) -> None:
        """Nobody can take up the bid any more."""
        if self._pings.pop(ping.ping, None) is None:
            return
        self._held.pop(ping.ping, None)
        of = (ping.account, ping.publisher)
        self._of_publisher[of] -= 1
        if not self._of_publisher[of]:
            del self._of_publisher[of]
        if self._by_question.get((*of, ping.repeat)) == ping.ping:
            del self._by_question[(*of, ping.repeat)]
        if ping.number is not None and ping.caller is not None:
            caller = (ping.account, ping.number, ping.caller)
            if self._by_caller.get(caller) == ping.ping:
                del self._by_caller[caller]

    def sweep(self, now_ms: int) -> list[StoredPing]:
        """Those that are over, dropped from the book."""
        over = []
        while self._ends and self._ends[0][0] <= now_ms:
            _, name = heapq.heappop(self._ends)
            ping = self._pings.get(name)
            if ping is not None and _end_ms(ping) <= now_ms:
                self.drop(ping)
                over.append(ping)
        return over


def is_seat(lease: Lease) -> bool:
    """Whether the lease waits for a call that was bid for: no attempt of anybody is behind it."""
    return lease.call.startswith("ping_")


def hashed(sum_: str) -> str:
    """How a caller is named of whom a publisher told the SHA-256 sum (hex) only."""
    return f"sha256:{sum_}"


def hashed_forms(caller: str) -> tuple[str, ...]:
    """The names of a caller (E.164) that was told as a SHA-256 sum of its number, with the plus or without."""
    forms = dict.fromkeys((caller, caller.removeprefix("+"), caller.removeprefix("+1")))
    return tuple(hashed(sha256(form.encode()).hexdigest()) for form in forms)


def _end_ms(ping: StoredPing) -> int:
    return ping.expires_ms + LATE_MS + 1
