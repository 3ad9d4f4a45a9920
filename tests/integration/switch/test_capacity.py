"""A real switch that is at its limits: many callers at once, money, and what is kept over a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.testing.peers import Buyer, Caller, answers, calls, only_rings
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns: [{key: roofing, flow: sell, plan: all, conversion: {call: {RULE}}}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave}]
buyers: [{key: ace, LIMITS}]
targets: [{key: desk, buyer: ace, dial: "ADDRESS"}]
plans: [{key: all, tiers: [{method: priority, routes: [{target: desk, price: "25.00"}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""
MANY = 64


def config(address: str, limits: str, rule: str = "event: connect") -> str:
    return CONFIG.replace("ADDRESS", address).replace("LIMITS", limits).replace("RULE", rule)


def counters(switch: SwitchProcess, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[Any, Any]]:
    """Used and held of the buyer, by counter."""
    assert main(["counters", "show", "buyer/ace", "--data", str(switch.data), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["counters"]
    return {row["counter"].partition(":")[2]: (row["used"], row["held"]) for row in rows}


def test_of_many_callers_at_once_exactly_one_gets_the_only_seat(tmp_path: Path) -> None:
    async def run() -> None:
        async with Buyer(only_rings()) as buyer, Caller() as caller:
            limits = "limits: [{measure: live, max: 1}, {measure: attempt, per: day, max: 2}]"
            with SwitchProcess(config(buyer.uri(), limits), tmp_path, legs=2 * MANY + 2) as switch:
                uri = f"sip:+18335550100@{switch.sip}"
                dialled = [caller.dial(uri, f"+1512555{number:04}") for number in range(MANY)]
                for each in dialled:
                    caller.play(each, calls())
                await asyncio.to_thread(
                    switch.until, lambda: sum(call["outcome"] is not None for call in switch.calls()) == MANY - 1
                )
                assert len(buyer.calls) == 1
                assert [call.status for call in dialled].count(480) == MANY - 1
                reasons = [call["unsold_reason"] for call in switch.calls() if call["outcome"]]
                assert reasons == ["no_capacity"] * (MANY - 1)
                next(each for each in dialled if each.status != 480).hang_up()
                await asyncio.to_thread(switch.idle)
                again = caller.dial(uri, "+15125559999")
                caller.play(again, calls())
                await asyncio.to_thread(switch.until, lambda: len(buyer.calls) == 2, "the seat to be free again")
                again.hang_up()
                await asyncio.to_thread(switch.idle)

    asyncio.run(run())


def test_funds_are_held_used_and_kept_over_restarts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = 'funding: {mode: prepaid, limit: "60.00"}, limits: [{measure: spend, per: lifetime, max: "900.00"}]'

    async def run() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            with SwitchProcess(config(buyer.uri(), limits), tmp_path) as switch:

                async def sell(times: int) -> list[str]:
                    before = len(switch.calls())
                    for _ in range(times):
                        await caller.call(f"sip:+18335550100@{switch.sip}", "+15125550100", calls(hang_up_after_s=0.1))
                    ended = await asyncio.to_thread(switch.ended_calls, before + times)
                    return [call["outcome"] for call in ended[before:]]

                assert await sell(1) == ["sold"]
                assert counters(switch, capsys) == {"spend:lifetime": ("25.00", "0.00"), "funds": ("25.00", "0.00")}
                await asyncio.to_thread(switch.kill)
                await asyncio.to_thread(switch.restart)
                assert await sell(2) == ["sold", "unsold"], "what is left is ten dollars"
                await asyncio.to_thread(switch.stop)
                await asyncio.to_thread(switch.restart)
                assert counters(switch, capsys)["funds"] == ("50.00", "0.00")
                assert await sell(1) == ["unsold"]
                switch.write_config(config(buyer.uri(), limits.replace("60.00", "75.00")))
                await asyncio.to_thread(switch.until, lambda: switch.metric("trunkline_reloads_total", result="loaded"))
                assert await sell(1) == ["sold"], "a higher limit is a top-up"
                reset = ["counters", "adjust", "buyer/ace:funds", "--by=-25.00", "--data", str(switch.data)]
                assert await asyncio.to_thread(main, reset) == 0
                capsys.readouterr()
                assert await sell(1) == ["sold"]
                assert counters(switch, capsys) == {"spend:lifetime": ("100.00", "0.00"), "funds": ("75.00", "0.00")}

    asyncio.run(run())


def test_seats_that_wait_for_a_conversion_wait_over_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = 'event: postback, max_price: "40.00", decide_within_seconds: 6'
    limits = 'funding: {mode: prepaid, limit: "60.00"}, limits: [{measure: convert, per: month, max: 9}]'

    async def run() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            with SwitchProcess(config(buyer.uri(), limits, rule), tmp_path) as switch:
                uri = f"sip:+18335550100@{switch.sip}"
                await caller.call(uri, "+15125550100", calls(hang_up_after_s=0.1))
                ended = await asyncio.to_thread(switch.ended_calls, 1)
                assert (ended[0]["outcome"], ended[0]["converted"]) == ("sold", False)
                waiting = {"convert:month": (0, 1), "funds": ("0.00", "40.00")}
                assert counters(switch, capsys) == waiting
                assert switch.metric("trunkline_kept_leases") == 1
                assert switch.metric("trunkline_live_leases") == 0
                await asyncio.to_thread(switch.kill)
                await asyncio.to_thread(switch.restart)
                assert counters(switch, capsys) == waiting, "also after a crash"
                refused = await caller.call(uri, "+15125550101", calls(hang_up_after_s=0.1))
                assert refused.status == 480, "forty of sixty dollars are held"
                await asyncio.to_thread(switch.until, lambda: switch.metric("trunkline_kept_leases") == 0)
                assert counters(switch, capsys) == {"convert:month": (0, 0), "funds": ("0.00", "0.00")}
                assert switch.metric("trunkline_leases_expired_total") == 0, "nothing was lost"

    asyncio.run(run())
