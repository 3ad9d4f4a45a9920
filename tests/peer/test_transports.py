"""Calls over TCP between sipp and the switch, from either side and across transports; a buyer that is not there."""

from __future__ import annotations

import time

import pytest
from tests.peer.lab import TALKS, Lab, attempts, calls_and_hangs_up, configuration, refuses, target

from trunkline.testing.ports import HOST, free_block

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("transport", ["t1", "tn"])
def test_both_sides_over_tcp(lab: Lab, transport: str) -> None:
    buyer = lab.buyer(*TALKS, transport=transport)
    switch = lab.switch(configuration(target("first", f"sip:first@{buyer.address};transport=tcp")))
    caller = lab.caller(switch, *calls_and_hangs_up(), transport=transport, calls=10)
    caller.succeed()
    calls = switch.ended_calls(10)
    assert {(call["outcome"], call["ended_by"]) for call in calls} == {("sold", "caller")}
    assert buyer.stop().successful == 10
    invite = next(message for message in buyer.messages() if message.name == "INVITE")
    assert invite.header("Via").startswith(f"SIP/2.0/TCP {switch.sip};")
    assert invite.header("Contact") == f"<sip:{switch.sip};transport=tcp>"
    answer = next(message for message in caller.messages() if message.name == "200 INVITE")
    assert answer.header("Contact") == f"<sip:{switch.sip};transport=tcp>"
    assert switch.metric("trunkline_sip_events", kind="retransmissions_out") == 0


def test_a_caller_over_tcp_and_a_buyer_over_udp_and_the_other_way_round(lab: Lab) -> None:
    udp, tcp = lab.buyer(*TALKS), lab.buyer(*TALKS, transport="t1")
    dials = {"first": f"sip:first@{udp.address}", "second": f"sip:second@{tcp.address};transport=tcp"}
    for key, dial in dials.items():
        switch = lab.switch(configuration(target(key, dial)))
        for transport in ("u1", "t1"):
            lab.caller(switch, *calls_and_hangs_up(), transport=transport).succeed()
        assert [call["buyer"] for call in switch.ended_calls(2)] == [key, key]


def test_a_refusal_over_tcp_is_acknowledged_and_the_next_rings(lab: Lab) -> None:
    busy, free = lab.buyer(*refuses(486), transport="t1"), lab.buyer(*TALKS, transport="t1")
    dials = [target(key, f"sip:{key}@{each.address};transport=tcp") for key, each in (("busy", busy), ("free", free))]
    switch = lab.switch(configuration(*dials))
    lab.caller(switch, *calls_and_hangs_up(), transport="t1").succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("busy", "busy", 486), ("free", "connected", 200)]
    assert busy.stop().successful == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_where_nobody_listens_the_next_buyer_rings_at_once(lab: Lab, transport: str) -> None:
    free = lab.buyer(*TALKS)
    gone = target("gone", f"sip:gone@{HOST}:{free_block(2)};transport={transport}", first_response_seconds=20)
    switch = lab.switch(configuration(gone, target("free", free.address)))
    began = time.monotonic()
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    assert time.monotonic() - began < 10, "not the 20 seconds of silence that this buyer is given"
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("gone", "failed", None), ("free", "connected", 200)]
    assert call["attempts"][0]["reason"] == "transport"
