"""Which targets take traffic for now, as far as that follows from their calls and from what people say of them.

Every change is a fact with a version, and in the journal. What people said and pauses outlive a restart; a wrap-up
that a restart cuts short is over.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from trunkline.config.schema import AccountConfig
from trunkline.engine.routing.availability import Availability, Status
from trunkline.events.changes import TargetPut
from trunkline.events.entry import Entry
from trunkline.events.switch import TargetStatus
from trunkline.kernel.clock import Instant

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.targets")

LOOK_S: Final = 0.5

Name = tuple[str, str]
"""Account and target."""


class Presence:
    """The availability of all targets that have something to be said of them."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._targets: dict[Name, Availability] = {}
        self._told: dict[Name, Status] = {}
        self._due: list[tuple[int, Name]] = []

    def restore(self, kept: Iterable[TargetPut], now: Instant) -> None:
        """Take over what the journal kept; the events of it are there already."""
        for each in kept:
            name = (each.account, each.target)
            known = self._targets[name] = Availability()
            known.away, known.paused_until_ms = each.away, each.paused_until_ms
            self._note(name, known, now)
            self._publish(each.account)

    def use(self, accounts: Iterable[AccountConfig]) -> None:
        """Take the settings of a configuration; what is said of targets stays."""
        wanted: dict[Name, Availability] = {}
        for config in accounts:
            for target in config.targets:
                name = (config.account.key, target.key)
                known = self._targets.get(name)
                if known is None and target.wrap_up_seconds is None and target.pause_after is None:
                    continue
                known = known or Availability()
                known.wrap_up_s, known.settings = target.wrap_up_seconds, target.pause_after
                wanted[name] = known
        for name, known in self._targets.items():
            if name not in wanted and known.away:
                wanted[name] = known  # a target that is left out and comes back is still away
        self._targets = wanted
        forgotten = [name for name in self._told if name not in wanted]
        for name in forgotten:
            del self._told[name]  # or it would be out of service for ever when it comes back
        for account in {account for account, _ in forgotten}:
            self._publish(account)

    def ended(self, account: str, target: str, outcome: str) -> tuple[list[Entry], tuple[TargetPut, ...]]:
        """An attempt is over: what is to be written with its end."""
        name = (account, target)
        known = self._targets.get(name)
        if known is None:
            return [], ()
        now, paused_until_ms = self._plant.clock(), known.paused_until_ms
        known.ended(outcome, now)
        changes = () if known.paused_until_ms == paused_until_ms else self._state(name, known)
        return self._changed(name, known, now, None), changes

    def say(
        self, name: Name, status: Status, by: str, now: Instant
    ) -> tuple[list[Entry], tuple[TargetPut, ...], Callable[[], None]]:
        """Somebody says `away`, `available`, or ends a pause (`auto_paused`): what is to be written and its undoing."""
        known = self._targets.setdefault(name, Availability())
        before = known.away, known.paused_until_ms, known.wrap_up_until_ms
        if status == "auto_paused":
            known.resume()
        else:
            known.take(away=status == "away")

        def undo() -> None:
            known.away, known.paused_until_ms, known.wrap_up_until_ms = before
            self._changed(name, known, self._plant.clock(), None)

        return self._changed(name, known, now, by), self._state(name, known), undo

    def statuses(self, account: str, now: Instant) -> Iterator[tuple[str, Status, int | None]]:
        """Target, status, and when that ends by itself, of all that anything can be said of."""
        for (owner, target), known in sorted(self._targets.items()):
            if owner == account:
                yield target, known.status(now), known.until_ms(now)

    async def run(self) -> None:
        """End what ends by itself until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(self._plant.clock())

    def look(self, now: Instant) -> None:
        """End what has ended."""
        entries: list[Entry] = []
        while self._due and self._due[0][0] <= now.utc_ms:
            name = heapq.heappop(self._due)[1]
            known = self._targets.get(name)
            if known is not None:
                entries += self._changed(name, known, now, None)
        self._plant.write(entries)

    def _changed(self, name: Name, known: Availability, now: Instant, by: str | None) -> list[Entry]:
        """The event of a status that has changed since it was told last."""
        before = self._told.get(name, "available")
        status = self._note(name, known, now)
        if status == before:
            return []
        account, target = name
        facts = self._publish(account)
        log.info("target %s of %s: %s%s", target, account, status, f" by {by}" if by else "")
        if status == "available":
            self._plant.queues.freed()
        return [
            Entry(
                TargetStatus(
                    at_ms=now.utc_ms, account=account, target=target, status=status, until_ms=known.until_ms(now),
                    by=by, facts=facts,
                )
            )
        ]  # fmt: skip

    def _note(self, name: Name, known: Availability, now: Instant) -> Status:
        status, until_ms = known.status(now), known.until_ms(now)
        if until_ms is not None:
            heapq.heappush(self._due, (until_ms, name))
        if status == "available":
            self._told.pop(name, None)
        else:
            self._told[name] = status
        return status

    def _publish(self, account: str) -> str:
        away = {target: status for (owner, target), status in self._told.items() if owner == account}
        return self._plant.facts.change(account, unavailable=away).version

    @staticmethod
    def _state(name: Name, known: Availability) -> tuple[TargetPut, ...]:
        return (TargetPut(*name, known.away, known.paused_until_ms),)
