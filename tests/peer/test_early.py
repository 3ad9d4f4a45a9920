"""Around the answer, with sipp on both sides: early media, reliable ringing, session timers, reasons."""

from __future__ import annotations

import pytest
from tests.peer.lab import Lab, attempts, configuration, target
from tests.peer.phone import codes

from trunkline.testing.sipp_steps import (
    ack,
    ack_refusal,
    acked,
    answer,
    bye,
    byed,
    cancel,
    expect,
    expect_request,
    held,
    invite,
    invited,
    pause,
    reply,
    sdp,
)

pytestmark = pytest.mark.peer

PASS = {"early_media": "pass"}


def test_a_caller_hears_the_buyer_before_it_answers_and_is_not_heard(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    early = (invited(), answer(183, sdp()), held(), answer(200), acked(), byed())
    buyer = lab.buyer(*early, rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address), campaign=PASS))
    steps = (invite(), expect(100, optional=True), expect(183), held(), expect(200), ack(), held(), bye())
    caller = lab.caller(switch, *steps, rtp_port=caller_phone.port)
    switch.until(lambda: "183 INVITE" in caller.names(), "the caller to get 183")
    for phone, peer in ((caller_phone, caller), (buyer_phone, buyer)):
        phone.connect(switch, peer)
    said, spoken = codes(20, 1000), codes(21, 1000)
    caller_phone.say(spoken)
    buyer_phone.say(said)
    switch.until(lambda: said[-160:] in caller_phone.heard(), "the caller to hear the buyer's side")
    assert buyer_phone.heard() == b""
    caller.go_on()
    buyer.go_on()
    switch.until(lambda: "200 INVITE" in caller.names(), "the answer")
    caller_phone.say(said)
    switch.until(lambda: said[-160:] in buyer_phone.heard(), "the buyer to hear the caller")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert call["outcome"] == "sold"


def test_by_default_183_is_ringing(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(183, sdp()), answer(200), acked(), byed())
    switch = lab.switch(configuration(target("first", buyer.address)))
    lab.caller(switch, invite(), expect(100, optional=True), expect(180), expect(200), ack(), bye()).succeed()


def test_a_refusals_reason_is_kept(lab: Lab) -> None:
    busy = lab.buyer(invited(), answer(486, headers=('Reason: Q.850;cause=17;text="User busy"',)), acked())
    switch = lab.switch(configuration(target("first", busy.address)))
    lab.caller(switch, invite(), expect(100, optional=True), expect(480), ack_refusal()).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "busy", 486)]
    assert call["attempts"][0]["reason"] == "q850_17"


RINGS_RELIABLY = """<recv response="180" rrs="true"><action>
<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/></action></recv>"""
PRACK = """<send retrans="500"><![CDATA[
PRACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-prack
[routes]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]T[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 PRACK
RAck: [$rseq] 1 INVITE
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/>"""


def test_a_caller_that_requires_it_acknowledges_ringing(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(180), pause(500), answer(200), acked(), byed())
    switch = lab.switch(configuration(target("first", buyer.address)))
    asks = invite(headers=("Require: 100rel",))
    caller = lab.caller(switch, asks, expect(100, optional=True), RINGS_RELIABLY, PRACK, expect(200), ack(), bye())
    caller.succeed()
    (ringing,) = (message for message in caller.messages() if message.name == "180 INVITE")
    assert ringing.header("Require") == "100rel"
    (call,) = switch.ended_calls(1)
    assert call["outcome"] == "sold"


def test_a_caller_that_cancels_while_its_answer_waits_for_its_prack_gets_487(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(183, sdp()), answer(200), acked(), byed())
    switch = lab.switch(configuration(target("first", buyer.address), campaign=PASS))
    steps = (invite(headers=("Require: 100rel",)), expect(100, optional=True), expect(183), held(), cancel())
    caller = lab.caller(switch, *steps)
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to be answered")
    caller.go_on()
    caller.succeed()
    assert "200 INVITE" not in caller.names()
    (call,) = switch.ended_calls(1)
    assert call["ended_by"] == "caller"


