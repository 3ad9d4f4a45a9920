"""Whatever is sent to a leg and whatever is ordered, the child lives and each party hears one unbroken stream."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.media.rig import FRAME, Rig, frame, media

from trunkline.codec.rtp import sequence_distance, timestamp_distance
from trunkline.media.port import Digit, Played

pytestmark = pytest.mark.property

RTPLIKE = st.builds(
    lambda first, second, rest: bytes((first, second)) + rest,
    st.integers(0x80, 0xBF),
    st.sampled_from([0, 8, 101, 13, 0x80, 0xE5, 77]),
    st.binary(min_size=10, max_size=200),
)


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=1600) | RTPLIKE, max_size=30))
def test_no_datagram_is_an_error_of_ours(datagrams: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder, media(Path(folder), pairs=2) as rig:
        a, b = rig.leg("a"), rig.leg("b", "PCMA")
        rig.bridge("a", "b")
        rig.engine.record("r", f"{folder}/r.wav", "a", "b")
        for datagram in datagrams:
            a.send_raw(datagram)
            a.rtcp.sendto(datagram, ("127.0.0.1", a.target + 1))
            rig.work()
            rig.advance(0.01)
        rig.engine.stop_record("r")
        assert rig.recorded().error is None
        assert [reason for reason in rig.engine.troubles if not reason.startswith(("rtp ", "rtcp "))] == []
        b.received()


ORDERS = st.lists(
    st.sampled_from(
        ["say", "say", "say", "digit", "play", "loop", "stop", "keys", "bridge", "part", "hold", "resume", "wait"]
    ),
    max_size=40,
)


def obey(rig: Rig, order: str, tag: int) -> None:
    a, b = rig.parties[:2]
    legs = rig.engine.legs
    match order:
        case "say":
            rig.say(a, frame(tag))
        case "digit":
            a.press(tag % 16)
            rig.work()
        case "play" | "loop":
            rig.engine.play("b", tag, ["beep"], loop=order == "loop")
        case "stop":
            legs["b"].play_ended(completed=False)
        case "keys":
            rig.engine.send_digits("b", "1")
        case "bridge":
            rig.bridge("a", "b")
        case "part":
            legs["a"].part()
        case "hold" | "resume":
            rig.connect("b", b, direction="sendrecv" if order == "resume" else "inactive")
        case "wait":
            rig.advance(0.13)


@settings(max_examples=60)
@given(ORDERS)
def test_the_party_hears_one_stream(orders: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, media(Path(folder), pairs=2) as rig:
        rig.leg("a")
        b = rig.leg("b")
        rig.bridge("a", "b")
        heard = []
        for tag, order in enumerate(orders):
            obey(rig, order, tag)
            heard += b.received()
        rig.engine.close_leg("b")
        heard += b.received()
        assert len({packet.ssrc for packet in heard}) <= 1
        for before, after in pairwise(heard):
            assert sequence_distance(after.sequence, before.sequence) == 1
            moved = timestamp_distance(after.timestamp, before.timestamp)
            same_key = after.payload_type == before.payload_type == 101 and moved == 0
            assert moved >= FRAME or same_key
        assert rig.engine.troubles == {}
        plays = [tag for tag, order in enumerate(orders) if order in ("play", "loop")]
        assert sorted(e.tag for e in rig.of(Played) if isinstance(e, Played)) == plays, "every order ends exactly once"
        assert len(rig.of(Digit)) == orders.count("digit")
