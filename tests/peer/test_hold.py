"""Hold and resume by re-INVITE, from either side, while the call and its audio go on."""

from __future__ import annotations

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, configuration, target
from tests.peer.phone import codes

from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    buyer_reinvite,
    bye,
    byed,
    expect,
    held,
    invite,
    invited,
    provisional,
    reinvite,
)

pytestmark = pytest.mark.peer


def directions(peer: Sipp) -> list[str]:
    """The directions in the session descriptions that the switch sent, in order."""
    bodies = [message.body for message in peer.messages() if not message.sent and "m=audio" in message.body]
    return [line[2:] for body in bodies for line in body.split() if line[2:] in {"sendrecv", "recvonly", "inactive"}]


def test_the_caller_holds_and_resumes(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    steps = (invite(), provisional(), expect(200), ack(), held(), reinvite("sendonly", 2), held())
    caller = lab.caller(switch, *steps, reinvite("sendrecv", 3), held(), bye(), rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)

    before, during, after = codes(50, 200), codes(51, 200), codes(52, 200)
    buyer_phone.say(before)
    switch.until(lambda: before in caller_phone.heard(), "the caller to hear the buyer")
    caller.go_on()
    switch.until(lambda: directions(caller) == ["sendrecv", "recvonly"], "the hold to be answered")
    music = codes(53, 200)
    caller_phone.say(music)
    buyer_phone.say(during)
    switch.until(lambda: music in buyer_phone.heard(), "what the holding side plays to reach the buyer")
    buyer_phone.until_said()
    caller.go_on()
    switch.until(lambda: directions(caller)[2:] == ["sendrecv"], "the resumption to be answered")
    buyer_phone.say(after)
    switch.until(lambda: after in caller_phone.heard(), "the caller to hear the buyer again")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    assert during[:160] not in caller_phone.heard(), "a party that holds is sent nothing"
    assert buyer.stop().successful == 1, "the buyer is not disturbed"


def test_the_buyer_holds_and_resumes(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    steps = (invited(), answer(180), answer(200), acked(), held(), buyer_reinvite("inactive", 1), held())
    buyer = lab.buyer(*steps, buyer_reinvite("sendrecv", 2), byed(), rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)

    before, during, after = codes(60, 200), codes(61, 200), codes(62, 200)
    caller_phone.say(before)
    switch.until(lambda: before in buyer_phone.heard(), "the buyer to hear the caller")
    buyer.go_on()
    switch.until(lambda: directions(buyer)[-1:] == ["inactive"], "the hold to be answered")
    caller_phone.say(during)
    caller_phone.until_said()
    buyer.go_on()
    switch.until(lambda: directions(buyer)[-2:] == ["inactive", "sendrecv"], "the resumption to be answered")
    caller_phone.say(after)
    switch.until(lambda: after in buyer_phone.heard(), "the buyer to hear the caller again")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    assert during[:160] not in buyer_phone.heard(), "a party that holds is sent nothing"
    assert buyer.stop().successful == 1
