"""A real switch whose trunk blocks repeated callers, is limited, and wants other statuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trunkline.cli.main import main
from trunkline.events.calls import CallBlocked, CallEnded, CallReceived
from trunkline.testing.call import PeerCall
from trunkline.testing.peers import Buyer, Caller, answers, busy, calls, only_rings
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns: [{key: roofing, flow: sell, plan: all, payouts: [{publisher: adwave, event: incoming, amount: "1.00"}]}]
numbers:
  - {number: "+18335550100", campaign: roofing, publisher: adwave}
  - {number: "+18335550101", campaign: roofing, publisher: adwave}
buyers: [{key: ace}]
targets: [{key: desk, buyer: ace, dial: "ADDRESS"}]
plans: [{key: all, tiers: [{method: priority, routes: [{target: desk, price: "25.00"}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, TRUNK}]
"""
ME, YOU = "+15125550100", "+15125550101"


def config(address: str, trunk: str) -> str:
    return CONFIG.replace("ADDRESS", address).replace("TRUNK", trunk)


def statuses(found: list[PeerCall]) -> list[int | None]:
    return [call.status for call in found]


def test_the_second_call_of_one_caller_is_blocked_and_on_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> tuple[SwitchProcess, list[int | None]]:
        async with Buyer(busy()) as buyer, Caller() as caller:
            switch = SwitchProcess(config(buyer.uri(), "same_caller_seconds: 60"), tmp_path)
            with switch:
                found = []
                for number, who in (("100", ME), ("100", ME), ("101", ME), ("100", YOU), ("100", "anonymous")):
                    found.append(await caller.call(f"sip:+18335550{number}@{switch.sip}", who, calls()))
                found.append(await caller.call(f"sip:+18335550100@{switch.sip}", "anonymous", calls()))
                await asyncio.to_thread(switch.ended_calls, 6)
                assert switch.metrics()['trunkline_calls_total{outcome="blocked"}'] == 1
            return switch, statuses(found)

    switch, seen = asyncio.run(run())
    assert seen == [480, 486, 480, 480, 480, 480], "unsold is 480, blocked is 486"
    ended = switch.calls()
    assert [call["outcome"] for call in ended] == ["unsold", "blocked", *["unsold"] * 4]
    blocked = ended[1]
    assert (blocked["unsold_reason"], blocked["attempts"], blocked["payout"]) == ("same_caller", [], None)
    assert (blocked["not_converted"], blocked["not_paid"], blocked["caller"]) == ("not_connected", "blocked", ME)
    events = [event for event in switch.journal_events() if getattr(event, "call", None) == blocked["id"]]
    assert [type(event) for event in events] == [CallReceived, CallBlocked, CallEnded]
    assert main(["trace", blocked["id"], "--data", str(switch.data)]) == 0
    assert "blocked: the same caller" in capsys.readouterr().out


def test_one_caller_may_have_only_so_many_calls_going_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with Buyer(only_rings()) as buyer, Caller() as caller:
            rules = "same_caller_seconds: 0, max_live_per_caller: 1"
            with SwitchProcess(config(buyer.uri(), rules), tmp_path) as switch:
                uri = f"sip:+18335550100@{switch.sip}"
                first = caller.dial(uri, ME)
                caller.play(first, calls())
                await asyncio.to_thread(switch.until, lambda: len(buyer.calls) == 1, "the first call to ring")
                second = await caller.call(uri, ME, calls())
                assert second.status == 486
                first.hang_up()
                await asyncio.to_thread(switch.ended_calls, 2)
                third = caller.dial(uri, ME)
                caller.play(third, calls())
                await asyncio.to_thread(switch.until, lambda: len(buyer.calls) == 2, "the third call to ring")
                third.hang_up()
                ended = await asyncio.to_thread(switch.ended_calls, 3)
                reasons = [(call["outcome"], call["unsold_reason"]) for call in ended]
                assert reasons == [("abandoned", None), ("blocked", "caller_live"), ("abandoned", None)]

    asyncio.run(run())


def test_a_trunk_at_its_limit_gets_503_and_counts_are_kept_over_a_reload(tmp_path: Path) -> None:
    async def run() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            with SwitchProcess(config(buyer.uri(), "max_live: 1"), tmp_path) as switch:
                uri = f"sip:+18335550100@{switch.sip}"
                first = caller.dial(uri, ME)
                caller.play(first, calls())
                await first.wait_answered()
                assert (await caller.call(uri, YOU, calls())).status == 503
                switch.write_config(config(buyer.uri(), "max_live: 1, responses: {'503': 480}"))
                loaded = 'trunkline_reloads_total{result="loaded"}'
                await asyncio.to_thread(switch.until, lambda: switch.metrics().get(loaded) == 1, "the reload")
                assert (await caller.call(uri, YOU, calls())).status == 480
                assert switch.metrics()['trunkline_refused_total{reason="trunk_limit"}'] == 2
                first.hang_up()
                await asyncio.to_thread(switch.ended_calls, 1)
                again = await caller.call(uri, YOU, calls(hang_up_after_s=0.1))
                assert again.status == 200

    asyncio.run(run())


def test_statuses_are_exchanged_for_those_that_the_trunk_wants(tmp_path: Path) -> None:
    async def run() -> None:
        async with Buyer(busy()) as buyer, Caller() as caller:
            rules = "responses: {'480': 404, '404': 604, '486': 403}, same_caller_seconds: 60"
            with SwitchProcess(config(buyer.uri(), rules), tmp_path) as switch:
                found = [
                    (await caller.call(f"sip:+1833555{number}@{switch.sip}", ME, calls())).status
                    for number in ("0100", "0199", "0100")
                ]
                assert found == [404, 604, 403], "unsold, no such number, blocked"

    asyncio.run(run())
