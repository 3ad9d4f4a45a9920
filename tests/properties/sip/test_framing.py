"""Whatever way the bytes of a stream come in pieces, the same messages come out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.framing import PING, Framer
from trunkline.sip.limits import StreamLimits
from trunkline.sip.message import parse

pytestmark = pytest.mark.property

LIMITS = StreamLimits(max_head=300, max_body=200)


def message(number: int, body: bytes, name: str) -> bytes:
    head = f"OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n{name}: {len(body)}\r\n\r\n"
    return head.encode() + body


BODIES = st.one_of(st.binary(max_size=60), st.sampled_from([b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"]))
MESSAGES = st.builds(message, st.integers(0, 999), BODIES, st.sampled_from(["Content-Length", "l", "CONTENT-LENGTH"]))
PIECES = st.lists(st.one_of(MESSAGES, st.just(PING)), max_size=6)


def fed(stream: bytes, cuts: list[int]) -> tuple[list[bytes], Framer]:
    framer = Framer(LIMITS)
    found: list[bytes] = []
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        found += framer.feed(stream[start:end], 0.0)
    return found, framer


@given(PIECES, st.lists(st.integers(0, 10_000), max_size=30))
def test_any_split_gives_the_messages_that_were_sent(pieces: list[bytes], cuts: list[int]) -> None:
    found, framer = fed(b"".join(pieces), cuts)
    assert found == pieces
    assert framer.fault is None
    assert framer.began_at is None
    for each in found:
        if each != PING:
            parse(each)


@given(
    st.lists(
        st.one_of(MESSAGES, st.binary(max_size=40), st.sampled_from([b"\r\n", b"\r", b"A: b\r\n\r\n"])), max_size=6
    ),
    st.lists(st.integers(0, 10_000), max_size=30),
)
def test_a_hostile_stream_reads_the_same_whole_or_in_pieces(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    whole, one = fed(stream, [])
    split, other = fed(stream, cuts)
    assert split == whole
    assert other.fault == one.fault
    assert len(other._buffer) <= LIMITS.max_head + LIMITS.max_body
