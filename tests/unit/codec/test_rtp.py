from __future__ import annotations

import pytest

from trunkline.codec.rtp import RtpError, RtpPacket, pack, parse, sequence_distance, timestamp_distance

pytestmark = pytest.mark.unit

AUDIO = bytes(range(160))


def test_round_trip() -> None:
    packet = RtpPacket(101, 65535, 2**32 - 1, 0xDEADBEEF, AUDIO, marker=True)
    assert parse(pack(packet)) == packet
    assert pack(RtpPacket(0, 1, 2, 3, b"x")).hex() == "8000" + "0001" + "00000002" + "00000003" + "78"


def test_csrc_extension_and_padding_are_stepped_over() -> None:
    plain = pack(RtpPacket(8, 7, 8, 9, b""))
    with_all = bytes((0x80 | 0x20 | 0x10 | 2,)) + plain[1:] + bytes(8) + b"\xbe\xde\x00\x01abcd" + AUDIO + b"\0\0\x03"
    assert parse(with_all).payload == AUDIO
    assert parse(with_all).payload_type == 8


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "short"),
        (b"\x80" + bytes(10), "short"),
        (bytes(12), "version"),
        (b"\x80" + bytes(1500), "long"),
        (b"\x8f" + bytes(20), "csrc"),
        (b"\x90" + bytes(13), "extension"),
        (b"\x90" + bytes(13) + b"\xff\xff" + bytes(20), "extension"),
        (b"\xa0" + bytes(11), "padding"),
        (b"\xa0" + bytes(19) + b"\x00", "padding"),
        (b"\xa0" + bytes(19) + b"\x0a", "padding"),
    ],
)
def test_garbage_has_a_reason(datagram: bytes, reason: str) -> None:
    with pytest.raises(RtpError, match=f"^{reason}$"):
        parse(datagram)


def test_distances_cross_the_wrap() -> None:
    assert sequence_distance(2, 65534) == 4
    assert sequence_distance(65534, 2) == -4
    assert timestamp_distance(160, 2**32 - 160) == 320
    assert timestamp_distance(2**32 - 160, 160) == -320