def test_an_answer_waits_for_the_prack_of_what_was_heard_before_it(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(183, sdp()), answer(200), acked(), byed())
    switch = lab.switch(configuration(target("first", buyer.address), campaign=PASS))
    early = (invite(headers=("Require: 100rel",)), expect(100, optional=True), RINGS_RELIABLY.replace("180", "183"))
    caller = lab.caller(switch, *early, held(), PRACK, expect(200), ack(), bye())
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to be answered")
    assert "200 INVITE" not in caller.names()
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")


def update(port: int) -> str:
    """Move the audio of a call that was not answered yet to another port."""
    lines = PRACK.replace("PRACK", "UPDATE").replace("-prack", "-update").replace("CSeq: 2", "CSeq: 3")
    lines = lines.replace("RAck: [$rseq] 1 INVITE", "Contact: <sip:peer@[local_ip]:[local_port]>")
    body = sdp(version=2).replace("[rtp]", str(port))
    return lines.replace("Content-Length: 0\n\n", f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}\n")


def test_a_caller_that_moves_before_the_answer_is_reached_where_it_is_then(lab: Lab) -> None:
    before, now, buyer_phone = lab.phone(), lab.phone(), lab.phone()
    buyer = lab.buyer(invited(), answer(183, sdp()), held(), answer(200), acked(), byed(), rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address), campaign=PASS))
    asks = invite(headers=("Require: 100rel",))
    moved = (RINGS_RELIABLY.replace("180", "183"), PRACK, update(now.port), held())
    steps = (asks, expect(100, optional=True), *moved, expect(200), ack(), held(), bye())
    caller = lab.caller(switch, *steps, rtp_port=before.port)
    switch.until(lambda: "200 UPDATE" in caller.names(), "the new place to be taken")
    caller.go_on()
    buyer.go_on()
    switch.until(lambda: "200 INVITE" in caller.names(), "the answer")
    buyer_phone.connect(switch, buyer)
    said = codes(22, 1000)
    buyer_phone.say(said)
    switch.until(lambda: said[-160:] in now.heard() + before.heard(), "somebody to hear the buyer")
    assert said[-160:] in now.heard()
    caller.go_on()
    caller.succeed()


def test_a_buyer_whose_ringing_must_be_acknowledged_may_answer_in_it(lab: Lab) -> None:
    reliably = answer(183, sdp(), headers=("Require: 100rel", "RSeq: 4711"))
    pracked = expect_request("PRACK") + reply(200, "OK")
    buyer = lab.buyer(invited(), reliably, pracked, answer(200, ""), acked(), byed())
    switch = lab.switch(configuration(target("first", buyer.address)))
    lab.caller(switch, invite(), expect(100, optional=True), expect(180), expect(200), ack(), bye()).succeed()
    (call,) = switch.ended_calls(1)
    assert call["outcome"] == "sold"
    (prack,) = (message for message in buyer.messages() if message.name == "PRACK")
    assert prack.header("RAck") == "4711 1 INVITE"
    assert buyer.stop().successful == 1


def test_session_timers_are_agreed_on_with_both_sides(lab: Lab) -> None:
    larger = (invited(), answer(422, headers=("Min-SE: 3600",)), acked())
    takes = (invited(), answer(200, headers=("Session-Expires: 3600;refresher=uas", "Require: timer")), acked(), byed())
    buyer = lab.buyer(*larger, *takes)
    switch = lab.switch(configuration(target("first", buyer.address)))
    asks = invite(headers=("Supported: timer", "Session-Expires: 600;refresher=uac"))
    caller = lab.caller(switch, asks, expect(100, optional=True), expect(200), ack(), bye())
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "connected", 200)]
    invites = [message.header("Session-Expires") for message in buyer.messages() if message.name == "INVITE"]
    assert invites == ["1800", "3600"]
    (answered,) = (message for message in caller.messages() if message.name == "200 INVITE")
    assert answered.header("Session-Expires") == "600;refresher=uac"
