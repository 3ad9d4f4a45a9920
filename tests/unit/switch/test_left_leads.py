"""Leads of the process before that nobody can go on with: they end, and give back what they hold."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.events.changes import LeadDrop, StoredLead
from trunkline.events.entry import Entry
from trunkline.events.leads import LeadEnded, LeadReceived
from trunkline.kernel.clock import Instant
from trunkline.switch.leads.recovery import LeftLead, go_on

pytestmark = pytest.mark.unit

STORED = StoredLead(
    lead="lead_1", account="acme", campaign="roofing", publisher="adwave", contact="c", received_ms=0, plan="aged"
)
RECEIVED = LeadReceived(
    account="acme", call="lead_1", at_ms=0, campaign="roofing", publisher="adwave", source=None, via="post",
    attributes={}, basis={}, consent={}, ignored=(), snapshot="s",
)  # fmt: skip


@pytest.mark.parametrize(
    ("campaigns", "erased", "reason"),
    [(["roofing"], False, "plan_gone"), ([], False, "campaign_gone"), (["roofing"], True, "erased")],
)
def test_a_lead_whose_configuration_or_person_is_gone_ends(campaigns: list[str], erased: bool, reason: str) -> None:
    written: list[Any] = []

    def write(entries: list[Entry], changes: list[Any]) -> None:
        written.extend((*(entry.event for entry in entries), *changes))

    async def run() -> None:
        index = SimpleNamespace(campaigns=dict.fromkeys(campaigns, "a campaign"))
        router = SimpleNamespace(programs={"all": "a program"})
        plant: Any = SimpleNamespace(
            clock=lambda: Instant(7, 7),
            world=SimpleNamespace(accounts={"acme": index}, routers={"acme": router}),
            write=write,
            loop=asyncio.get_running_loop(),
        )
        await asyncio.gather(*go_on(plant, [LeftLead(STORED, [RECEIVED], erased=erased)]))

    asyncio.run(run())
    ended = LeadEnded(account="acme", call="lead_1", at_ms=7, outcome="interrupted", reason=reason)
    assert written == [ended, LeadDrop("lead_1")]
