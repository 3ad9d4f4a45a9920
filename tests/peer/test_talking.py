"""What happens while two parties talk: keys by INFO, hold music, pauses of the recording, the longest call."""

from __future__ import annotations

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, configuration, prompt, target
from tests.peer.phone import Phone, codes
from tests.peer.test_audio import stereo, types

from trunkline.codec.g711 import Law, decode, encode
from trunkline.codec.tones import key as tone_of_key
from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    buyer_info_digit,
    buyer_reinvite,
    bye,
    byed,
    expect,
    held,
    info_digit,
    invite,
    invited,
    provisional,
    sdp,
)
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

ANNOUNCEMENT = codes(90, 200)
FILES = {"announce.wav": prompt(ANNOUNCEMENT)}
RECORDED = {"mode": "from_connect", "announce_file": "announce.wav"}
NO_EVENTS = sdp(payloads="0")


def bye_reasons(peer: Sipp) -> list[str]:
    """The Reason headers of the BYEs that the peer got."""
    return [message.header("Reason") for message in peer.messages() if not message.sent and message.name == "BYE"]


def test_keys_by_info_reach_the_other_party_as_events_both_ways(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    keys = (buyer_info_digit("7", 1), buyer_info_digit("#", 2))
    buyer = lab.buyer(invited(), answer(200), acked(), held(), *keys, byed(), rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    steps = (invite(), provisional(), expect(200), ack(), info_digit("4", 2), info_digit("2", 3), held(), bye())
    caller = lab.caller(switch, *steps, rtp_port=caller_phone.port)
    switch.until(lambda: buyer_phone.digits() == "42", "the buyer to get the caller's keys")
    buyer.go_on()
    switch.until(lambda: caller_phone.digits() == "7#", "the caller to get the buyer's keys")
    caller.go_on()
    caller.succeed()
    switch.ended_calls(1)
    assert (caller_phone.digits(), buyer_phone.digits()) == ("7#", "42"), "each key once"


def test_a_party_that_takes_no_events_hears_the_tones(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    answered = (invited(), answer(200, NO_EVENTS), acked(), byed())
    buyer = lab.buyer(*answered, rtp_port=buyer_phone.port)
    switch = lab.switch(configuration(target("first", buyer.address)))
    steps = (invite(), provisional(), expect(200), ack(), info_digit("4", 2), held(), bye())
    caller = lab.caller(switch, *steps, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    four, five = (encode(Law.PCMU, tone_of_key(digit, 100)) for digit in "45")
    switch.until(lambda: four in buyer_phone.heard(), "the tone of a key by INFO")
    caller_phone.press("5")
    switch.until(lambda: five in buyer_phone.heard(), "the tone of a key by RFC 4733")
    assert buyer_phone.digits() == ""
    caller.go_on()
    caller.succeed()
    switch.ended_calls(1)


def test_a_caller_who_is_held_hears_the_campaigns_music_in_a_loop(lab: Lab) -> None:
    music = codes(91, 240)
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    steps = (invited(), answer(200), acked(), held(), buyer_reinvite("sendonly", 1), held())
    buyer = lab.buyer(*steps, buyer_reinvite("sendrecv", 2), byed(), rtp_port=buyer_phone.port)
    campaign = {"hold_music": {"file": "music.wav"}, "recording": RECORDED}
    switch = lab.switch(
        configuration(target("first", buyer.address), campaign=campaign), {**FILES, "music.wav": prompt(music)}
    )
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)
    switch.until(lambda: "RecordingStarted" in types(switch), "the recording to begin")
    before, during, after = codes(92, 200), codes(93, 200), codes(94, 200)
    buyer_phone.say(before)
    switch.until(lambda: before in caller_phone.heard(), "the caller to hear the buyer")
    buyer.go_on()
    switch.until(lambda: music * 3 in caller_phone.heard(), "the music three times without a gap")
    buyer_phone.say(during)
    buyer_phone.until_said()
    buyer.go_on()
    switch.until(lambda: buyer.names().count("200 INVITE") == 3, "the resumption to be answered")
    buyer_phone.say(after)
    switch.until(lambda: after in caller_phone.heard(), "the caller to hear the buyer again")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    heard = caller_phone.heard()
    assert during[:160] not in heard, "music in place of what the holding side sends"
    assert music[:160] not in heard[heard.index(after) :]
    assert music[:160] not in buyer_phone.heard()
    assert buyer.stop().successful == 1
    _, right = stereo(switch.data / call["recording"])
    apart = right.index(decode(Law.PCMU, after)) - right.index(decode(Law.PCMU, before))
    assert apart > 2 * len(before + music * 3), "the file keeps its time while the buyer holds"


def talk(switch: SwitchProcess, speaker: Phone, listener: Phone, seed: int) -> bytes:
    """Half a second of speech that the other party hears."""
    said = codes(seed, 500)
    speaker.say(said)
    switch.until(lambda: said in listener.heard(), "what is said to be heard")
    return said


def test_a_buyer_pauses_the_recording_by_keys_that_are_not_heard_in_it(lab: Lab) -> None:
    caller_phone, buyer_phone = lab.phone(), lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=buyer_phone.port)
    rule = {"recording": {**RECORDED, "pause_keys": "*1"}}
    switch = lab.switch(configuration(target("first", buyer.address), campaign=rule), FILES)
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=caller_phone.port)
    caller_phone.connect(switch, caller)
    buyer_phone.connect(switch, buyer)
    switch.until(lambda: "RecordingStarted" in types(switch), "the recording to begin")
    before = talk(switch, caller_phone, buyer_phone, 95)
    for kind in ("RecordingPaused", "RecordingResumed"):
        buyer_phone.press("*")
        buyer_phone.press("1")
        switch.until(lambda kind=kind: kind in types(switch), "the keys to be understood")
        if kind == "RecordingPaused":
            card = talk(switch, caller_phone, buyer_phone, 96)
            number = talk(switch, buyer_phone, caller_phone, 97)
    after = talk(switch, caller_phone, buyer_phone, 98)
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    left, right = stereo(switch.data / call["recording"])
    first, last = left.index(decode(Law.PCMU, before)), left.index(decode(Law.PCMU, after))
    assert last - first > 2 * 8000 * 1.5, "the file keeps its time"
    for secret in (card, number):
        for start in range(0, len(secret), 160):
            assert decode(Law.PCMU, secret[start : start + 160]) not in left + right
    assert not any(right), "nothing of keys sent as events is in the file"


def test_a_sensitive_answer_is_in_no_file(lab: Lab) -> None:
    question, phone = codes(99, 200), lab.phone()
    card = "4929517"
    nodes = {
        "start": {"play": {"file": "hello.wav"}, "next": "card"},
        "card": {
            "collect": {
                "file": "card.wav", "digits": 7, "seconds": 9, "tries": 1, "sensitive": True,
                "next": "sell", "otherwise": "sell",
            }
        },
        "sell": {"route": {}},
    }  # fmt: skip
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(
        configuration(
            target("first", buyer.address), nodes=nodes, campaign={"recording": {**RECORDED, "mode": "from_answer"}}
        ),
        {**FILES, "card.wav": prompt(question), "hello.wav": prompt(codes(100, 600))},
    )
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=phone.port)
    phone.connect(switch, caller)
    switch.until(lambda: question in phone.heard(), "the question to be heard")
    secret = codes(101, 400)
    phone.say(secret)
    for digit in card:
        phone.press(digit)
    switch.until(lambda: "ACK" in buyer.names() and "ACK" in caller.names(), "the buyer to be connected")
    caller.go_on()
    caller.succeed()
    (call,) = switch.ended_calls(1)
    left, _ = stereo(switch.data / call["recording"])
    assert len(left) > 2 * 8000
    for start in range(0, len(secret), 160):
        assert decode(Law.PCMU, secret[start : start + 160]) not in left
    assert ("RecordingPaused" in types(switch), "RecordingResumed" in types(switch)) == (True, True)
    files = [path for path in switch.folder.rglob("*") if path.is_file()]
    assert any(path.name == "journal.db" for path in files)
    assert not [path.name for path in files if card.encode() in path.read_bytes()]


def test_the_longest_call_is_ended_with_a_reason(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address, max_duration_seconds=1)))
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed())
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["ended_reason"]) == ("sold", "system", "max_duration")
    assert call["duration_ms"] == 1_000, "a late loop makes it no longer"
    assert buyer.stop().successful == 1
    reason = 'Q.850;cause=102;text="Longest call reached"'
    assert bye_reasons(caller) == bye_reasons(buyer) == [reason]
