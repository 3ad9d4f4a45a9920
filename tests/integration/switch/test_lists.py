"""A real switch that asks lists: from files of its configuration, and loaded by command, over a crash and a reload."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.events.calls import CallBlocked, CallRouted
from trunkline.testing.peers import Buyer, Caller, answers, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
lists: [{key: blocked, type: prefixes, file: lists/blocked.txt}, {key: dnc}]
publishers: [{key: adwave}]
campaigns: [{key: roofing, flow: sell, plan: all, suppress: [blocked]}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave}]
buyers: [{key: ace, suppress: [dnc]}, {key: bolt}]
targets: [{key: ace-desk, buyer: ace, dial: "ADDRESS"}, {key: bolt-desk, buyer: bolt, dial: "ADDRESS"}]
plans:
  - key: all
    tiers:
      - method: priority
        routes: [{target: ace-desk, price: "25.00"}, {target: bolt-desk, price: "20.00", priority: 2}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""
ME, YOU, SPAM = "+15125550100", "+15125550101", "+15555550100"


def lists(switch: SwitchProcess, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["lists", *arguments, "--data", str(switch.data), "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def proved(switch: SwitchProcess, call: str, capsys: pytest.CaptureFixture[str]) -> list[bool]:
    """Whether each decision of a call can be made again from the data folder, and is the same."""
    assert main(["trace", call, "--data", str(switch.data), "--full", "--json"]) == 0
    return [each["proved"] for each in json.loads(capsys.readouterr().out)["decisions"]]


def digest_of_blocked(switch: SwitchProcess, capsys: pytest.CaptureFixture[str]) -> str:
    shown: str = lists(switch, capsys, "show")["lists"][0]["digest"]
    return shown


def test_lists_decide_and_outlive_a_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dnc = tmp_path / "dnc.txt"
    dnc.write_text(f"{ME}\n{YOU},2020-01-01\nanonymous\n")
    (tmp_path / "lists").mkdir()
    blocked = tmp_path / "lists" / "blocked.txt"
    blocked.write_text("+1555*\n")

    async def sold(switch: SwitchProcess, caller: Caller, who: str, count: int) -> str | None:
        await caller.call(f"sip:+18335550100@{switch.sip}", who, calls(hang_up_after_s=0.05))
        ended = await asyncio.to_thread(switch.ended_calls, count)
        buyer: str | None = ended[-1]["buyer"]
        return buyer

    async def run() -> SwitchProcess:
        async with Buyer(answers()) as buyer, Caller() as caller:
            switch = SwitchProcess(CONFIG.replace("ADDRESS", buyer.uri()), tmp_path)
            with switch:
                assert await sold(switch, caller, ME, 1) == "bolt", "nobody knows who is on a list that is not loaded"
                await asyncio.to_thread(lists, switch, capsys, "load", "dnc", str(dnc))
                assert await sold(switch, caller, ME, 2) == "bolt"
                assert await sold(switch, caller, YOU, 3) == "ace", "an entry that has expired"
                assert await sold(switch, caller, "anonymous", 4) == "bolt"
                spam = await caller.call(f"sip:+18335550100@{switch.sip}", SPAM, calls())
                assert spam.status == 603
                switch.kill()
                switch.restart()
                assert await sold(switch, caller, ME, 6) == "bolt"
                assert await sold(switch, caller, YOU, 7) == "ace"
                before = await asyncio.to_thread(digest_of_blocked, switch, capsys)
                blocked.write_text("+1512*\n")
                await asyncio.to_thread(
                    switch.until, lambda: digest_of_blocked(switch, capsys) != before, "the list to be read again"
                )
                assert (await caller.call(f"sip:+18335550100@{switch.sip}", YOU, calls())).status == 603
                await asyncio.to_thread(lists, switch, capsys, "drop", "dnc")
                assert await sold(switch, caller, SPAM, 9) == "bolt"
            return switch

    switch = asyncio.run(run())
    found = switch.calls()
    unsold = [(call["outcome"], call["unsold_reason"]) for call in found if call["outcome"] != "sold"]
    assert unsold == [("blocked", "suppression")] * 2
    events = switch.journal_events()
    details = [event.detail for event in events if isinstance(event, CallBlocked)]
    assert details == ["campaign: on list blocked"] * 2
    versions = [event.versions.facts for event in events if isinstance(event, CallRouted)]
    assert versions[1] == versions[2] == versions[3], "the same lists"
    assert versions[0] != versions[1] != versions[-1]
    assert versions[4] == versions[1], "what a crash left is what was there before"
    assert found[1]["rejected"][0]["detail"] == "on list dnc"
    assert main(["trace", found[4]["id"], "--data", str(switch.data)]) == 0
    assert "a list keeps the caller away (campaign: on list blocked)" in capsys.readouterr().out
    assert proved(switch, found[-1]["id"], capsys) == [True]
    assert proved(switch, found[0]["id"], capsys) == [False], "what the file said then is not kept"
