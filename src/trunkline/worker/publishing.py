"""Parts of the worker that have the switch decide by what was counted: rate books and return penalties.

Each asks the switch what is in force and publishes only what is due or has changed, so a worker that is started again
and again publishes no more often. A switch that is away is asked again later.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.config.schema import AccountConfig, Method
from trunkline.engine.scoring.rate_book import RateBook
from trunkline.journal.configurations import ConfigurationMissing, Configurations
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import TrunklineError
from trunkline.worker.part import GoOn, Tell, in_thread, long_in_thread
from trunkline.worker.penalties import DAYS, penalties_of, read_sold
from trunkline.worker.rates import half_lives, longest_decision_s, tally_journal

log = logging.getLogger("trunkline.worker")

FIRST_S: Final = 20.0
"""After the start: the switch and the views are there first."""
AGAIN_S: Final = 600.0
"""How often it is looked whether something is due, or the switch is back."""
RATES_EVERY_MS: Final = 6 * 3_600_000
"""Of a half-life of two weeks, a book of six hours ago has forgotten a hundredth too little."""

Clock = Callable[[], int]
"""UTC milliseconds."""


class Publishing:
    """Tries to publish something now and then, until cancelled."""

    def __init__(self, name: str, publish: Callable[[], Awaitable[None]]) -> None:
        """`publish` does nothing when nothing is due."""
        self.name = name
        self._publish = publish

    async def run(self) -> None:
        """Go on until cancelled."""
        pause_s = FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = AGAIN_S
            try:
                await self._publish()
            except TrunklineError as error:
                log.warning("%s were not published: %s", self.name, error.message)


class RatesDue:
    """Publishes a rate book of each account that has tiers of method performance, when the one in force is old."""

    def __init__(self, data: Path, tell: Tell, clock: Clock) -> None:
        self._data = data
        self._tell = tell
        self._clock = clock

    async def publish(self) -> None:
        """Publish what is due. Raises TrunklineError."""
        accounts = await in_thread(configured, self._data)
        wanted = by_performance(accounts)
        if not wanted:
            return
        now_ms = self._clock()
        shown: dict[str, dict[str, Any]] = await self._tell("rates.show", {}, None)
        due = {account for account in wanted if account in shown and _is_due(shown[account].get("made"), now_ms)}
        if not due:
            return
        for book in await long_in_thread(partial(self._count, accounts, due, now_ms)):
            await self._hand_over(book)
            log.info("the rate book %s of account %s is in force", book.version, book.rates.account)

    def _count(self, accounts: tuple[AccountConfig, ...], due: set[str], now_ms: int, go_on: GoOn) -> list[RateBook]:
        mature_ms = longest_decision_s(accounts) * 1_000
        with JournalReader(self._data) as reader:
            tally = tally_journal(reader, now_ms, half_lives(accounts), mature_ms, go_on)
        return [RateBook(tally.book(account)) for account in sorted(due & set(tally.accounts()))]

    async def _hand_over(self, book: RateBook) -> None:
        """In a file of the data folder: a book is too long for a line."""
        file = self._data / f"rates-{book.rates.account}-worker.json"
        await in_thread(_write, file, msgspec.json.encode(book.rates))
        try:
            key = f"worker/rates/{book.rates.account}/{book.rates.at_ms}"
            await self._tell("rates.publish", {"file": str(file), "version": book.version}, key)
        finally:
            file.unlink(missing_ok=True)


class PenaltiesDue:
    """Publishes the return penalties of each account that has sold something, when they are others than in force."""

    def __init__(self, data: Path, tell: Tell, clock: Clock) -> None:
        self._data = data
        self._tell = tell
        self._clock = clock

    async def publish(self) -> None:
        """Publish what has changed. Raises TrunklineError."""
        now_ms = self._clock()
        sold = await in_thread(read_sold, self._data, now_ms)
        if sold is None:  # the views are being made
            return
        counted = penalties_of(sold)
        shown: dict[str, dict[str, int]] = await self._tell("penalties.show", {}, None)
        for account, before in sorted(shown.items()):
            penalties = counted.get(account, {})
            if penalties != before:
                arguments = {"account": account, "penalties": penalties, "days": DAYS}
                await self._tell("penalties.publish", arguments, f"worker/penalties/{account}/{now_ms}")
                log.info("%d targets of account %s have return penalties now", len(penalties), account)


def configured(data: Path) -> tuple[AccountConfig, ...]:
    """The accounts of the configuration in force; none when no switch has run here."""
    kept = Configurations(data)
    try:
        return kept.get(kept.in_force()).accounts
    except ConfigurationMissing:
        return ()


def by_performance(accounts: Iterable[AccountConfig]) -> set[str]:
    """The keys of the accounts that have tiers of method performance."""
    return {
        config.account.key
        for config in accounts
        for plan in config.plans
        for tier in plan.tiers
        if tier.method is Method.PERFORMANCE
    }


def _is_due(made: str | None, now_ms: int) -> bool:
    return made is None or now_ms - datetime.fromisoformat(made).timestamp() * 1_000 >= RATES_EVERY_MS


def _write(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
