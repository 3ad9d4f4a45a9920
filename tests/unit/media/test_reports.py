"""RTCP: what we report every five seconds, what we learn from the party's reports, how we say goodbye."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from tests.unit.media.rig import HOST, Party, Rig, frame, media

from trunkline.codec import rtcp
from trunkline.media.port import Closed, LegStats

pytestmark = pytest.mark.unit


def close(rig: Rig, leg: str) -> LegStats:
    rig.engine.close_leg(leg)
    return next(e.stats for e in rig.events if isinstance(e, Closed) and e.leg == leg)


def send_report(party: Party, datagram: bytes) -> None:
    party.rtcp.sendto(datagram, (HOST, party.target + 1))


def test_a_sender_report_with_what_was_heard(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        a.sequence = 65530
        for n in range(20):
            if n == 7:
                a.skip(5)
            rig.say(a, frame(n))
            rig.say(b, frame(n))
        rig.advance(8)
        compound = rtcp.parse(a.reports()[0])
        assert compound.sender is not None
        assert (compound.sender.packets, compound.sender.octets) == (20, 3200)
        [block] = compound.blocks
        assert (block.ssrc, block.lost, block.highest_sequence) == (a.ssrc, 5, 65530 + 24)
        assert block.fraction_lost == 5 * 256 // 25
        stats = close(rig, "a")
        assert (stats.packets_in, stats.lost, stats.octets_in, stats.packets_out) == (20, 5, 3200, 20)


def test_a_receiver_report_when_nothing_was_sent(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.advance(8)
        assert a.reports() == [], "nothing passed either way"
        rig.say(a, frame(1))
        rig.advance(5)
        [datagram] = a.reports()
        compound = rtcp.parse(datagram)
        assert compound.sender is None
        assert compound.blocks[0].ssrc == a.ssrc


def test_every_five_seconds(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.say(a, frame(1))
        rig.advance(60)
        assert len(a.reports()) in (11, 12)


def test_round_trip_loss_and_jitter_of_the_party(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        rig.say(b, frame(1))
        rig.advance(7.5)
        sender = rtcp.parse(a.reports()[0]).sender
        assert sender is not None
        sent_at = struct.unpack("!Q", struct.pack("!Q", sender.ntp))[0] / 2**32 - 2208988800 - 1_700_000_000
        held = round((rig.now - sent_at - 0.03) * 65536)
        ours = rtcp.ReportBlock(sender.ssrc, 12, 3, 1, 80, rtcp.ntp_middle(sender.ntp), held)
        others = rtcp.ReportBlock(1, 0, 99, 1, 0)
        send_report(a, rtcp.pack_report(a.ssrc, None, [others, ours], "a"))
        rig.work()
        stats = close(rig, "a")
        assert (stats.peer_lost, stats.peer_jitter_ms) == (3, 10.0)
        assert stats.round_trip_ms == pytest.approx(30, abs=0.2)


def test_our_report_quotes_their_clock(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.say(a, frame(1))
        info = rtcp.SenderInfo(a.ssrc, rtcp.ntp_time(1000.25), 0, 1, 160)
        send_report(a, rtcp.pack_report(a.ssrc, info, [], "a"))
        rig.work()
        rig.advance(7.5)
        block = rtcp.parse(a.reports()[0]).blocks[0]
        assert block.last_sr == rtcp.ntp_middle(info.ntp)
        assert 0 < block.delay_since_last_sr <= 7.5 * 65536


def test_goodbye(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.say(a, frame(1))
        ssrc = rig.engine.legs["a"].out.ssrc
        close(rig, "a")
        [datagram] = a.reports()
        assert rtcp.parse(datagram).byes == [ssrc]


def test_garbage_and_strangers_are_counted(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        other = rig.leg("other", host="127.0.0.2")
        for datagram in (b"", b"\x80", bytes(100), b"\x81\xc9\xff\xff"):
            send_report(a, datagram)
        other.rtcp.sendto(rtcp.pack_report(1, None, [], "x"), (HOST, a.target + 1))
        rig.work()
        stats = close(rig, "a")
        assert (stats.invalid, stats.foreign) == (4, 1)


def test_jitter_is_measured(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        for n in range(200):
            a.send(frame(n))
            rig.work()
            rig.advance(0.03 if n % 2 else 0.01)
        assert close(rig, "a").jitter_ms == pytest.approx(10, rel=0.05)


def test_steady_packets_have_no_jitter_across_the_wrap(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        a.timestamp = 2**32 - 1600
        rig.say(a, *(frame(n) for n in range(100)))
        assert close(rig, "a").jitter_ms < 0.5


def test_a_restarted_sender_is_no_loss(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.say(a, frame(1), frame(2))
        a.sequence = (a.sequence + 30_000) & 0xFFFF
        rig.say(a, frame(3), frame(4))
        stats = close(rig, "a")
        assert (stats.packets_in, stats.lost) == (4, 0)
