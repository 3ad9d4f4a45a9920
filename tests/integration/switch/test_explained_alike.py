"""`explain` and the switch are one function: they know the same of a caller and offer the same routes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from trunkline.cli.main import main
from trunkline.events.calls import CallQualified, CallRouted
from trunkline.kernel.clock import iso
from trunkline.testing.peers import Buyer, Caller, busy, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns:
  - key: roofing
    flow: sell
    plan: all
    attributes: [{name: tag.points, type: number}]
numbers:
  - {number: "+18335550100", campaign: roofing, publisher: adwave, source: search-tx, tags: {tag.points: 7}}
buyers: [{key: ace}, {key: bolt}, {key: far}]
targets:
  - {key: ace-desk, buyer: ace, dial: "ADDRESS"}
  - {key: bolt-desk, buyer: bolt, dial: "ADDRESS"}
  - {key: far-desk, buyer: far, dial: "ADDRESS"}
plans:
  - key: all
    tiers:
      - method: weighted
        routes:
          - {target: ace-desk, price: "25.00", criteria: {attr: number.key, eq: "+18335550100"}}
          - {target: bolt-desk, price: "20.00", criteria: {attr: tag.points, eq: 7}}
          - {target: far-desk, price: "20.00", criteria: {attr: geo.state, eq: CA}}
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""


async def one_call(folder: Path) -> SwitchProcess:
    """A call that every buyer it is offered to is too busy for; the switch, stopped."""
    async with Buyer(busy()) as buyer, Caller() as caller:
        switch = SwitchProcess(CONFIG.replace("ADDRESS", buyer.uri()), folder)
        with switch:
            await caller.call(f"sip:+18335550100@{switch.sip}", "+15125550100", calls())
            await asyncio.to_thread(switch.ended_calls, 1)
    return switch


def test_explain_gives_the_offers_and_attributes_of_a_real_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    switch = asyncio.run(one_call(tmp_path))
    events = switch.journal_events()
    (qualified,) = [event for event in events if isinstance(event, CallQualified)]
    (routed,) = [event for event in events if isinstance(event, CallRouted)]
    asked = ["explain", "--config", str(switch.config_path), "--to", "+18335550100", "--from", "+15125550100"]
    asked += ["--at", iso(qualified.at_ms), "--seed", str(routed.seed), "--json"]
    assert main(asked) == 0
    explained = json.loads(capsys.readouterr().out)
    known = {name: (each["value"], each["basis"]) for name, each in explained["attributes"].items()}
    stored = {name: (value, qualified.basis[name]) for name, value in qualified.attributes.items()}
    assert stored.pop("caller.repeat") == ("no", "history"), "explain has no history"
    for name in ("geo.county", "geo.city"):
        assert known.pop(name) == (None, "area_code"), "probabilities are not stored: they follow from the area code"
    assert stored == known
    assert list(routed.offered) == [offer["route"] for offer in explained["offers"]]
    assert len(routed.offered) == 2
    assert [(each.route, each.reason) for each in routed.rejected] == [("all.t1.far-desk", "criteria")]
