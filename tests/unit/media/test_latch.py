"""Who may speak and be heard on a leg: the SDP's host, from whatever port it first speaks, and nobody else."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.unit.media.rig import HOST, Rig, frame, media

from trunkline.codec.rtp import RtpPacket, pack, parse
from trunkline.media.embedded.latch import SETTLE_S
from trunkline.media.embedded.leg import KEYS_AT_ONCE, KEYS_PER_S
from trunkline.media.port import Closed, DeadMedia, Digit, LegStats

pytestmark = pytest.mark.unit


def stats(rig: Rig, leg: str) -> LegStats:
    rig.engine.close_leg(leg)
    return next(e.stats for e in rig.events if isinstance(e, Closed) and e.leg == leg)


def stranger(host: str = HOST) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    return sock


def speak(sock: socket.socket, port: int, value: int, ssrc: int = 5) -> None:
    sock.sendto(pack(RtpPacket(0, value, value * 160, ssrc, frame(value))), (HOST, port))


def test_first_to_the_sdp_address_then_where_it_came_from(tmp_path: Path) -> None:
    with media(tmp_path) as rig, stranger() as natted:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(b, frame(1))
        assert [p.payload[0] for p in a.received()] == [1]
        speak(natted, a.target, 2)
        rig.work()
        rig.say(b, frame(3))
        assert a.received() == []
        assert parse(natted.recv(2048)).payload == frame(3)
        assert [p.payload[0] for p in b.received()] == [2]


def test_the_latch_closes_once_until_the_next_connect(tmp_path: Path) -> None:
    with media(tmp_path) as rig, stranger() as other:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        speak(other, a.target, 2)
        rig.work()
        assert [p.payload[0] for p in b.received()] == [1]
        rig.connect("a", a)
        speak(other, a.target, 3)
        rig.work()
        assert [p.payload[0] for p in b.received()] == [3]
        assert stats(rig, "a").foreign == 1


def test_a_party_that_moves_is_not_kept_at_its_old_port(tmp_path: Path) -> None:
    with media(tmp_path) as rig, stranger() as old:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.connect("a", a)
        speak(old, a.target, 1)
        rig.work()
        rig.say(a, frame(2))
        speak(old, a.target, 3)
        rig.work()
        assert [p.payload[0] for p in b.received()] == [1, 2]
        rig.say(b, frame(4))
        assert [p.payload[0] for p in a.received()] == [4]
        assert stats(rig, "a").foreign == 1


def test_the_stated_address_settles_the_latch_only_at_the_beginning(tmp_path: Path) -> None:
    with media(tmp_path) as rig, stranger() as natted:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        speak(natted, a.target, 1)
        rig.work()
        rig.advance(SETTLE_S + 1)
        rig.say(a, frame(2))
        assert [p.payload[0] for p in b.received()] == [1]
        rig.connect("a", a)
        rig.say(a, frame(3))
        assert [p.payload[0] for p in b.received()] == [3]
        assert stats(rig, "a").foreign == 1


def test_a_second_stream_from_the_same_address_is_not_heard(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        for n in range(20):
            a.send(frame(1))
            speak(a.rtp, a.target, 100 + n, ssrc=99)
            rig.work()
            rig.advance(0.02)
        assert [p.payload[0] for p in b.received()] == [1] * 20
        counted = stats(rig, "a")
        assert (counted.other_stream, counted.lost, counted.packets_in) == (20, 0, 20)


def test_a_stream_that_takes_over_is_heard_with_its_third_packet(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1), frame(2))
        a.ssrc += 1
        rig.say(a, frame(3), frame(4), frame(5), frame(6))
        assert [p.payload[0] for p in b.received()] == [1, 2, 5, 6]
        assert stats(rig, "a").other_stream == 2


def test_a_stream_that_follows_a_pause_is_heard_at_once(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        rig.advance(0.2)
        a.ssrc += 1
        rig.say(a, frame(2))
        assert [p.payload[0] for p in b.received()] == [1, 2]


def test_keys_are_taken_no_faster_than_anybody_could_press(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        for n in range(100):
            a.press(n % 10, kept=(4,))
            rig.work()
        assert len(rig.of(Digit)) == KEYS_AT_ONCE
        rig.advance(1.0)
        for n in range(100):
            a.press(n % 10, kept=(4,))
            rig.work()
        assert len(rig.of(Digit)) == KEYS_AT_ONCE + KEYS_PER_S
        assert stats(rig, "a").keys_dropped == 200 - KEYS_AT_ONCE - KEYS_PER_S


def test_other_hosts_are_ignored_and_counted(tmp_path: Path) -> None:
    with media(tmp_path) as rig, stranger("127.0.0.2") as attacker:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        speak(attacker, a.target, 1)
        rig.work()
        rig.say(b, frame(2))
        with pytest.raises(BlockingIOError):
            attacker.recv(1)
        rig.say(a, frame(3))
        speak(attacker, a.target, 4)
        rig.work()
        assert [p.payload[0] for p in b.received()] == [3]
        assert [p.payload[0] for p in a.received()] == [2]
        assert stats(rig, "a").foreign == 2


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x80", bytes(200), b"\x80\x00" + bytes(10), b"\x8f" + bytes(30), b"\x80\x12" + bytes(170), bytes(2000)],
)
def test_garbage_never_latches_and_never_harms(tmp_path: Path, garbage: bytes) -> None:
    with media(tmp_path) as rig, stranger() as other:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        other.sendto(garbage, (HOST, a.target))
        rig.work()
        rig.say(a, frame(1))
        assert [p.payload[0] for p in b.received()] == [1]
        counted = stats(rig, "a")
        assert (counted.invalid, counted.packets_in) == (1, 1)


def test_before_the_answer_nobody_is_heard(tmp_path: Path) -> None:
    with media(tmp_path) as rig, stranger() as other:
        port = rig.pairs[0].port
        rig.engine.open("early", port)
        speak(other, port, 1)
        rig.work()
        assert stats(rig, "early").foreign == 1


def test_a_port_lent_anew_knows_nothing_of_the_call_before(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.close_leg("a")
        a.send(frame(1))
        rig.engine.open("next", a.target)
        rig.connect("next", a)
        rig.work()
        assert stats(rig, "next").packets_in == 0


def test_a_broken_handler_does_not_end_the_loop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")

        def broken(*ignored: object) -> None:
            raise ZeroDivisionError("a bug")

        rig.engine.legs["a"].channels = (type("Broken", (), {"put": broken, "recording": None})(),)
        rig.say(a, frame(1), frame(2))
        rig.engine.legs["a"].channels = ()
        rig.say(a, frame(3))
        assert [p.payload[0] for p in b.received()] == [1, 2, 3]
        assert rig.engine.troubles["ZeroDivisionError"] == 2
        assert len(caplog.records) == 1, "logged once, counted always"


def test_dead_media_is_reported_once_and_again_after_a_sign_of_life(tmp_path: Path) -> None:
    with media(tmp_path, silent_ms_max=60_000) as rig:
        a = rig.leg("a")
        rig.advance(59)
        assert rig.of(DeadMedia) == []
        rig.advance(2)
        [event] = rig.of(DeadMedia)
        assert isinstance(event, DeadMedia)
        assert 60_000 <= event.silent_ms <= 60_250
        rig.advance(100)
        assert len(rig.of(DeadMedia)) == 1
        rig.say(a, frame(1))
        rig.advance(61)
        assert len(rig.of(DeadMedia)) == 2


def test_a_party_on_hold_may_be_silent(tmp_path: Path) -> None:
    with media(tmp_path, silent_ms_max=60_000) as rig:
        a = rig.leg("a", direction="sendonly")
        rig.advance(600)
        assert rig.of(DeadMedia) == []
        rig.connect("a", a)
        rig.advance(59)
        assert rig.of(DeadMedia) == []
        rig.advance(2)
        assert len(rig.of(DeadMedia)) == 1
