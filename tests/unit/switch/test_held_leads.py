"""Leads that wait for a person, when what they say cannot be read."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engine.leads import inputs as i
from trunkline.events.changes import StoredLead
from trunkline.kernel.clock import Instant
from trunkline.kernel.windows import HOUR_MS
from trunkline.switch.leads.held import HeldLeads
from trunkline.switch.leads.orders import LeadAnswer
from trunkline.switch.metrics import Metrics

pytestmark = pytest.mark.unit


def held(lead: str) -> StoredLead:
    return StoredLead(lead=lead, account="acme", campaign="roofing", publisher="adwave", contact="c", received_ms=0,
                      held="review")  # fmt: skip


class Unreadable(HeldLeads):
    """Held leads of which one cannot be read."""

    def __init__(self, plant: Any) -> None:
        super().__init__(plant)
        self.ended: list[str] = []

    async def review(self, stored: StoredLead, reviewed: i.Reviewed) -> LeadAnswer:
        if stored.lead == "lead_1":
            raise OSError("a bad block")
        self.ended.append(stored.lead)
        return LeadAnswer(lead=stored.lead, status="unmatched")


def test_one_that_cannot_be_read_keeps_no_other_waiting_and_ends_nothing() -> None:
    plant: Any = SimpleNamespace(
        clock=lambda: Instant(0, 10_000 * HOUR_MS),
        metrics=Metrics(),
        journal=SimpleNamespace(healthy=True),
        world=SimpleNamespace(accounts={}),
    )
    leads = Unreadable(plant)
    leads.restore([held("lead_1"), held("lead_2")])
    asyncio.run(leads.expire())
    assert (leads.ended, len(leads)) == (["lead_2"], 2)
