"""A real switch that knows its callers again: where duplicates go, who is paid, also after a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trunkline.events.calls import CallRepeated
from trunkline.testing.peers import Buyer, Caller, answers, calls
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
    duplicates: {mark: {event: connect, days: 30}, route: different, strict: true}
    payouts: [{publisher: adwave, event: connect, amount: "1.00", duplicates: {pay: never}}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave}]
buyers: [{key: ace}, {key: bolt}]
targets: [{key: ace-desk, buyer: ace, dial: "ADDRESS"}, {key: bolt-desk, buyer: bolt, dial: "ADDRESS"}]
plans:
  - key: all
    tiers:
      - method: priority
        routes: [{target: ace-desk, price: "25.00"}, {target: bolt-desk, price: "20.00", priority: 2}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""
ME, YOU = "+15125550100", "+15125550101"


def test_a_duplicate_goes_elsewhere_and_is_not_paid_for_also_after_a_crash(tmp_path: Path) -> None:
    async def run() -> SwitchProcess:
        async with Buyer(answers()) as buyer, Caller() as caller:
            switch = SwitchProcess(CONFIG.replace("ADDRESS", buyer.uri()), tmp_path)
            with switch:
                for count, who in enumerate((ME, ME, YOU, "anonymous", "anonymous"), start=1):
                    await caller.call(f"sip:+18335550100@{switch.sip}", who, calls(hang_up_after_s=0.05))
                    await asyncio.to_thread(switch.ended_calls, count)
                switch.kill()
                switch.restart()
                await caller.call(f"sip:+18335550100@{switch.sip}", ME, calls(hang_up_after_s=0.05))
                await caller.call(f"sip:+18335550100@{switch.sip}", YOU, calls(hang_up_after_s=0.05))
                await asyncio.to_thread(switch.ended_calls, 7)
            return switch

    switch = asyncio.run(run())
    found = switch.calls()
    assert [call["buyer"] for call in found] == ["ace", "bolt", "ace", "ace", "ace", None, "bolt"]
    assert [call["duplicate"] for call in found] == [False, True, False, False, False, True, True]
    of = [None, found[0]["id"], None, None, None, found[1]["id"], found[2]["id"]]
    assert [call["duplicate_of"] for call in found] == of
    assert [call["payout"] for call in found] == ["1.00", None, "1.00", "1.00", "1.00", None, None]
    assert [call["not_paid"] for call in found] == [None, "duplicate", None, None, None, "not_connected", "duplicate"]
    rejected = {each["route"]: (each["reason"], each["level"]) for each in found[5]["rejected"]}
    assert rejected == {"all.t1.ace-desk": ("duplicate", "campaign"), "all.t1.bolt-desk": ("duplicate", "campaign")}
    told = [event for event in switch.journal_events() if isinstance(event, CallRepeated)]
    assert [(event.call, len(event.seen)) for event in told] == [
        (found[1]["id"], 1),
        (found[5]["id"], 2),
        (found[6]["id"], 1),
    ]
