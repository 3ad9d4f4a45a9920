"""Hostile RTP, RTCP and keys while a call is bridged: its parties hear each other bit for bit, and nobody else."""

from __future__ import annotations

import socket
import time

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import HOST, GoodCall, Peer, Voice, answers, configuration, sdp

from trunkline.codec.dtmf import Event, pack_event
from trunkline.codec.rtp import RtpPacket, pack
from trunkline.testing.hostile import Aim, Hostile

pytestmark = pytest.mark.integration

ROUNDS = 200
PER_ROUND = 12
"""Datagrams to each port between two pauses: they and the call's own should fit into a socket's buffer."""
PAUSE_S = 0.005
KEYS = 2_000


def junk() -> Hostile:
    return Hostile(3, Aim("", HOST, 9))


def test_strange_ports_neither_are_heard_nor_hear(site: Site) -> None:
    good = site.good_call()
    hostile = junk()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        for _ in range(ROUNDS):
            for port in good.ports:
                for draw in range(PER_ROUND):
                    stranger.sendto(hostile.plausible_rtp() if draw % 2 else hostile.rtp(), (HOST, port))
                    stranger.sendto(hostile.rtcp(), (HOST, port + 1))
            time.sleep(PAUSE_S)
        good.check()
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
    good.hang_up()


def test_what_is_no_audio_is_thrown_away_even_from_the_party_itself(site: Site) -> None:
    good = site.good_call()
    hostile = junk()
    for _ in range(ROUNDS):
        for voice in good.voices:
            for _ in range(PER_ROUND // 4):
                voice.send(hostile.rtp())
        time.sleep(PAUSE_S)
    good.check()
    good.hang_up()


def test_a_flood_of_keys_by_rtp_does_not_stop_the_call(site: Site) -> None:
    good = site.good_call()
    caller = good.voices[0]
    for key in range(KEYS):
        event = pack_event(Event(key % 16, True, 800))
        caller.send(pack(RtpPacket(101, key & 0xFFFF, 1_000_000 + key * 800, caller.port, event, True)))
        if key % PER_ROUND == 0:
            time.sleep(PAUSE_S)
    good.talk(10)
    assert all(voice.foreign <= KEYS for voice in good.voices), "keys are relayed, and nothing else"
    other = good.call.peer.call(good.switch)
    other.connect()
    other.hang_up()
    good.hang_up()


def test_a_flood_of_info_is_answered_and_the_call_goes_on(site: Site) -> None:
    """What is no key changes nothing. Keys are passed on, so the buyer hears some, and then the caller again."""
    good = site.good_call()
    nonsense = [b"Signal=", b"\0" * 2_000, b"Signal=" + b"9" * 50_000, b""]
    flood_with_info(good, nonsense)
    good.check()
    flood_with_info(good, [b"Signal=1\r\nDuration=100\r\n", b"5"])
    good.talk(10)
    good.hang_up()


def flood_with_info(good: GoodCall, bodies: list[bytes]) -> None:
    """INFO after INFO, each answered."""
    call = good.call
    for number in range(KEYS // 2):
        call.sequence += 1
        kind = ("application/dtmf-relay", "application/dtmf", "text/plain")[number % 3]
        call.send("INFO", body=bodies[number % len(bodies)], headers=[f"Content-Type: {kind}"])
        if number % PER_ROUND == 0:
            call.final(call.sequence, "INFO")
            call.peer.inbox.clear()
    call.final(call.sequence, "INFO")


def test_a_flood_of_keys_is_cut_to_what_could_be_pressed_and_the_menu_goes_on(site: Site) -> None:
    buyer = site.peer(answers())
    nodes = {
        "start": {
            "menu": {"say": "Press 1.", "tries": 3, "seconds": 2, "choices": {"1": "sell"}, "otherwise": "start"}
        },
        "sell": {"route": {}},
    }
    switch = site.switch(configuration(buyer.target("good"), nodes=nodes))
    voice = site.stack.enter_context(Voice("caller", of="nobody"))
    caller = site.caller()
    call = caller.call(switch, body=sdp(voice.port))
    voice.connect(call.connect().audio_port)
    for key in range(KEYS):
        event = pack_event(Event(9, True, 800))
        voice.send(pack(RtpPacket(101, key & 0xFFFF, 1_000_000 + key * 800, voice.port, event, True)))
        if key % PER_ROUND == 0:
            time.sleep(PAUSE_S)
    call.hang_up()
    (found,) = switch.ended_calls(1)
    assert (found["outcome"], found["ended_by"]) == ("abandoned", "caller"), found
    assert not found["attempts"]


def test_a_party_that_moves_its_audio_is_followed_and_its_old_port_is_not(site: Site) -> None:
    good: GoodCall = site.good_call()
    moved = site.stack.enter_context(Voice("moved", of="buyer"))
    answer = good.call.next("INVITE", body=sdp(moved.port))
    assert answer.status == 200
    good.call.send("ACK", sequence=good.call.sequence)
    moved.connect(answer.audio_port)
    good.switch.until(lambda: len(moved.heard) > 20, "audio at the new place")
    good.hang_up()


def test_a_party_may_move_its_audio_in_the_answer_to_our_offer(site: Site) -> None:
    good: GoodCall = site.good_call()
    moved = site.stack.enter_context(Voice("moved", of="buyer"))
    answer = good.call.next("INVITE")
    assert answer.status == 200
    good.call.send("ACK", sequence=good.call.sequence, body=sdp(moved.port))
    moved.connect(answer.audio_port)
    good.switch.until(lambda: len(moved.heard) > 20, "audio at the new place")
    good.hang_up()


def test_a_caller_who_never_says_where_its_audio_is_gets_no_call(site: Site) -> None:
    buyer: Peer = site.peer(answers())
    switch = site.switch(configuration(buyer.target("good")))
    caller = site.caller()
    call = caller.call(switch, body=b"")
    assert call.connect().audio_port
    caller.wait(lambda m: m.method == "BYE", "BYE to a caller without audio")
    buyer.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the buyer")
    switch.ended_calls(1)
