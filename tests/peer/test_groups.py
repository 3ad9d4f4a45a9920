"""Several phones of one buyer ring at once: the first that takes the call has it, the others learn that it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, attempts, configuration, prompt, refuses, target
from tests.peer.phone import codes

from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import (
    acked,
    answer,
    byed,
    cancel,
    cancelled,
    expect,
    expect_request,
    held,
    invite,
    invited,
    label,
    provisional,
    reply,
)
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
RINGS_IN_VAIN = (invited(), answer(180), cancelled())
SURVIVES = (
    invited(),
    answer(180),
    expect_request("CANCEL") + reply(200, "OK"),
    expect_request("CANCEL", ms=500, otherwise="one") + reply(481, "Unknown") + label("one"),
    answer(487),
    acked(),
)
"""A phone whose switch dies: of the INVITEs that may have left, each is cancelled, those that never came as well."""


def group(first: Sipp, *others: Sipp, **fields: object) -> dict[str, Any]:
    """A target whose phones are these."""
    return target("first", first.address, also_dial=[f"sip:{other.name}@{other.address}" for other in others], **fields)


def legs(call: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """Outcome and status of each leg of the first attempt."""
    return [(leg["outcome"], leg["sip_status"]) for leg in call["attempts"][0]["legs"]]


def reasons(peer: Sipp, method: str) -> list[str]:
    """The Reason headers of the requests of that method which the peer got."""
    return [message.header("Reason") for message in peer.messages() if not message.sent and message.name == method]


def test_the_first_phone_that_answers_has_the_call(lab: Lab) -> None:
    one, two, three = lab.buyer(*RINGS_IN_VAIN), lab.buyer(*TALKS), lab.buyer(*RINGS_IN_VAIN)
    switch = lab.switch(configuration(group(one, two, three)))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD)
    for peer in (one, three):
        switch.until(lambda peer=peer: "ACK" in peer.names(), "the cancelled phone to be done")
    switch.until(lambda: "ACK" in caller.names(), "the caller to be answered")
    assert switch.metric("trunkline_live_leases") == 1
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "connected", 200)]
    assert legs(call) == [("elsewhere", None), ("connected", 200), ("elsewhere", None)]
    assert [reasons(peer, "CANCEL") for peer in (one, two, three)] == [[ELSEWHERE], [], [ELSEWHERE]]
    assert two.names().count("INVITE") == 1
    assert [peer.stop().successful for peer in (one, two, three)] == [1, 1, 1]


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(lab: Lab) -> None:
    crossing = (invited(), answer(180), expect_request("CANCEL"), reply(200, "OK"), answer(200), acked(), byed())
    one, two = lab.buyer(*crossing), lab.buyer(*TALKS)
    switch = lab.switch(configuration(group(one, two)))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD)
    switch.until(lambda: "200 BYE" in one.names(), "the late answer to be hung up")
    switch.until(lambda: "ACK" in caller.names(), "the caller to be answered")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert legs(call) == [("elsewhere", None), ("connected", 200)]
    assert reasons(one, "BYE") == [ELSEWHERE]
    assert [peer.stop().successful for peer in (one, two)] == [1, 1]


def test_when_all_phones_refuse_the_next_buyer_is_rung(lab: Lab) -> None:
    one, two, other = lab.buyer(*refuses(486)), lab.buyer(*refuses(503)), lab.buyer(*TALKS)
    switch = lab.switch(configuration(group(one, two), target("second", other.address)))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD)
    switch.until(lambda: "ACK" in caller.names(), "the next buyer to be connected")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "busy", 486), ("second", "connected", 200)]
    assert legs(call) == [("busy", 486), ("failed", 503)]


def test_a_caller_who_gives_up_cancels_all_phones(lab: Lab) -> None:
    one, two = lab.buyer(*RINGS_IN_VAIN), lab.buyer(*RINGS_IN_VAIN)
    switch = lab.switch(configuration(group(one, two)))
    steps = (invite(), expect(100, optional=True), expect(180), held(), cancel())
    caller = lab.caller(switch, *steps)
    for peer in (one, two):
        switch.until(lambda peer=peer: "180 INVITE" in peer.names(), "both phones to ring")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], legs(call)) == ("abandoned", [("caller_gone", None), ("caller_gone", None)])
    assert [peer.stop().successful for peer in (one, two)] == [1, 1]


def test_after_a_crash_every_phone_is_told(lab: Lab) -> None:
    one, two = lab.buyer(*SURVIVES), lab.buyer(*SURVIVES)
    switch = lab.switch(configuration(group(one, two)))
    lab.caller(switch, invite(), provisional(), held())
    for peer in (one, two):
        switch.until(lambda peer=peer: "180 INVITE" in peer.names(), "both phones to ring")
    switch.kill()
    switch.restart()
    for peer in (one, two):
        switch.until(lambda peer=peer: "ACK" in peer.names(), "every phone to be told")
    assert [peer.stop().successful for peer in (one, two)] == [1, 1]
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "interrupted", None)]


def test_with_a_key_to_accept_a_voicemail_does_not_take_the_call_away(lab: Lab) -> None:
    whisper = codes(80, 200)
    voicemail, agent = lab.phone(), lab.phone()
    one = lab.buyer(invited(), answer(200), acked(), byed(), rtp_port=voicemail.port)
    two = lab.buyer(invited(), answer(180), held(), answer(200), acked(), byed(), rtp_port=agent.port)
    asked = group(one, two, press_to_accept="1", whisper_file="whisper.wav")
    switch = lab.switch(configuration(asked), {"whisper.wav": prompt(whisper)})
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD)
    switch.until(lambda: whisper in voicemail.heard(), "the voicemail to hear the whisper")
    two.go_on()
    agent.connect(switch, two)
    switch.until(lambda: whisper in agent.heard(), "the agent to hear the whisper")
    agent.press("1")
    switch.until(lambda: "200 BYE" in one.names(), "the voicemail to be hung up on")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert legs(call) == [("elsewhere", None), ("connected", 200)]
    assert reasons(one, "BYE") == [ELSEWHERE]


def test_keys_reach_an_extension_after_the_answer(lab: Lab) -> None:
    phone, caller_phone, said = lab.phone(), lab.phone(), codes(81, 200)
    buyer = lab.buyer(*TALKS, rtp_port=phone.port)
    switch: SwitchProcess = lab.switch(configuration(target("first", buyer.address, post_answer_digits="w12w*3#")))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    switch.until(lambda: phone.digits() == "12*3#", "the extension to be dialled")
    caller_phone.connect(switch, caller)
    caller_phone.say(said)
    switch.until(lambda: said in phone.heard(), "the two to be joined")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "connected", 200)]
