"""Calls whose 200 nobody acknowledges: it is repeated for 64*T1 (RFC 3261 13.3.1.4), then both sides are hung up."""

from __future__ import annotations

import time

import pytest
from tests.integration.hostile.conftest import Unfinished

pytestmark = pytest.mark.integration

ACK_WAIT_S = 32.0


def test_answers_that_nobody_acknowledges_are_repeated_then_hung_up(unfinished: Unfinished) -> None:
    caller, buyer, switch = unfinished.caller, unfinished.buyer, unfinished.switch
    for call in unfinished.calls:
        caller.wait(lambda m, call=call: call.mine(m) and m.method == "BYE", "BYE", ACK_WAIT_S + 10)
        copies = [message for message in caller.got("INVITE", 200) if call.mine(message)]
        assert 9 <= len(copies) <= 12, "T1 doubling to T2 for 64*T1"
    assert time.monotonic() - unfinished.began > ACK_WAIT_S - 1
    for place in range(len(unfinished.calls)):
        buyer.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the buyer", count=place + 1)
    assert {call["outcome"] for call in switch.ended_calls(len(unfinished.calls))} == {"sold"}
    assert "Traceback" not in switch.log(), switch.log()
