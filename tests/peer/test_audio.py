"""What is heard, to the sample: the parties by each other and in the recording, prompts by those they are for."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, attempts, calls_and_hangs_up, configuration, prompt, target
from tests.peer.phone import codes

from trunkline.codec.g711 import Law, decode, encode
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    buyer_info_digit,
    bye,
    byed,
    expect,
    hang_up,
    held,
    invite,
    invited,
    pause,
    provisional,
    sdp,
)
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

ANNOUNCEMENT, WHISPER, GREETING = codes(1, 300), codes(2, 400), codes(3, 500)
FILES = {"announce.wav": prompt(ANNOUNCEMENT), "whisper.wav": prompt(WHISPER), "greeting.wav": prompt(GREETING)}
RECORDED = {"recording": {"mode": "from_connect", "announce_file": "announce.wav"}}


def stereo(path: Path) -> tuple[bytes, bytes]:
    """The left and the right channel of a recording as 16-bit PCM."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        frames = file.readframes(file.getnframes())
    return (
        b"".join(frames[at : at + 2] for at in range(0, len(frames), 4)),
        b"".join(frames[at + 2 : at + 4] for at in range(0, len(frames), 4)),
    )


def types(switch: SwitchProcess) -> list[str]:
    """The types of all events of the journal."""
    return [type(event).__name__ for event in switch.journal_events()]


def test_ulaw_reaches_the_other_party_and_the_recording_bit_for_bit(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address), campaign=RECORDED), FILES)
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)
    switch.until(lambda: "RecordingStarted" in types(switch), "the recording to begin")
    said, answered = codes(10, 1500), codes(11, 1500)
    caller_phone.say(said)
    buyer_phone.say(answered)
    switch.until(lambda: said[-160:] in buyer_phone.heard(), "the buyer to hear all")
    switch.until(lambda: answered[-160:] in caller_phone.heard(), "the caller to hear all")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert said in buyer_phone.heard()
    assert answered in caller_phone.heard()
    left, right = stereo(switch.data / call["recording"])
    assert decode(Law.PCMU, said) in left
    assert decode(Law.PCMU, answered) in right
    assert decode(Law.PCMU, answered[:160]) not in left
    assert decode(Law.PCMU, said[:160]) not in right
    apart = left.index(decode(Law.PCMU, said)) - right.index(decode(Law.PCMU, answered))
    assert abs(apart) < 2 * 8000 // 4, "the channels stand where they were spoken, within a quarter of a second"


def test_alaw_and_ulaw_are_transcoded_sample_by_sample(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(payload_type=8, silence=b"\xd5" * 160), lab.phone()
    only_ulaw = answer(200, sdp(payloads="0 101"))
    buyer = lab.buyer(invited(), answer(180), only_ulaw, acked(), byed(), rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)), FILES)
    steps = (invite(sdp(payloads="8 101")), provisional(), expect(200), ack(), held(), bye())
    caller = lab.caller(switch, *steps, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)
    said, answered = codes(20, 1000), codes(21, 1000)
    caller_phone.say(said)
    buyer_phone.say(answered)
    as_ulaw, as_alaw = encode(Law.PCMU, decode(Law.PCMA, said)), encode(Law.PCMA, decode(Law.PCMU, answered))
    switch.until(lambda: as_ulaw in buyer_phone.heard(), "the buyer to hear the caller in its law")
    switch.until(lambda: as_alaw in caller_phone.heard(), "the caller to hear the buyer in its law")
    caller.go_on()
    caller.succeed()
    switch.ended_calls(1)


def test_whisper_and_announcement_are_heard_in_order_and_by_whom_they_are_for(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    switch = lab.switch(
        configuration(
            target("first", buyer.address, whisper_file="whisper.wav"),
            campaign=RECORDED,
            nodes={"start": {"play": {"file": "greeting.wav"}, "next": "sell"}, "sell": {"route": {}}},
        ),
        FILES,
    )
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)
    early = codes(30, 300)
    caller_phone.say(early)
    caller_phone.until_said()
    switch.until(lambda: "RecordingStarted" in types(switch), "the recording to begin")
    said = codes(31, 600)
    caller_phone.say(said)
    switch.until(lambda: said[-160:] in buyer_phone.heard(), "the buyer to hear all")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    to_caller, to_buyer = caller_phone.heard(), buyer_phone.heard()
    assert to_caller.index(ANNOUNCEMENT) < to_caller.index(GREETING), "nothing is said before the announcement"
    assert to_buyer.index(WHISPER) < to_buyer.index(ANNOUNCEMENT) < to_buyer.index(said)
    assert WHISPER[:160] not in to_caller
    assert GREETING[:160] not in to_buyer
    left, _ = stereo(switch.data / call["recording"])
    assert decode(Law.PCMU, said) in left
    assert decode(Law.PCMU, early[:160]) not in left, "what was said before the announcement is not kept"
    for played in (WHISPER, GREETING, ANNOUNCEMENT):
        assert decode(Law.PCMU, played[:160]) not in left, "prompts are not recorded"


def test_a_buyer_presses_1_and_takes_the_call(lab: Lab) -> None:
    buyer_phone = lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    switch = lab.switch(
        configuration(target("first", buyer.address, press_to_accept="1", whisper_file="whisper.wav")), FILES
    )
    caller = lab.caller(switch, *calls_and_hangs_up(300))
    buyer_phone.connect(switch, buyer)
    switch.until(lambda: WHISPER[:320] in buyer_phone.heard(), "the whisper to be heard")
    assert "200 INVITE" not in caller.names(), "the caller is not answered before the key"
    assert "AttemptConnected" not in types(switch)
    buyer_phone.press("1")
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "connected", 200)]


@pytest.mark.parametrize("how", ["other key", "no key", "hangs up"])
def test_a_buyer_that_does_not_press_1_is_followed_by_the_next(lab: Lab, how: str) -> None:
    steps: dict[str, tuple[str, ...]] = {
        "other key": (buyer_info_digit("2", 1), byed()),
        "no key": (byed(),),
        "hangs up": (pause(100), hang_up()),
    }
    reason = {"other key": "other_key", "no key": "no_key", "hangs up": "hung_up"}[how]
    unwilling = lab.buyer(invited(), answer(180), answer(200), acked(), *steps[how])
    free = lab.buyer(*TALKS)
    pressing = target("unwilling", unwilling.address, press_to_accept="1", press_seconds=1, whisper_file="whisper.wav")
    switch = lab.switch(configuration(pressing, target("free", free.address)), FILES)
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    (call,) = switch.ended_calls(1)
    assert [(each["target"], each["outcome"], each["reason"]) for each in call["attempts"]] == [
        ("unwilling", "not_accepted", reason),
        ("free", "connected", None),
    ]
    assert call["revenue"] == "20.00", "only the one who took it owes"
    assert unwilling.stop().successful == 1
