"""Two requests to send one sale back, at once: the second knows of the first, however the disk's reads interleave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from trunkline.engine.leads.returns import Request, Sold, requested
from trunkline.events.returns import StoredReturn
from trunkline.kernel.money import Money
from trunkline.kernel.windows import Window
from trunkline.switch.returns import Returns

pytestmark = pytest.mark.unit

SOLD = Sold(
    account="acme", call="lead_1", contact="", attempt="att_1", buyer="ace", target="ace-crm", route="all.t1.ace",
    publisher="adwave", source=None, sold_ms=5, price=Money(3500, "USD"), payout=None,
)  # fmt: skip
MONTH = Window(0, 1_000)


class Disk(Returns):
    """Returns; the first who has the sales of a month counted waits until it is told."""

    def __init__(self) -> None:
        plant: Any = None
        super().__init__(plant)
        self.kept: list[StoredReturn] = []
        self.counted = asyncio.Event()
        self.first = True

    async def _of_month(self, sold: Sold, month: Window) -> Sequence[StoredReturn]:
        return list(self.kept)

    async def _bought(self, sold: Sold, month: Window) -> int:
        if self.first:
            self.first = False
            await self.counted.wait()
        return 5


def test_whoever_reads_slowly_still_sees_what_came_meanwhile() -> None:
    async def run() -> None:
        disk = Disk()
        slow = asyncio.ensure_future(disk.standing(SOLD, MONTH))
        await asyncio.sleep(0)  # it has read the month's returns: none
        machine, _ = requested(
            Request(id="ret_1", sold=SOLD, reason="other", role="operator", by="ann", cycle_ms=0), None, 10
        )
        disk.put(machine.stored)
        disk.kept.append(machine.stored)
        assert (await disk.standing(SOLD, MONTH))[1] == "requested"
        disk.counted.set()
        assert (await slow)[1] == "requested"
        assert (await disk.standing(SOLD, MONTH))[1] == "requested"
        assert not disk._fresh, "what is on disk is let go when nobody reads"

    asyncio.run(run())
