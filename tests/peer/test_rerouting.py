"""A buyer that hangs up soon: the caller is let talk to another one, over real SIP and RTP."""

from __future__ import annotations

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, attempts, configuration, prompt, refuses, target
from tests.peer.phone import codes
from tests.peer.test_audio import stereo

from trunkline.codec.g711 import Law, decode
from trunkline.testing.sipp_steps import ack, acked, answer, byed, expect, hang_up, held, invite, invited, provisional

pytestmark = pytest.mark.peer

DROPS = (invited(), answer(180), answer(200), acked(), held(), hang_up())
"""A buyer that takes the call and hangs up when the test says so."""
HOPS = {"first": {"hops": [0]}, "second": {"hops": [0, 1]}, "third": {"hops": [0, 1, 2]}}
ANNOUNCEMENT = codes(90, 200)
RECORDED = {"recording": {"mode": "from_connect", "announce_file": "announce.wav"}}


def test_the_next_buyer_talks_to_the_caller(lab: Lab) -> None:
    caller_phone, drop_phone, last_phone = lab.phone(), lab.phone(), lab.phone()
    drops, busy = lab.buyer(*DROPS, rtp_port=drop_phone.port), lab.buyer(*refuses(486))
    last = lab.buyer(*TALKS, rtp_port=last_phone.port)
    targets = (target("first", drops.address), target("second", busy.address), target("third", last.address))
    text = configuration(*targets, plan={"reroute_seconds": 60}, target_routes=HOPS, campaign=RECORDED)
    switch = lab.switch(text, {"announce.wav": prompt(ANNOUNCEMENT)})
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    drop_phone.connect(switch, drops)
    first, second, answered = codes(20, 400), codes(21, 400), codes(22, 400)
    caller_phone.say(first)
    switch.until(lambda: first[-160:] in drop_phone.heard(), "the first buyer to hear the caller")
    drops.go_on()
    last_phone.connect(switch, last)
    switch.until(lambda: ANNOUNCEMENT in last_phone.heard(), "the last buyer to hear the announcement")
    caller_phone.say(second)
    last_phone.say(answered)
    switch.until(lambda: second[-160:] in last_phone.heard(), "the last buyer to hear the caller")
    switch.until(lambda: answered[-160:] in caller_phone.heard(), "the caller to hear the last buyer")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["buyer"]) == ("sold", "caller", "third")
    assert attempts(call) == [("first", "connected", 200), ("second", "busy", 486), ("third", "connected", 200)]
    assert call["revenue"] == "40.00", "both that were connected owe"
    left, right = stereo(switch.data / call["recording"])
    assert decode(Law.PCMU, first[-160:]) in left
    assert decode(Law.PCMU, second[-160:]) in left, "both conversations are in one file"
    assert decode(Law.PCMU, answered[-160:]) in right
    assert drops.stop().successful == 1


def test_nobody_takes_it_after_that(lab: Lab) -> None:
    drops = lab.buyer(*DROPS)
    words = {"no_buyer": {"file": "announce.wav", "then": "hang_up"}}
    text = configuration(target("first", drops.address), plan={"reroute_seconds": 60, **words})
    switch = lab.switch(text, {"announce.wav": prompt(ANNOUNCEMENT)})
    phone = lab.phone()
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed(), rtp_port=phone.port)
    phone.connect(switch, caller)
    drops.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["revenue"]) == ("sold", "system", "20.00")
    assert ANNOUNCEMENT in phone.heard(), "the caller hears the plan's last words"
