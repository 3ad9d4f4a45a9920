"""Two switches that sell their calls to each other: the loop ends when the hops are used up (RFC 7332)."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from trunkline.testing.peers import Caller, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns: [{key: roofing, flow: sell, plan: all}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave}]
buyers: [{key: ace}]
targets: [{key: loop, buyer: ace, dial: "sip:+18335550100@ADDRESS"}]
plans: [{key: all, tiers: [{method: priority, routes: [{target: loop, price: "25.00"}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""
ME = "+15125550100"
LEGS = 72
"""For 35 calls of two legs at once."""


def config(address: str) -> str:
    return CONFIG.replace("ADDRESS", address)


def sell_to(switch: SwitchProcess, address: str) -> None:
    """Have the switch sell its calls to `address` from now on."""
    switch.write_config(config(address))
    switch.signal(signal.SIGHUP)
    switch.until(lambda: switch.metric("trunkline_reloads_total", result="loaded"), "the reload")


def attempts(switch: SwitchProcess) -> list[int | None]:
    """The final status of every attempt; all calls are unsold, with one attempt each."""
    ended = switch.calls()
    assert {call["outcome"] for call in ended} == {"unsold"}
    return [attempt["sip_status"] for call in ended for attempt in call["attempts"]]


def test_a_loop_through_others_ends_when_the_hops_are_used_up(tmp_path: Path) -> None:
    async def run() -> None:
        first = SwitchProcess(config("127.0.0.1:9"), tmp_path / "first", legs=LEGS)
        with first, SwitchProcess(config(first.sip), tmp_path / "second", legs=LEGS) as second:
            await asyncio.to_thread(sell_to, first, second.sip)
            async with Caller() as caller:
                call = await caller.call(f"sip:+18335550100@{first.sip}", ME, calls())
                assert call.status == 480
            for switch in (first, second):
                await asyncio.to_thread(switch.idle)
                assert switch.metric("trunkline_sip_legs") == 0
            # 70 calls, by turns: the second switch has the last, whose INVITE the first one refuses.
            assert Counter(attempts(first)) == {480: 35}
            assert Counter(attempts(second)) == {480: 34, 483: 1}
            assert first.metric("trunkline_sip_events", kind="refused_hops") == 1

    asyncio.run(run())


def test_a_call_of_ours_that_comes_back_as_it_is_gets_482(tmp_path: Path) -> None:
    async def run() -> None:
        with SwitchProcess(config("127.0.0.1:9"), tmp_path) as switch:
            await asyncio.to_thread(sell_to, switch, switch.sip)
            async with Caller() as caller:
                call = await caller.call(f"sip:+18335550100@{switch.sip}", ME, calls())
                assert call.status == 480
            await asyncio.to_thread(switch.idle)
            assert attempts(switch) == [482]

    asyncio.run(run())
