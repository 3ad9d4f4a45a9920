"""Keys pressed by RFC 4733 and by INFO decide where a call goes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, attempts, configuration, prompt, target
from tests.peer.phone import codes

from trunkline.testing.sipp_steps import ack, bye, byed, expect, held, info_digit, invite, provisional
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

MENU, ZIP, SORRY = codes(40, 200), codes(41, 2000), codes(42, 200)
FILES = {"menu.wav": prompt(MENU), "zip.wav": prompt(ZIP), "sorry.wav": prompt(SORRY)}
NODES: dict[str, Any] = {
    "start": {
        "menu": {
            "file": "menu.wav", "seconds": 5, "tries": 1,
            "choices": {"1": "zip", "2": "sorry"}, "otherwise": "bye",
        }
    },
    "zip": {
        "collect": {
            "file": "zip.wav", "digits": 5, "seconds": 5, "tries": 1, "into": "geo.zip",
            "next": "sell", "otherwise": "bye",
        }
    },
    "sorry": {"play": {"file": "sorry.wav"}, "next": "bye"},
    "bye": {"hang_up": {}},
    "sell": {"route": {}},
}  # fmt: skip
TEXAS = {"criteria": {"all": [{"attr": "geo.state", "in": ["TX"]}]}}
OREGON = {"criteria": {"all": [{"attr": "geo.state", "in": ["OR"]}]}}


def qualifying(lab: Lab, dial: str) -> SwitchProcess:
    """A switch that asks for a key and a ZIP code; the first buyer takes Texas, the second Oregon."""
    targets = target("texas", dial), target("oregon", dial)
    routes = {"texas": TEXAS, "oregon": OREGON}
    return lab.switch(configuration(*targets, nodes=NODES, target_routes=routes), FILES)


def test_keys_by_rfc_4733_qualify_a_caller(lab: Lab) -> None:
    phone, buyer = lab.phone(), lab.buyer(*TALKS)
    switch = qualifying(lab, buyer.address)
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=phone.port, callers=["+15125550100"])
    phone.connect(switch, caller)
    switch.until(lambda: MENU in phone.heard(), "the menu to be heard")
    phone.press("1")
    switch.until(lambda: ZIP[:1600] in phone.heard(), "the next question to be heard")
    for digit in "97201":
        phone.press(digit)
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to be connected")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("oregon", "connected", 200)], "the stated ZIP wins over the area code of Texas"
    assert call["attributes"]["geo.zip"] == {"value": "97201", "basis": "ivr"}
    assert call["attributes"]["geo.state"]["value"] == "OR"
    assert ZIP not in phone.heard(), "the first key stops the question"


def test_keys_by_info_qualify_a_caller(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = qualifying(lab, buyer.address)
    keys = [info_digit(digit, place + 2) for place, digit in enumerate("178701")]
    caller = lab.caller(
        switch, invite(), provisional(), expect(200), ack(), *keys, held(), bye(), callers=["+15035550100"]
    )
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to be connected")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("texas", "connected", 200)]
    assert call["attributes"]["geo.zip"]["value"] == "78701"


def test_a_caller_who_does_not_qualify_hears_so_and_is_not_sold(lab: Lab) -> None:
    phone = lab.phone()
    switch = qualifying(lab, "127.0.0.1:9")
    caller = lab.caller(
        switch, invite(), provisional(), expect(200), ack(), info_digit("2", 2), byed(), rtp_port=phone.port
    )
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["attempts"]) == ("ivr_ended", "system", [])
    assert SORRY in phone.heard()


def test_keys_of_the_caller_reach_a_connected_buyer(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    switch.until(lambda: "ACK" in buyer.names(), "the buyer to be connected")
    for digit in "42#":
        caller_phone.press(digit)
        caller_phone.say(codes(43, 60))
    switch.until(lambda: buyer_phone.digits() == "42#", "the buyer to get the keys")
    caller.go_on()
    caller.succeed()
