"""Leads of one contact, one after another; and posts of which nobody knows whether they arrived."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.config.schema import Target
from trunkline.engine.leads.inputs import Delivered
from trunkline.engine.leads.outcomes import DeliveryOutcome
from trunkline.kernel.clock import Instant
from trunkline.switch.leads import desk as desks
from trunkline.switch.leads.desk import SAME_WAITING_MAX, LeadDesk
from trunkline.switch.leads.orders import LeadOrder
from trunkline.switch.leads.posting import unsure
from trunkline.switch.leads.preparing import Names
from trunkline.switch.metrics import Metrics

pytestmark = pytest.mark.unit

ORDER = LeadOrder(account="acme", campaign="roofing", publisher="adwave", source=None, via="post", values={})


def test_leads_of_one_contact_wait_in_order_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "names_of", lambda *_: Names("c", "same"))
    plant: Any = SimpleNamespace(
        clock=lambda: Instant(1, 1),
        metrics=Metrics(),
        ids=SimpleNamespace(make=lambda *_: "lead_1"),
        world=SimpleNamespace(contact_events={"acme": frozenset()}),
    )

    async def run() -> None:
        desk = LeadDesk(plant)
        entered: list[int] = []

        async def waits(number: int) -> None:
            async with desk.alone("same"):
                entered.append(number)

        async with desk.alone("same"):
            waiting = [asyncio.ensure_future(waits(number)) for number in range(SAME_WAITING_MAX)]
            await asyncio.sleep(0)
            assert (await desk.sell(ORDER)).status == "failed", "to be sent again"
            waiting[3].cancel()  # whoever leaves makes room
            with suppress(asyncio.CancelledError):
                await waiting[3]
            assert desk._waiting["same"] == SAME_WAITING_MAX - 1
        await asyncio.gather(*waiting, return_exceptions=True)
        assert entered == [number for number in range(SAME_WAITING_MAX) if number != 3]
        assert (len(desk._waiting), len(desk._busy)) == (0, 0)

    asyncio.run(run())


SILENCE = Delivered(DeliveryOutcome.TIMEOUT, "timeout", took_ms=5)
REFUSED = Delivered(DeliveryOutcome.HTTP_ERROR, "unreachable", took_ms=5, sent=False)
ANSWERED = Delivered(DeliveryOutcome.REJECTED, "full", 200, 5)


@pytest.mark.parametrize(
    ("delivered", "on_timeout", "resumed", "told"),
    [
        (SILENCE, "next", False, ("timeout", True, False)),
        (SILENCE, "stop", False, ("timeout", True, True)),
        (REFUSED, "stop", False, ("http_error", False, False)),
        (SILENCE, "next", True, ("interrupted", True, True)),
        (REFUSED, "next", True, ("interrupted", True, True)),
        (ANSWERED, "stop", True, ("rejected", True, False)),
    ],
)
def test_a_network_that_may_have_the_lead_is_treated_like_any_buyer(
    delivered: Delivered, on_timeout: Any, resumed: bool, told: tuple[str, bool, bool]
) -> None:
    found = unsure(delivered, Target(key="t", buyer="b", on_timeout=on_timeout), resumed=resumed)
    assert (found.outcome, found.sent, found.stop) == told
