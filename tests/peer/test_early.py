"""What is heard and said before the answer, with sipp on both sides: early media, reliable ringing, reasons."""

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
    expect,
    held,
    invite,
    invited,
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
