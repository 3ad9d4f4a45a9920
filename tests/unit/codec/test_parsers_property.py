"""Whatever bytes come, a parser answers or raises its own error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.codec import rtcp, rtp, wav
from trunkline.codec.dtmf import DigitReader, DtmfError, Event, parse_event
from trunkline.codec.g711 import Law, decode, encode

pytestmark = pytest.mark.property

DATAGRAM = st.binary(max_size=1600)
HEADERLIKE = st.builds(lambda first, rest: bytes((first,)) + rest, st.integers(0x80, 0xBF), st.binary(max_size=400))


@given(DATAGRAM | HEADERLIKE)
def test_rtp(datagram: bytes) -> None:
    with contextlib.suppress(rtp.RtpError):
        packet = rtp.parse(datagram)
        assert packet.payload in datagram
        assert rtp.parse(rtp.pack(packet)) == packet


@given(st.builds(bytes.__add__, st.sampled_from([b"", b"\x81\xc8\x00\x0c", b"\x80\xc9\x00\x01abcd"]), DATAGRAM))
def test_rtcp(datagram: bytes) -> None:
    with contextlib.suppress(rtcp.RtcpError):
        assert len(rtcp.parse(datagram).blocks) <= 31 * 60


BLOCKS = st.builds(
    rtcp.ReportBlock,
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
    st.integers(-(2**23), 2**23 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
)


@given(st.lists(BLOCKS, max_size=31), st.text(max_size=60))
def test_rtcp_blocks_round_trip(blocks: list[rtcp.ReportBlock], cname: str) -> None:
    assert rtcp.parse(rtcp.pack_report(5, None, blocks, cname)).blocks == blocks


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_wav(content: bytes, shape: bytes) -> None:
    head = b"RIFF\0\0\0\0WAVEfmt " + len(shape).to_bytes(4, "little") + shape
    for candidate in (content, head + b"data" + content, b"RIFF\0\0\0\0WAVE" + content):
        with contextlib.suppress(wav.WavError):
            assert len(wav.read(candidate)) % 2 == 0


@given(st.binary(max_size=80), st.integers(0, 10**12))
def test_repair(head: bytes, size: int) -> None:
    with contextlib.suppress(wav.WavError):
        header, length = wav.repaired_header(head[:44], max(size, len(head)))
        assert wav.repaired_header(header, length) == (header, length)


@given(st.lists(st.tuples(st.binary(max_size=6), st.integers(0, 2**32 - 1), st.booleans()), max_size=50))
def test_digits(packets: list[tuple[bytes, int, bool]]) -> None:
    reader = DigitReader()
    presses = []
    for at, (payload, timestamp, marker) in enumerate(packets):
        with contextlib.suppress(DtmfError):
            presses += reader.read(parse_event(payload), timestamp, marker, at / 50)
    presses += reader.flush()
    assert len(presses) <= len(packets)
    assert all(press.duration_ms >= 0 for press in presses)


@given(st.lists(st.integers(0, 15), min_size=1, max_size=12), st.data())
def test_digits_survive_loss_and_repetition(codes: list[int], data: st.DataObject) -> None:
    """At least one packet of every key arrives, in order, some doubled: every key is given once."""
    reader = DigitReader()
    digits = ""
    now = 0.0
    for place, code in enumerate(codes):
        start = 10_000 + 4000 * place
        whole = [Event(code, n >= 4, 160 * min(n + 1, 5)) for n in range(7)]
        kept = data.draw(st.lists(st.sampled_from(range(7)), min_size=1, max_size=9))
        for n in sorted(kept):
            now = 0.5 * place + 0.02 * n
            digits += "".join(press.digit for press in reader.read(whole[n], start, n == 0, now))
    digits += "".join(press.digit for press in reader.flush())
    assert digits == "".join("0123456789*#ABCD"[code] for code in codes)


@given(st.binary(max_size=400), st.sampled_from(list(Law)))
def test_g711_levels_are_stable(codes: bytes, law: Law) -> None:
    assert decode(law, encode(law, decode(law, codes))) == decode(law, codes)
