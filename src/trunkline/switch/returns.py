"""Returns on the live switch: what a buyer has sent back, exactly, and the end of what nobody decides upon.

Undecided returns are in memory; the others are asked for in the journal's tables when they matter, with what has been
handed to the journal since and may not be on disk yet. Between reading and writing nothing is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from trunkline.engine.leads.returns import COUNTED, ReturnMachine, Sold, Standing, State, TimedOut
from trunkline.events.calls import CallReceived, Converted, OfferReserved, PayoutEarned
from trunkline.events.changes import ReturnPut
from trunkline.events.entry import Entry, Record
from trunkline.events.leads import LeadReceived
from trunkline.events.returns import StoredReturn
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.reader import JournalReader
from trunkline.journal.returns import ReturnsReader
from trunkline.journal.sqlite import Error
from trunkline.kernel.windows import Window

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.returns")

OPEN_MAX: Final = 100_000
"""Returns that may wait for a decision at once."""
LOOK_S: Final = 30.0
"""How often it is looked for returns that nobody has decided upon in time."""
COUNTS_KEPT_MAX: Final = 1_000
Month = tuple[str, str, int]
"""Account, buyer, and where the month begins (UTC milliseconds)."""


class Returns:
    """The returns of all accounts."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._open: dict[str, StoredReturn] = {}
        self._fresh: dict[str, StoredReturn] = {}
        self._counted: dict[Month, tuple[int, int]] = {}
        self._counting = asyncio.Lock()
        self._reading = 0

    def __len__(self) -> int:
        """How many nobody has decided upon."""
        return len(self._open)

    def restore(self, stored: Iterable[StoredReturn]) -> None:
        """Take over what nobody had decided upon when the process before this one ended."""
        self._open = {each.id: each for each in stored}

    def open(self, account: str, name: str) -> StoredReturn | None:
        """The undecided return of that id."""
        found = self._open.get(name)
        return found if found is not None and found.account == account else None

    @property
    def full(self) -> bool:
        """Whether no more may wait for a decision."""
        return len(self._open) >= OPEN_MAX

    async def standing(self, sold: Sold, month: Window) -> tuple[Standing, str | None]:
        """How the buyer stands in the month of the sale, and the state of the return that the sale has already."""
        self._reading += 1
        try:
            held = await self._of_month(sold, month)
            bought = await self._bought(sold, month)
        finally:
            self._reading -= 1
        found = {each.id: each for each in held}
        for name, each in tuple(self._fresh.items()):
            if name in found and found[name].state == each.state:
                self._let_go(name)
            elif (each.account, each.buyer, each.cycle_ms) == (sold.account, sold.buyer, month.start_ms):
                found[name] = each
        returned = sum(State(each.state) in COUNTED for each in found.values())
        earlier = next((each.state for each in found.values() if each.attempt == sold.attempt), None)
        return Standing(bought, returned), earlier

    def put(self, stored: StoredReturn) -> None:
        """The return stands so from now on; `take_back` if that cannot be written."""
        self._fresh[stored.id] = stored
        if stored.state == State.REQUESTED.value:
            self._open[stored.id] = stored
        else:
            self._open.pop(stored.id, None)

    def take_back(self, stored: StoredReturn, before: StoredReturn | None) -> None:
        """`stored` could not be written: it stands as before."""
        self._fresh.pop(stored.id, None)
        self._open.pop(stored.id, None)
        if before is not None:
            self._open[before.id] = before

    async def listed(
        self, account: str, buyer: str | None, call: str | None, state: str | None, limit: int
    ) -> Sequence[StoredReturn]:
        """The newest returns that are on disk."""

        def read() -> Sequence[StoredReturn]:
            reader = ReturnsReader(self._plant.data)
            try:
                return reader.listed(account, buyer, call, state, limit)
            finally:
                reader.close()

        return await asyncio.to_thread(read)

    async def sales(self, account: str, call: str) -> tuple[Sold, ...]:
        """Everything that was sold of a call or lead, as it can be sent back."""

        def read() -> list[Record]:
            with JournalReader(self._plant.data) as reader:
                return reader.records_of(call)

        return sales_of([each for each in await asyncio.to_thread(read) if each.event.account == account])  # type: ignore[union-attr]

    async def run(self) -> None:
        """End what nobody decides upon, for ever."""
        while True:
            await self.expire()
            await self._forget_fresh()
            await asyncio.sleep(LOOK_S)

    async def expire(self) -> None:
        """End the returns whose time to be decided upon is over."""
        now_ms = self._plant.clock().utc_ms
        for stored in [each for each in self._open.values() if each.expires_ms <= now_ms]:
            machine = ReturnMachine(stored)
            events = machine.handle(TimedOut(), now_ms)
            self.put(machine.stored)
            written = self._plant.write([Entry(event) for event in events], [ReturnPut(machine.stored)])
            assert written is not None, "there is an event to be written"
            try:
                await written
            except JournalUnavailable:
                self.take_back(machine.stored, stored)
                return

    async def _forget_fresh(self) -> None:
        """Let go what is on disk by now."""
        if not self._fresh:
            return

        def read(names: list[str]) -> dict[str, str]:
            reader = ReturnsReader(self._plant.data)
            try:
                return reader.states(names)
            finally:
                reader.close()

        try:
            states = await asyncio.to_thread(read, list(self._fresh))
        except Error as error:
            log.warning("returns cannot be read from disk, which is tried again: %s", error)
            return
        for name, state in states.items():
            if name in self._fresh and self._fresh[name].state == state:
                self._let_go(name)

    def _let_go(self, name: str) -> None:
        """It is on disk; but who is reading that may have looked before."""
        if not self._reading:
            del self._fresh[name]

    async def _of_month(self, sold: Sold, month: Window) -> Sequence[StoredReturn]:
        def read() -> Sequence[StoredReturn]:
            reader = ReturnsReader(self._plant.data)
            try:
                return reader.of_buyer(sold.account, sold.buyer, month.start_ms)
            finally:
                reader.close()

        return await asyncio.to_thread(read)

    async def _bought(self, sold: Sold, month: Window) -> int:
        """What the buyer has bought in the month, counted on from the last time that somebody asked."""

        def read(after: int | None) -> tuple[int, int]:
            if after is None:
                with JournalReader(self._plant.data) as journal:
                    after = journal.before(month.start_ms).seq
            reader = ReturnsReader(self._plant.data)
            try:
                return reader.sales(sold.account, sold.buyer, month.start_ms, month.end_ms, after)
            finally:
                reader.close()

        about = (sold.account, sold.buyer, month.start_ms)
        async with self._counting:
            before, after = self._counted.pop(about, (0, None))
            more, seq = await asyncio.to_thread(read, after)
            self._counted[about] = (before + more, seq)
            if len(self._counted) > COUNTS_KEPT_MAX:
                del self._counted[next(iter(self._counted))]
            return before + more


def sales_of(records: Sequence[Record]) -> tuple[Sold, ...]:
    """The sales that the events of one call or lead tell of, in their order."""
    received = next((each for each in records if isinstance(each.event, CallReceived | LeadReceived)), None)
    if received is None:
        return ()
    came = received.event
    assert isinstance(came, CallReceived | LeadReceived)
    events = [each.event for each in records]
    targets = {event.attempt: event.target for event in events if isinstance(event, OfferReserved)}
    payouts = {event.attempt: event.amount for event in events if isinstance(event, PayoutEarned)}
    return tuple(
        Sold(
            account=event.account,
            call=event.call,
            contact=received.contact or "",
            attempt=event.attempt,
            buyer=event.buyer,
            target=targets.get(event.attempt, ""),
            route=event.route,
            publisher=came.publisher,
            source=came.source,
            sold_ms=event.at_ms,
            price=event.amount,
            payout=payouts.get(event.attempt),
        )
        for event in events
        if isinstance(event, Converted)
    )
