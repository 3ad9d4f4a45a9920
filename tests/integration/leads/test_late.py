"""Buyers that answer when their time is over: recorded, never billed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.integration.leads.posts import configured, lead, post

from trunkline.events.calls import Converted
from trunkline.events.leads import DeliveryEnded, DeliveryLate
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration


async def slow(peer: Peer, _request: Received) -> None:
    await asyncio.sleep(0.6)
    await peer.json(200, {"id": "ace-9"})


def test_a_late_acceptance_is_recorded_and_the_lead_has_gone_on(tmp_path: Path) -> None:
    with answering({"/ace": slow, "/bolt": LeadBuyer()}) as buyers:
        config = configured(f"{buyers.url}/ace", f"{buyers.url}/bolt").replace("2000", "200", 1)
        with SwitchProcess(config, tmp_path) as switch:
            status, answer, _ = post(switch, lead())
            switch.until(lambda: any(isinstance(event, DeliveryLate) for event in switch.journal_events()), "it")
        events = switch.journal_events()
    assert (status, answer["payout"]) == (201, "12.00")
    late = next(event for event in events if isinstance(event, DeliveryLate))
    assert (late.outcome, late.status, late.buyers_id) == ("accepted", 200, "ace-9")
    assert late.after_ms >= 600
    ended = [event.outcome for event in events if isinstance(event, DeliveryEnded)]
    assert ended == ["timeout", "accepted"]
    assert [event.buyer for event in events if isinstance(event, Converted)] == ["bolt"]
