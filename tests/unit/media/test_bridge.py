"""Two legs joined: what one party says the other hears, bit for bit, as one unbroken stream."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from tests.unit.media.rig import FRAME, Rig, frame, media

from trunkline.codec.g711 import TRANSCODE, Law
from trunkline.codec.rtp import RtpPacket, pack, sequence_distance, timestamp_distance
from trunkline.media.port import Digit

pytestmark = pytest.mark.unit


def unbroken(packets: list[RtpPacket]) -> bool:
    """One SSRC, sequence by ones, timestamps only forward."""
    pairs = list(pairwise(packets))
    return (
        len({packet.ssrc for packet in packets}) == 1
        and all(sequence_distance(b.sequence, a.sequence) == 1 for a, b in pairs)
        and all(timestamp_distance(b.timestamp, a.timestamp) >= FRAME for a, b in pairs)
    )


def test_both_directions_are_identical(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        said_a = [bytes((n + i) & 0xFF for i in range(FRAME)) for n in range(256)]
        said_b = [payload[::-1] for payload in said_a]
        for mine, yours in zip(said_a, said_b, strict=True):
            a.send(mine)
            b.send(yours)
            rig.work()
            rig.advance(0.02)
        heard_a, heard_b = a.received(), b.received()
        assert [p.payload for p in heard_b] == said_a
        assert [p.payload for p in heard_a] == said_b
        assert unbroken(heard_a)
        assert unbroken(heard_b)
        assert heard_b[0].ssrc != a.ssrc, "the stream to a party is our own"
        assert [p.marker for p in heard_b] == [True] + [False] * 255


@pytest.mark.parametrize(("codec_a", "codec_b"), [("PCMU", "PCMA"), ("PCMA", "PCMU"), ("PCMA", "PCMA")])
def test_laws_are_turned_into_each_other(tmp_path: Path, codec_a: str, codec_b: str) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a", codec_a), rig.leg("b", codec_b)  # type: ignore[arg-type]
        rig.bridge("a", "b")
        every_code = bytes(range(256))[:FRAME]
        other_codes = bytes(range(96, 256))
        rig.say(a, every_code, other_codes, payload_type=0 if codec_a == "PCMU" else 8)
        table = TRANSCODE[Law(codec_a), Law(codec_b)]
        heard = b.received()
        assert [p.payload for p in heard] == [every_code.translate(table), other_codes.translate(table)]
        assert {p.payload_type for p in heard} == {0 if codec_b == "PCMU" else 8}


def test_loss_and_order_are_passed_on_as_they_are(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        order = [0, 1, 2, 5, 4, 6, 9, 8, 8]
        for n in order:
            a.send_raw(pack(RtpPacket(0, (65533 + n) & 0xFFFF, n * FRAME, 77, frame(n))))
            rig.work()
        heard = b.received()
        assert [p.payload[0] for p in heard] == order
        assert [sequence_distance(p.sequence, heard[0].sequence) for p in heard] == order
        assert [timestamp_distance(p.timestamp, heard[0].timestamp) for p in heard] == [n * FRAME for n in order]


def test_packets_from_before_the_bridge_do_not_collide(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        for n in (10, 8, 11, 9):
            a.send_raw(pack(RtpPacket(0, n, n * FRAME, 77, frame(n))))
            rig.work()
        heard = b.received()
        assert [p.payload[0] for p in heard] == [10, 11]
        assert unbroken(heard)


def test_a_new_source_goes_on_in_the_same_stream(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1), frame(2))
        rig.advance(0.1)
        a.ssrc, a.sequence, a.timestamp = 4711, 9, 2**32 - 80
        rig.say(a, frame(3), frame(4))
        heard = b.received()
        assert [p.payload[0] for p in heard] == [1, 2, 3, 4]
        assert unbroken(heard)
        assert [p.marker for p in heard] == [True, False, True, False]


def test_a_second_buyer_after_the_first(tmp_path: Path) -> None:
    """Waterfall: the caller is bridged to one leg, then to another, and hears one stream."""
    with media(tmp_path) as rig:
        caller, first, second = rig.leg("caller"), rig.leg("first"), rig.leg("second")
        rig.bridge("caller", "first")
        rig.say(first, frame(1))
        rig.bridge("caller", "second")
        rig.say(first, frame(2))
        rig.say(second, frame(3))
        rig.say(caller, frame(9))
        heard = caller.received()
        assert [p.payload[0] for p in heard] == [1, 3]
        assert timestamp_distance(heard[1].timestamp, heard[0].timestamp) == 2 * FRAME, "40 ms lie between them"
        assert first.received() == []
        assert [p.payload[0] for p in second.received()] == [9]


def test_unbridge_and_close_part_them(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.engine.legs["a"].part()
        rig.say(a, frame(1))
        rig.bridge("a", "b")
        rig.engine.close_leg("b")
        rig.say(a, frame(2))
        assert b.received() == []


def test_digits_are_relayed_and_reported(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a", dtmf=101), rig.leg("b", dtmf=96)
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        a.press(5)
        rig.work()
        rig.say(a, frame(2))
        heard = b.received()
        assert [p.payload_type for p in heard] == [0] + [96] * 7 + [0]
        events = heard[1:8]
        assert len({p.timestamp for p in events}) == 1
        assert events[0].marker
        assert events[-1].payload.hex() == "058a0320"
        assert rig.of(Digit) == [Digit("a", "5", 100)]


def test_digits_go_nowhere_when_the_peer_knows_no_events(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b", dtmf=None)
        rig.bridge("a", "b")
        a.press(7)
        rig.work()
        assert b.received() == []
        assert rig.of(Digit) == [Digit("a", "7", 100)]


def test_lost_ends_are_made_up_for(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        a.press(3, kept=(0, 1))
        rig.work()
        assert rig.of(Digit) == []
        rig.advance(0.4)
        assert rig.of(Digit) == [Digit("a", "3", 40)]
        a.press(4, kept=(4, 5, 6))
        a.press(4, kept=(6,))
        rig.work()
        rig.advance(1.0)
        assert rig.of(Digit)[1:] == [Digit("a", "4", 100), Digit("a", "4", 100)]


def test_hold_stops_what_we_send_and_take(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        hold(rig, b, "inactive")
        rig.say(a, frame(2))
        rig.say(b, frame(9))
        hold(rig, b, "sendonly")
        rig.say(a, frame(3))
        rig.say(b, frame(9))
        hold(rig, b, "recvonly")
        rig.say(a, frame(2))
        rig.say(b, frame(4))
        hold(rig, b, "sendrecv")
        rig.say(a, frame(5))
        heard = b.received()
        assert [p.payload[0] for p in heard] == [1, 3, 5]
        assert unbroken(heard)
        assert all(p.marker for p in heard)
        assert [p.payload[0] for p in a.received()] == [4]


def hold(rig: Rig, party: object, direction: str) -> None:
    rig.connect("b", party, direction=direction)  # type: ignore[arg-type]
