"""One call at a time between sipp as caller and sipp as buyers: who hangs up, who refuses, who is not there."""

from __future__ import annotations

import socket

import pytest
from tests.peer.lab import (
    NUMBER,
    TALKS,
    TALKS_UNTIL_TOLD,
    Lab,
    attempts,
    calls_and_hangs_up,
    configuration,
    refuses,
    target,
)

from trunkline.testing.ports import HOST, free_block
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    byed,
    cancel,
    cancelled,
    expect,
    hang_up,
    invite,
    invited,
    pause,
    provisional,
    refused,
)

pytestmark = pytest.mark.peer


def test_the_caller_hangs_up(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = lab.caller(switch, *calls_and_hangs_up())
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["buyer"], call["price"]) == ("sold", "caller", "first", "20.00")
    assert call["converted"]
    assert attempts(call) == [("first", "connected", 200)]
    assert 200 <= call["duration_ms"] <= call["call_ms"]
    said = [name for name in caller.names() if name != "100 INVITE"]  # which a slow machine says
    assert said == ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
    assert buyer.stop().successful == 1
    assert buyer.names() == ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]


def test_the_buyer_hangs_up(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(180), answer(200), acked(), pause(200), hang_up())
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed())
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "buyer")
    assert buyer.stop().successful == 1


def test_a_busy_buyer_is_followed_by_the_next(lab: Lab) -> None:
    busy, free = lab.buyer(*refuses(486)), lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("busy", busy.address), target("free", free.address)))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("busy", "busy", 486), ("free", "connected", 200)]
    assert busy.stop().successful == 1, "the refusal was acknowledged"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(486, "busy"), (600, "busy"), (480, "no_answer"), (603, "declined"), (403, "declined"), (404, "failed"),
     (488, "failed"), (500, "failed"), (302, "failed")],
)  # fmt: skip
def test_every_refusal_has_its_outcome_and_the_next_is_rung(lab: Lab, status: int, outcome: str) -> None:
    refusing, free = lab.buyer(*refuses(status)), lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("refusing", refusing.address), target("free", free.address)))
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("refusing", outcome, status), ("free", "connected", 200)]
    assert refusing.stop().successful == 1, "the refusal was acknowledged"


def test_a_buyer_that_does_not_answer_is_cancelled_and_the_next_is_rung(lab: Lab) -> None:
    ringing, free = lab.buyer(invited(), answer(180), cancelled()), lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("ringing", ringing.address, ring_seconds=1), target("free", free.address)))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("ringing", "no_answer", None), ("free", "connected", 200)]
    assert call["attempts"][0]["reason"] == "ring_seconds"
    assert call["attempts"][0]["ring_ms"] >= 1000
    assert ringing.stop().successful == 1
    assert ringing.names() == ["INVITE", "180 INVITE", "CANCEL", "200 CANCEL", "487 INVITE", "ACK"]


def test_a_buyer_that_says_nothing_at_all_is_given_up(lab: Lab) -> None:
    free = lab.buyer(*TALKS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HOST, 0))
        dial = f"{HOST}:{silent.getsockname()[1]}"
        switch = lab.switch(
            configuration(target("silent", dial, first_response_seconds=1), target("free", free.address))
        )
        lab.caller(switch, *calls_and_hangs_up()).succeed()
        (call,) = switch.ended_calls(1)
        silent.settimeout(1)
        heard = silent.recv(65_535)
    assert heard.startswith(b"INVITE ")
    assert attempts(call) == [("silent", "timeout", None), ("free", "connected", 200)]
    assert 1000 <= call["attempts"][0]["ring_ms"] < 4000


def test_a_port_where_nobody_listens_is_given_up(lab: Lab) -> None:
    free = lab.buyer(*TALKS)
    dial = f"{HOST}:{free_block(2)}"
    switch = lab.switch(configuration(target("nobody", dial, first_response_seconds=1), target("free", free.address)))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    (call,) = switch.ended_calls(1)
    (_, outcome, _), connected = attempts(call)
    assert outcome in {"timeout", "failed"}
    assert connected == ("free", "connected", 200)


