"""A real switch whose buyer sends calls back: by the policy, once each, exactly, over a crash."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.testing.peers import Buyer, Caller, answers, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account:
  key: acme
  timezone: America/New_York
  returns: {within_days: 7, share_percent: 50, auto_approve: [duplicate]}
publishers: [{key: adwave}]
campaigns:
  - key: roofing
    flow: sell
    plan: all
    conversion: {call: {event: connect}}
    payouts: [{publisher: adwave, event: convert, amount: "9.00"}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave, source: fb}]
buyers: [{key: ace}]
targets: [{key: ace-desk, buyer: ace, dial: "ADDRESS"}]
plans: [{key: all, tiers: [{method: priority, routes: [{target: ace-desk, price: "25.00"}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""


class Desk:
    """The command line, as an operator uses it."""

    def __init__(self, switch: SwitchProcess, capsys: pytest.CaptureFixture[str]) -> None:
        self._switch = switch
        self._capsys = capsys

    def returns(self, *arguments: str) -> Any:
        """The answer of `trunkline returns`, or the error's first line."""
        code = main(["returns", *arguments, "--data", str(self._switch.data), "--json"])
        told = self._capsys.readouterr()
        return json.loads(told.out) if code == 0 else told.err.splitlines()[0]

    def record(self, call: str) -> Any:
        """What `trace` shows of the call."""
        assert main(["trace", call, "--data", str(self._switch.data), "--json"]) == 0
        return json.loads(self._capsys.readouterr().out)


def test_sales_are_sent_back_once_within_a_share_and_over_a_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            with SwitchProcess(CONFIG.replace("ADDRESS", buyer.uri()), tmp_path) as switch:
                for number in range(3):
                    who = f"+1512555010{number}"
                    await caller.call(f"sip:+18335550100@{switch.sip}", who, calls(hang_up_after_s=0.05))
                sold = [call["id"] for call in await asyncio.to_thread(switch.ended_calls, 3)]
                await asyncio.to_thread(check, switch, sold)

    def check(switch: SwitchProcess, sold: list[str]) -> None:
        desk = Desk(switch, capsys)
        wrong = desk.returns("request", sold[0], "--reason", "bored", "--as", "buyer")
        assert "none of the reasons that are taken: bad_contact, compliance" in wrong
        assert "is no code of a reason" in desk.returns("request", sold[0], "--reason", "It was bad!", "--anyway")
        assert "nothing was sold of 'call_none'" in desk.returns("request", "call_none", "--reason", "other")
        assert "was not sold to 'bolt'" in desk.returns("request", sold[0], "--reason", "other", "--buyer", "bolt")

        asked = ("request", sold[0], "--reason", "bad_contact", "--as", "buyer", "--note", "a fax", "--key", "k1")
        first = desk.returns(*asked)
        assert (first["state"], first["credit"], first["clawback"]) == ("requested", "25.00", "9.00")
        assert desk.returns(*asked) == first, "the same key asks for the same thing"
        again = desk.returns("request", sold[0], "--reason", "other")
        assert again == "error: a return of this sale is requested already"
        second = desk.returns("request", sold[1], "--reason", "duplicate")
        assert (second["state"], second["decided_by"]) == ("approved", "policy")
        refused = desk.returns("request", sold[2], "--reason", "duplicate")
        assert "sent back its share of that month's sales" in refused, "two of three is half, rounded up"
        mine = desk.returns("request", sold[2], "--reason", "duplicate", "--as", "buyer", "--anyway")
        assert "only an operator may set the policy aside" in mine

        switch.kill()
        switch.restart()
        assert "is requested already" in desk.returns("request", sold[0], "--reason", "other")
        assert "is approved already" in desk.returns("request", sold[1], "--reason", "other")
        assert "sent back its share" in desk.returns("request", sold[2], "--reason", "duplicate")
        assert desk.returns("reject", first["id"])["state"] == "rejected"
        assert "waits for a decision" in desk.returns("approve", first["id"])
        assert "is rejected already" in desk.returns("request", sold[0], "--reason", "other")
        assert "none of the reasons" in desk.returns("request", sold[2], "--reason", "bored"), "a seat came free"
        aside = desk.returns("request", sold[2], "--reason", "bored", "--anyway")
        assert (aside["state"], aside["set_aside"]) == ("requested", ["unknown_reason"])
        assert desk.returns("approve", aside["id"])["state"] == "approved"
        listed = desk.returns("list")
        assert {row["call"]: row["state"] for row in listed["returns"]} == {
            sold[0]: "rejected",
            sold[1]: "approved",
            sold[2]: "approved",
        }
        assert [row["call"] for row in desk.returns("list", "--state", "rejected")["returns"]] == [sold[0]]
        shown = desk.record(sold[0])
        assert [each["state"] for each in shown["call"]["returns"]] == ["rejected"]
        assert any("asks to send the sale to ace back: bad_contact" in line for line in shown["story"])
        assert [event["note"] for event in shown["events"] if event["type"] == "return.requested"] == ["a fax"]
        written = [path for path in switch.data.rglob("*") if path.is_file()]
        assert not [path.name for path in written if b"a fax" in path.read_bytes()], "what people write is sealed"

    asyncio.run(run())
