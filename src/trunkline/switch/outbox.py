"""How much is in the outbox: its rows are in the journal, and only counted here.

A buyer whose mail server is down and a publisher who goes on posting must not fill the disk between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from trunkline.events.changes import Change, OutboxDrop, OutboxPut, StoredDelivery

LEADS_MAX: Final = 1_000_000
"""Leads that wait to be sent, dead letters included. Who would be one more is offered to the next buyer."""
GONE_MAX: Final = 10_000
"""Attempts whose end may not be on disk yet: far more than can be named while a command reads the disk."""


class OutboxCount:
    """Leads that wait, and leads that are dead. A commit that fails makes it too high by one until the next start."""

    def __init__(self) -> None:
        self.counts = {"waiting": 0, "dead": 0}
        self._gone: dict[str, None] = {}

    @property
    def full(self) -> bool:
        """Whether nothing more may be queued."""
        return sum(self.counts.values()) >= LEADS_MAX

    def restore(self, counts: Mapping[str, int]) -> None:
        """Begin with what the process before this one has left."""
        self.counts |= counts

    def queued(self) -> None:
        """One more waits."""
        self.counts["waiting"] += 1

    def has_gone(self, attempt: str) -> bool:
        """Whether it has just left the outbox, although the disk may still say that it is there."""
        return attempt in self._gone

    def move(self, before: Iterable[StoredDelivery], changes: Iterable[Change], sign: int = 1) -> None:
        """Rows have changed, or (`sign` -1) have not after all."""
        for row in before:
            self.counts[row.state] -= sign
        for change in changes:
            if isinstance(change, OutboxPut):
                self.counts[change.delivery.state] += sign
            else:
                assert isinstance(change, OutboxDrop)
                if sign > 0:
                    self._gone[change.attempt] = None
                else:
                    self._gone.pop(change.attempt, None)
        while len(self._gone) > GONE_MAX:
            del self._gone[next(iter(self._gone))]