def test_a_caller_who_goes_while_it_rings_leaves_nothing(lab: Lab) -> None:
    ringing = lab.buyer(invited(), answer(180), cancelled())
    limits = [{"measure": "live", "max": 1}, {"measure": "attempt", "per": "day", "max": 9}]
    switch = lab.switch(configuration(target("ringing", ringing.address), buyer_limits=limits))
    caller = lab.caller(switch, invite(), expect(100, optional=True), expect(180), pause(100), cancel())
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("abandoned", "caller")
    assert attempts(call) == [("ringing", "caller_gone", None)]
    metrics = switch.metrics()
    assert metrics["trunkline_live_leases"] == metrics["trunkline_live_legs"] == 0
    switch.until(lambda: ringing.names()[-1:] == ["ACK"], "the buyer's 487 to be acknowledged")
    assert ringing.stop().successful == 1


def test_when_nobody_buys_the_caller_is_refused_with_480(lab: Lab) -> None:
    busy = lab.buyer(*refuses(486))
    switch = lab.switch(configuration(target("busy", busy.address)))
    lab.caller(switch, invite(), refused(480)).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["unsold_reason"], call["ended_by"]) == ("unsold", "not_taken", "system")


def test_when_all_buyers_are_full_the_caller_hears_so_and_is_let_go(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    words = {"no_buyer": {"say": "All of our specialists are busy. Please call again later.", "then": "hang_up"}}
    limits = [{"measure": "live", "max": 1}]
    switch = lab.switch(configuration(target("only", buyer.address), buyer_limits=limits, plan=words))
    holder = lab.caller(switch, *TALKS_UNTIL_TOLD, name="holder")
    switch.until(lambda: switch.metric("trunkline_live_legs") == 1 and "ACK" in holder.names(), "the seat to be taken")
    late = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed(), name="late")
    late.succeed()
    holder.go_on()
    holder.succeed()
    calls = {call["outcome"]: call for call in switch.ended_calls(2)}
    assert set(calls) == {"sold", "unsold"}
    (rejected,) = calls["unsold"]["rejected"]
    assert (rejected["reason"], rejected["level"], rejected["measure"], rejected["max"]) == (
        "limit",
        "buyer",
        "live",
        1,
    )
    assert calls["unsold"]["attempts"] == []
    assert buyer.stop().calls == 1


def test_an_unknown_number_is_404_and_no_call(lab: Lab) -> None:
    switch = lab.switch(configuration(target("first", "127.0.0.1:9")))
    lab.caller(switch, invite(), refused(404), number="+18335550199").succeed()
    assert switch.calls() == []
    assert switch.metric("trunkline_refused_total", reason="unknown_number") == 1


def test_an_unknown_source_gets_no_reply_at_all(lab: Lab) -> None:
    trunks = [{"key": "carrier", "allow": ["203.0.113.0/24"], "default_country": "US"}]
    switch = lab.switch(configuration(target("first", "127.0.0.1:9"), trunks=trunks))
    caller = lab.caller(switch, invite(), expect(200))
    switch.until(
        lambda: switch.metric("trunkline_sip_events", kind="dropped_unknown_source") >= 2, "two INVITEs to be dropped"
    )
    assert caller.names(sent=False) == []
    assert switch.calls() == []


def test_a_paused_campaign_sells_nothing_and_says_why(lab: Lab) -> None:
    switch = lab.switch(configuration(target("first", "127.0.0.1:9"), campaign={"paused": True}))
    lab.caller(switch, invite(), refused(480)).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["unsold_reason"], call["attempts"]) == ("unsold", "paused", [])


def test_an_invite_sent_twice_is_one_call_and_one_dial(lab: Lab) -> None:
    buyer = lab.buyer(invited(), pause(350), answer(180), pause(400), answer(200), acked(), byed())
    switch = lab.switch(configuration(target("first", buyer.address)))
    before_180 = (invite(), expect(100), invite(), expect(100, optional=True), expect(180))
    after_180 = (invite(), expect(180, optional=True), expect(200), ack())
    caller = lab.caller(switch, *before_180, *after_180, *calls_and_hangs_up(0)[-2:])
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "connected", 200)]
    assert caller.names(sent=True).count("INVITE") >= 3
    assert buyer.names().count("INVITE") == 1
    assert buyer.stop().calls == 1


def test_a_number_is_read_in_the_trunks_way(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    lab.caller(switch, *calls_and_hangs_up(0), number=NUMBER[2:], callers=["5125550100"]).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["number"], call["caller"]) == (NUMBER, "+15125550100")
