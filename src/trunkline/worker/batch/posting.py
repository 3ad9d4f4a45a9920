"""Posts rows to a switch, a few at once, no faster than allowed, until each has its answer or none can have one.

A row is asked about until somebody has decided: the switch may be busy (429), not ready (503), restarting, or the
answer may be lost. The idempotency key makes every repetition the same request. What the switch says of waiting holds
for all rows.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Final

import msgspec

from trunkline.kernel.errors import EnvironmentFault, TrunklineError, UsageError
from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import HttpClient, NoAnswer
from trunkline.worker.batch.answers import Again, Settled, Useless, meaning_of
from trunkline.worker.batch.errors_file import ErrorsFile
from trunkline.worker.batch.leads import BadRow, LeadRow
from trunkline.worker.batch.progress import Progress
from trunkline.worker.batch.rows import RowCode, RowError

AT_ONCE: Final = 4
ANSWER_S: Final = 120.0
"""How long one answer is waited for; deciding on a lead takes as long as its plan is patient."""
TRIES_MAX: Final = 12
"""How often one row is asked about before the import stops: about five minutes of a switch that is away."""
WAIT_S: Final = 0.5
WAIT_S_LONGEST: Final = 60.0
KEYS_KNOWN_S: Final = 2 * 86_400
"""How long a switch is sure to know a row by its key: shorter than it keeps answers, for clocks that differ."""
_FORGOTTEN: Final = RowError(
    "",
    RowCode.FORGOTTEN,
    "The row was posted days ago and its answer was lost. It may have been sold: look for it before posting it again.",
)
NOT_POSTED: Final = "not_posted"
"""The status of rows that were refused here."""


class Stopped(EnvironmentFault):
    """The switch does not answer; what is left of the file was not posted."""


class Refused(UsageError):
    """The switch takes nothing of this import; what is left of the file was not posted."""


class Door(msgspec.Struct, frozen=True):
    """Where leads are posted, by which publisher's key."""

    url: str
    key: str

    def request(self, idempotency: str, body: object) -> Request:
        """The post of one lead."""
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Idempotency-Key": idempotency,
            "X-Trunkline-Via": "batch",
        }
        return Request(method="POST", url=self.url, headers=headers, body=msgspec.json.encode(body))


class Counts:
    """What has come of the rows so far, those of earlier runs apart."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.before = 0
        self.payouts: dict[str, Decimal] = {}

    @property
    def seen(self) -> int:
        """Rows that are over, those of earlier runs included."""
        return self.before + self.statuses.total()

    def add(self, answer: Settled) -> None:
        """One row has its answer."""
        self.statuses[answer.status] += 1
        if answer.payout is not None:
            self.payouts[answer.currency] = self.payouts.get(answer.currency, Decimal(0)) + answer.payout


class Asking:
    """Asks for one lead after another, no faster than allowed, each until somebody has decided."""

    def __init__(
        self,
        client: HttpClient,
        find: Callable[[], Door],
        *,
        per_second: float = 1_000.0,
        first_wait_s: float = WAIT_S,
    ) -> None:
        """`find` says where the switch is; it is asked again when nobody answers there: it may have moved."""
        self._client = client
        self._find = find
        self._door = find()
        self._gap_s = 1 / per_second
        self._first_wait_s = first_wait_s
        self._next_s = 0.0

    async def ask(self, key: str, body: object, name: str) -> Settled:
        """Post a lead under its idempotency key; `name` is what errors call it. Raises Stopped, Refused."""
        loop = asyncio.get_running_loop()
        why = ""
        for tries in range(TRIES_MAX):
            await self._turn()
            answer = await self._client.exchange(self._door.request(key, body), loop.time() + ANSWER_S)
            meaning = _read(answer)
            if isinstance(meaning, Settled):
                return meaning
            if isinstance(meaning, Useless):
                raise Refused(f"{name}: {meaning.why}", hint=meaning.hint)
            why = meaning.why
            if isinstance(answer, NoAnswer):
                with suppress(EnvironmentFault):  # it is still away
                    self._door = self._find()
            self._hold(meaning.wait_s, tries)
        raise Stopped(
            f"{name} was posted {TRIES_MAX} times and nobody decided: {why}",
            hint="run the same command again when the switch is well: it goes on where this ended",
        )

    async def _turn(self) -> None:
        """Wait for this row's place in the rate, and for the end of a pause."""
        loop = asyncio.get_running_loop()
        while (now_s := loop.time()) < self._next_s:  # noqa: ASYNC110 - others may put the moment off meanwhile
            await asyncio.sleep(self._next_s - now_s)
        self._next_s = now_s + self._gap_s

    def _hold(self, wait_s: int | None, tries: int) -> None:
        """Let all rows wait: as long as was said, else longer each time, never all importers at one moment."""
        if wait_s is None:
            pause_s = min(self._first_wait_s * 2**tries, WAIT_S_LONGEST) * random.uniform(0.5, 1.0)
        else:
            pause_s = float(wait_s)
        self._next_s = max(self._next_s, asyncio.get_running_loop().time() + pause_s)


class Posting:
    """One run of an import."""

    def __init__(
        self,
        asking: Asking,
        key_of_row: Callable[[int], str],
        *,
        progress: Progress,
        errors: ErrorsFile,
        at_once: int = AT_ONCE,
    ) -> None:
        self._asking = asking
        self._key_of_row = key_of_row
        self._progress = progress
        self._errors = errors
        self._at_once = at_once
        self.counts = Counts()

    async def run(self, rows: Iterator[LeadRow | BadRow]) -> None:
        """Post all rows that have no answer yet. Raises Stopped, Refused, and whatever reading the rows raises."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._at_once):
                    group.create_task(self._work(rows))
        except* TrunklineError as stopped:
            raise _first(stopped) from None

    async def _work(self, rows: Iterator[LeadRow | BadRow]) -> None:
        for row in rows:
            if self._progress.has(row.number):
                self.counts.before += 1
            elif isinstance(row, BadRow):
                self._settle(row, Settled(status=NOT_POSTED, errors=row.errors))
            elif self._forgotten(row.number):
                self._settle(row, Settled(status=RowCode.FORGOTTEN, errors=(_FORGOTTEN,)))
            else:
                self._progress.ask(row.number, int(time.time()))
                self._settle(row, await self._asking.ask(self._key_of_row(row.number), row.body, f"row {row.number}"))

    def _forgotten(self, row: int) -> bool:
        """Whether the row may have been sold, and the switch would not know it again by its key."""
        asked_s = self._progress.asked.get(row)
        return asked_s is not None and time.time() - asked_s > KEYS_KNOWN_S

    def _settle(self, row: LeadRow | BadRow, answer: Settled) -> None:
        """Note what has come of a row: its errors first, so that none is lost when we end in between."""
        if answer.errors:
            self._errors.add(row.number, answer.errors, row.cells)
        self._progress.add(row.number, answer.status, answer.lead)
        self.counts.add(answer)


def _read(answer: Answer | NoAnswer) -> Settled | Again | Useless:
    if isinstance(answer, Answer):
        return meaning_of(answer, time.time())
    if answer.why in {"redirected", "too_large", "forbidden_address", "tls"}:
        return Useless(answer.detail, "does --url name a switch's public HTTP address?")
    return Again(None, answer.detail)


def _first(group: BaseExceptionGroup[TrunklineError]) -> TrunklineError:
    """The errors of rows that were posted at once have one cause."""
    each: TrunklineError | BaseExceptionGroup[TrunklineError] = group
    while isinstance(each, BaseExceptionGroup):
        each = each.exceptions[0]
    return each
