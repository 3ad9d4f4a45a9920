"""baresip, which shares no code with sipp or with us, calls and is called, and its audio is compared."""

from __future__ import annotations

import pytest
from tests.peer.baresip import Baresip
from tests.peer.lab import NUMBER, TALKS, TALKS_UNTIL_TOLD, Lab, attempts, configuration, target
from tests.peer.phone import Phone, codes

from trunkline.codec.g711 import Law, decode
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer


ENCRYPTED = "SRTP is Enabled"
BUYERS_NUMBER = "+12125550123"
SPOKEN_BY_BARESIP, SPOKEN_TO_BARESIP = codes(70, 3_000), codes(71, 1_000)


def both_are_heard(switch: SwitchProcess, phone: Phone, softphone: Baresip) -> None:
    """Hear baresip through the switch, then speak to it: half a second of the very samples, each way."""
    switch.until(lambda: SPOKEN_BY_BARESIP[8_000:12_000] in phone.heard(), f"baresip to be heard: {softphone.said()}")
    phone.say(SPOKEN_TO_BARESIP)
    wanted = decode(Law.PCMU, SPOKEN_TO_BARESIP[2_000:6_000])
    switch.until(lambda: wanted in softphone.heard(), "baresip to hear what is said to it")


def test_baresip_calls_a_buyer_and_each_hears_the_other(lab: Lab) -> None:
    phone = lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    with Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP, dial=f"sip:{NUMBER}@{switch.sip}") as softphone:
        switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
        phone.connect(switch, buyer)
        both_are_heard(switch, phone, softphone)
        softphone.stop()
        (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    assert attempts(call) == [("first", "connected", 200)]
    assert buyer.stop().successful == 1


def test_baresip_is_called_as_a_buyer_and_each_hears_the_other(lab: Lab) -> None:
    phone = lab.phone()
    with Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP) as softphone:
        switch = lab.switch(configuration(target("softphone", softphone.address)))
        caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=phone.port)
        phone.connect(switch, caller)
        both_are_heard(switch, phone, softphone)
        caller.go_on()
        caller.succeed()
        (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    assert attempts(call) == [("softphone", "connected", 200)]


@pytest.mark.parametrize(
    ("ours", "theirs"), [("required", "srtp-mand"), ("optional", "srtp"), ("optional", "srtp-mand")]
)
def test_baresip_calls_with_srtp_and_each_hears_the_other(lab: Lab, ours: str, theirs: str) -> None:
    phone = lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=phone.port)
    trunk = {"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US", "srtp": ours}
    switch = lab.switch(configuration(target("first", buyer.address), trunks=[trunk]))
    dialled = f"sip:{NUMBER}@{switch.sip}"
    with Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP, dial=dialled, encrypts=theirs) as softphone:
        switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
        phone.connect(switch, buyer)
        both_are_heard(switch, phone, softphone)
        assert ENCRYPTED in softphone.said(), softphone.said()
        softphone.stop()
        (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")


@pytest.mark.parametrize(("ours", "theirs"), [("required", "srtp-mand"), ("optional", "srtp")])
def test_baresip_is_called_with_srtp_as_a_buyer(lab: Lab, ours: str, theirs: str) -> None:
    phone = lab.phone()
    softphone = Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP, user=BUYERS_NUMBER, encrypts=theirs)
    with softphone:
        trunks = [
            {"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US"},
            {
                "key": "secure",
                "default_country": "US",
                "outbound": {"proxy": f"sip:127.0.0.1:{softphone.port}", "srtp": ours},
            },
        ]
        desk = {"key": "softphone", "buyer": "softphone", "dial": BUYERS_NUMBER, "trunk": "secure"}
        switch = lab.switch(configuration(desk, trunks=trunks))
        caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=phone.port)
        phone.connect(switch, caller)
        both_are_heard(switch, phone, softphone)
        assert ENCRYPTED in softphone.said(), softphone.said()
        caller.go_on()
        caller.succeed()
        (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    assert attempts(call) == [("softphone", "connected", 200)]


def test_a_phone_that_insists_on_srtp_is_refused_where_it_is_off(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    dialled = f"sip:{NUMBER}@{switch.sip}"
    with Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP, dial=dialled, encrypts="srtp-mand") as softphone:
        switch.until(lambda: "488" in softphone.said(), "the refusal")
    assert not buyer.names()
