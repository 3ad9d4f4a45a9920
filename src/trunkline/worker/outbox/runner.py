"""The outbox runner, a part of the worker: what is due goes out, and the switch hears what came of it.

Every report has a key, so it counts once however often it is sent; until it is acknowledged its load is not touched
again. What dies between a server's answer and the report is sent once more: as the
same Message-ID, onto a file that is recognized, with the same idempotency key.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from trunkline.config.schema import Target
from trunkline.engine.leads.retries import CHANCES, Failed, Sent, next_try_ms
from trunkline.engine.leads.sheets import delivery_id
from trunkline.events.changes import StoredDelivery
from trunkline.journal.outbox import OutboxReader
from trunkline.kernel.errors import TrunklineError
from trunkline.worker.outbox.carrying import ERASED, Carrier
from trunkline.worker.outbox.loads import ROWS_MAX, Load, leads_of, loads_of
from trunkline.worker.outbox.pace import Pace
from trunkline.worker.outbox.settings import SettingsSource
from trunkline.worker.part import Tell, in_thread

log = logging.getLogger("trunkline.outbox")

POLL_S: Final = 0.5
"""How often the outbox is looked at."""
FINISH_S: Final = 10.0
"""How long an end of the worker waits for what is on its way."""
REPORT_WAIT_S: Final = (0.5, 30.0)
"""The first and the longest wait for a switch that does not take a report."""
ATTEMPTS_A_REPORT: Final = 500
SINGLE_MAX: Final = 50
"""Single deliveries of one target that are looked at in one round."""


def utc_ms() -> int:
    """Now, in UTC milliseconds."""
    return time.time_ns() // 1_000_000


class OutboxRunner:
    """Follows the outbox of one data folder. `run` goes on until it is cancelled."""

    name = "outbox"

    def __init__(
        self,
        data: Path,
        source: SettingsSource,
        tell: Tell,
        *,
        clock_ms: Callable[[], int] = utc_ms,
        poll_s: float = POLL_S,
    ) -> None:
        """`tell` has the switch do a command; `source` says by which configuration is sent."""
        self._data = data
        self._source = source
        self._tell = tell
        self._clock_ms = clock_ms
        self._poll_s = poll_s
        self._carriers: list[Carrier] = []
        self._freed: set[tuple[str, str]] = set()
        self._unread = ""
        self._room = asyncio.Event()  # something has come to its end: there may be room for the next at once
        self._paces: dict[tuple[str, str], Pace] = {}
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: OutboxReader

    async def run(self) -> None:
        """Send what is due, again and again."""
        self._outbox = await in_thread(OutboxReader, self._data)
        loop = asyncio.get_running_loop()
        looked_s = loop.time() - self._poll_s
        try:
            while True:
                everything = loop.time() >= looked_s + self._poll_s
                looked_s = loop.time() if everything else looked_s
                try:
                    await self.round(everything=everything)
                    self._unread = ""
                except TrunklineError as error:  # of a disk, or of a journal that its switch has not brought up to date
                    self._tell_unread(error.message)
                with suppress(TimeoutError):
                    # asyncio.wait_for of Python 3.11 may swallow a cancellation.
                    async with asyncio.timeout_at(looked_s + self._poll_s):
                        await self._room.wait()
                self._room.clear()
        finally:
            await self._finish()

    async def round(self, *, everything: bool) -> None:
        """One look at every target for which something waits, or at those alone that something has ended for."""
        freed, self._freed = self._freed, set()
        settings = await in_thread(self._source.current)
        if settings is None:
            return
        if not self._carriers or self._carriers[-1].settings is not settings:
            self._carriers.append(Carrier(settings))
        while len(self._carriers) > 1 and not self._tasks:
            await self._carriers.pop(0).close()
        for account, target in await in_thread(self._outbox.targets) if everything else freed:
            await self._begin_for(self._carriers[-1], account, target)

    async def _begin_for(self, carrier: Carrier, account: str, key: str) -> None:
        target = carrier.settings.target(account, key)
        deliver = None if target is None else target.deliver
        pace = self._paces.setdefault((account, key), Pace())
        room = pace.room(deliver, self._clock_ms())
        if room <= 0:
            return
        collected = deliver is not None and deliver.sheet is not None and deliver.sheet.every is not None
        limit = len(self._busy) + (ROWS_MAX if collected else SINGLE_MAX)
        taken = frozenset(self._busy)  # also what ends while we read: the rows may be older than its report
        rows = await in_thread(self._outbox.due, account, key, self._clock_ms(), limit)
        free = [row for row in rows if row.attempt not in taken]
        for load in loads_of(free, deliver)[:room]:
            self._busy.update(load.attempts)
            pace.begin(deliver, self._clock_ms())
            task = asyncio.create_task(self._take(carrier, target, load, pace))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(self, carrier: Carrier, target: Target | None, load: Load, pace: Pace) -> None:
        """Send one load and report it. An error of ours is a failed try like any other."""
        rows, gone = _parted(load.rows, ())
        found: Sent | Failed
        try:
            leads = await in_thread(leads_of, self._data, load)
            known = {lead.attempt for lead in leads}
            rows, gone = _parted(load.rows, known)
            found = await carrier.carry(load.rows[0].account, target, leads)
        except Exception as error:
            log.exception("the delivery of %s has failed by an error of ours", load.attempts[0])
            found = Failed(reason="internal_error", detail=type(error).__name__)
        await self._report(rows, found, target)
        await self._report(gone, ERASED, target)
        # Not before the switch knows: so much that was sent, and no more, would be sent again if this process died.
        pace.end()
        self._busy.difference_update(load.attempts)
        self._freed.add((load.rows[0].account, load.rows[0].target))
        self._room.set()

    async def _report(self, rows: Sequence[StoredDelivery], found: Sent | Failed, target: Target | None) -> None:
        """Tell the switch, however long it takes; the keys make a report count once."""
        if not rows:
            return
        command, args = self._in_words(rows, found, target)
        mark = secrets.token_hex(4)  # the same row, sent again by the next worker, is another report
        for at in range(0, len(rows), ATTEMPTS_A_REPORT):
            some = rows[at : at + ATTEMPTS_A_REPORT]
            key = f"outbox/{some[0].attempt}/{some[0].due_ms}/{command}/{mark}"
            await self._insist(command, {**args, "attempts": [row.attempt for row in some]}, key)
        if isinstance(found, Failed):
            log.warning("%d to %s: %s: %s", len(rows), rows[0].target, found.reason, found.detail)

    def _in_words(
        self, rows: Sequence[StoredDelivery], found: Sent | Failed, target: Target | None
    ) -> tuple[str, dict[str, Any]]:
        """The command and its arguments, but for the attempts: all of a load come back at one time."""
        if isinstance(found, Sent):
            delivery = delivery_id([row.attempt for row in rows])
            return "deliveries.sent", {"delivery": delivery, "name": found.name}
        tries = 1 + max(row.tries for row in rows)
        tries_max = 1 if target is None or target.deliver is None else target.deliver.tries
        chance = secrets.randbelow(CHANCES)
        next_ms = next_try_ms(found, tries, tries_max, self._clock_ms(), chance)
        told = {"reason": found.reason, "detail": found.detail}
        if next_ms is None:
            return "deliveries.dead", told
        return "deliveries.tried", {**told, "next_ms": next_ms}

    async def _insist(self, command: str, args: dict[str, Any], key: str) -> None:
        wait_s, longest_s = REPORT_WAIT_S
        while True:
            try:
                await self._tell(command, args, key)
                return
            except TrunklineError as error:
                log.warning("the switch has not taken %s: %s; again in %g s", key, error.message, wait_s)
            except Exception:  # nobody else would tell the switch, and what is busy is not tried again
                log.exception("an error of ours in reporting %s; again in %g s", key, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)

    def _tell_unread(self, words: str) -> None:
        """Say once why nothing can be read."""
        if words != self._unread:
            self._unread = words
            log.warning("the outbox cannot be read: %s", words)

    async def _finish(self) -> None:
        """Let what is on its way come to its end, for a while; what is cut off then is sent again."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for carrier in self._carriers:
            await carrier.close()
        await in_thread(self._outbox.close)


def _parted(
    rows: tuple[StoredDelivery, ...], known: Collection[str]
) -> tuple[tuple[StoredDelivery, ...], tuple[StoredDelivery, ...]]:
    """Those whose leads are known, and those that have been erased; all are of one kind when none is known."""
    there = tuple(row for row in rows if row.attempt in known)
    return (there, tuple(row for row in rows if row.attempt not in known)) if there else (rows, ())
