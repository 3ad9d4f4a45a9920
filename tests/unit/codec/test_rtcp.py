from __future__ import annotations

import pytest

from trunkline.codec.rtcp import (
    ReportBlock,
    RtcpError,
    SenderInfo,
    ntp_middle,
    ntp_time,
    pack_bye,
    pack_report,
    parse,
    round_trip_s,
)

pytestmark = pytest.mark.unit

BLOCK = ReportBlock(0x11223344, 64, -5, 0x0001FFFF, 33, 0xAABBCCDD, 65536)
SENDER = SenderInfo(7, ntp_time(1_700_000_000.5), 4000, 25, 4000)


def test_compound_round_trip() -> None:
    compound = parse(pack_report(7, SENDER, [BLOCK], "cname") + pack_bye(7))
    assert (compound.sender, compound.blocks, compound.byes) == (SENDER, [BLOCK], [7])


def test_receiver_report() -> None:
    compound = parse(pack_report(7, None, [BLOCK, BLOCK], "x"))
    assert (compound.sender, compound.blocks) == (None, [BLOCK, BLOCK])


@pytest.mark.parametrize("length", range(9))
def test_sdes_ends_on_a_word_with_a_zero(length: int) -> None:
    datagram = pack_report(7, None, [], "c" * length)
    assert len(datagram) % 4 == 0
    assert datagram[-1] == 0
    assert int.from_bytes(datagram[10:12]) * 4 + 4 + 8 == len(datagram)


def test_ntp() -> None:
    assert ntp_time(0.0) == 2208988800 << 32
    assert ntp_middle(0x1122_3344_5566_7788) == 0x3344_5566


def test_round_trip_time() -> None:
    now = ntp_time(1000.0)
    sent, held = ntp_middle(ntp_time(999.0)), 65536 // 2
    assert round_trip_s(now, ReportBlock(1, 0, 0, 0, 0, sent, held)) == pytest.approx(0.5, abs=1e-4)
    assert round_trip_s(now, ReportBlock(1, 0, 0, 0, 0, sent, 65536 + 10)) == 0.0
    assert round_trip_s(now, ReportBlock(1, 0, 0, 0, 0, 0, 0)) is None


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "short"),
        (b"\x80\xc9\x00", "short"),
        (b"\x40\xc9\x00\x00", "version"),
        (pack_bye(1), "first packet"),
        (b"\x80\xc9\x00\x09abcd", "length"),
        (b"\x81\xc9\x00\x01abcd", "report"),
        (pack_report(1, None, [], "x") + b"\x82\xcb\x00\x01abcd", "bye"),
        (bytes(1501), "long"),
    ],
)
def test_garbage_has_a_reason(datagram: bytes, reason: str) -> None:
    with pytest.raises(RtcpError, match=f"^{reason}$"):
        parse(datagram)


def test_unknown_packets_are_stepped_over() -> None:
    feedback = b"\x81\xcd\x00\x02" + bytes(8)
    assert parse(pack_report(1, None, [BLOCK], "x") + feedback).blocks == [BLOCK]
