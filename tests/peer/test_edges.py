"""Races, late offers, no common codec, garbage on the wire: what a switch in the open has to live with."""

from __future__ import annotations

import random
import socket

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, attempts, calls_and_hangs_up, configuration, prompt, target
from tests.peer.phone import codes
from tests.peer.test_audio import stereo

from trunkline.codec.g711 import Law, decode
from trunkline.testing.ports import HOST
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    bye,
    byed,
    cancel,
    cancelled,
    expect,
    expect_request,
    held,
    invite,
    invited,
    pause,
    provisional,
    refused,
    reply,
    sdp,
)

pytestmark = pytest.mark.peer

G729 = """v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtp] RTP/AVP 18
a=rtpmap:18 G729/8000"""


def test_a_caller_who_goes_before_anything_rings_leaves_nothing(lab: Lab) -> None:
    slow = lab.buyer(invited(), pause(500), answer(180), cancelled())
    switch = lab.switch(configuration(target("slow", slow.address)))
    lab.caller(switch, invite(), expect(100), cancel()).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("abandoned", "caller")
    assert attempts(call) == [("slow", "caller_gone", None)]
    switch.until(lambda: "487 INVITE" in slow.names() or slow.names() == [], "the buyer to be let go")
    assert slow.stop().failed == 0


def test_a_buyer_that_answers_as_it_is_cancelled_is_acknowledged_and_hung_up_on(lab: Lab) -> None:
    ok_to_cancel = reply(200, "OK").replace("[last_To:]", "[last_To:];tag=[pid]T[call_number]")
    racing = lab.buyer(invited(), answer(180), expect_request("CANCEL"), ok_to_cancel, answer(200), acked(), byed())
    switch = lab.switch(configuration(target("racing", racing.address)))
    lab.caller(switch, invite(), expect(100, optional=True), expect(180), cancel()).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("racing", "caller_gone", None)]
    assert call["revenue"] is None
    switch.until(lambda: racing.names()[-1:] == ["200 BYE"], "the buyer to be hung up on")
    assert racing.stop().successful == 1
    assert racing.names(sent=False) == ["INVITE", "CANCEL", "ACK", "BYE"]


def test_a_buyer_without_a_common_codec_is_hung_up_on_and_the_next_is_rung(lab: Lab) -> None:
    deaf, free = lab.buyer(invited(), answer(180), answer(200, G729), acked(), byed()), lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("deaf", deaf.address), target("free", free.address)))
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    (call,) = switch.ended_calls(1)
    assert [(each["target"], each["outcome"], each["reason"]) for each in call["attempts"]] == [
        ("deaf", "failed", "no_common_audio"),
        ("free", "connected", None),
    ]
    assert deaf.stop().successful == 1


def test_a_caller_without_a_common_codec_is_refused_with_488(lab: Lab) -> None:
    switch = lab.switch(configuration(target("first", "127.0.0.1:9")))
    lab.caller(switch, invite(G729), refused(488)).succeed()
    assert switch.calls() == []
    assert switch.metric("trunkline_refused_total", reason="no_common_audio") == 1


def test_a_caller_who_offers_late_is_offered_to(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    late = (invite(""), provisional(), expect(200), ack(sdp()), held(), bye())
    caller = lab.caller(switch, *late, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    said = codes(90, 300)
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to be connected")
    caller_phone.say(said)
    switch.until(lambda: said in buyer_phone.heard(), "the buyer to hear the caller")
    caller.go_on()
    caller.succeed()
    assert switch.ended_calls(1)[0]["outcome"] == "sold"


def test_a_call_that_is_too_long_is_ended_on_both_sides(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address, max_duration_seconds=1)))
    lab.caller(switch, invite(), provisional(), expect(200), ack(), byed()).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["attempts"][0]["reason"]) == ("sold", "system", "max_duration")
    assert 1_000 <= call["duration_ms"] < 2_000
    assert buyer.stop().successful == 1


def test_a_caller_who_goes_while_the_buyer_should_press_1_leaves_nothing(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address, press_to_accept="1", press_seconds=30)))
    caller = lab.caller(switch, invite(), expect(100, optional=True), expect(180), held(), cancel())
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to answer")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], attempts(call)) == ("abandoned", [("first", "caller_gone", None)])
    switch.until(lambda: buyer.names()[-1:] == ["200 BYE"], "the buyer to be hung up on")


def test_a_message_is_taken_when_nobody_buys(lab: Lab) -> None:
    phone, words = lab.phone(), codes(91, 300)
    treatment = {"no_buyer": {"file": "sorry.wav", "then": "voicemail"}}
    switch = lab.switch(
        configuration(target("nobody", "127.0.0.1:9", paused="true"), plan=treatment), {"sorry.wav": prompt(words)}
    )
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=phone.port)
    phone.connect(switch, caller)
    switch.until(
        lambda: any(type(event).__name__ == "RecordingStarted" for event in switch.journal_events()), "the beep"
    )
    assert words in phone.heard()
    said = codes(92, 1_000)
    phone.say(said)
    phone.until_said()
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["recording"]) == ("voicemail", None)
    left, _ = stereo(switch.data / call["voicemail"])
    assert decode(Law.PCMU, said[:-160]) in left


def test_garbage_disturbs_nobody_and_is_counted(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD)
    switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
    draw = random.Random(5)
    whole = b"INVITE sip:+18335550100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:99999999;branch=z9hG4bK-%d\r\n"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
        for number in range(1_000):
            cut = bytearray(whole % number + b"From: <sip:x@y>;tag=1\r\nTo: <sip:z@y>\r\nCall-ID: %d\r\n" % number)
            for _ in range(draw.randrange(4)):
                cut[draw.randrange(len(cut))] = draw.randrange(256)
            scanner.sendto(bytes(cut[: draw.randrange(len(cut))]), (HOST, switch.sip_port))
            scanner.sendto(draw.randbytes(draw.randrange(400)), (HOST, switch.sip_port + 2 + number % 40))
    lab.caller(switch, *calls_and_hangs_up(0), name="second").succeed()
    caller.go_on()
    caller.succeed()
    assert [call["outcome"] for call in switch.ended_calls(2)] == ["sold", "sold"]
    counted = {name: count for name, count in switch.metrics().items() if name.startswith("trunkline_sip_events")}
    assert sum(counted.values()) > 500, counted
