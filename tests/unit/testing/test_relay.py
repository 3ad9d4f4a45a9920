"""The bad line: seeded, bounded, and the same over real sockets."""

from __future__ import annotations

import socket

import pytest

from trunkline.testing.lossy import Line
from trunkline.testing.ports import HOST
from trunkline.testing.relay import UdpRelay

pytestmark = pytest.mark.unit


def test_a_line_loses_its_share_and_the_same_each_time() -> None:
    first, again = (
        [bool(line.arrivals(str(number).encode())) for number in range(5_000)]
        for line in (Line(3, loss=0.1), Line(3, loss=0.1))
    )
    assert first == again
    assert 400 < first.count(False) < 600


def test_a_datagram_is_not_lost_more_often_in_a_row_than_wanted() -> None:
    line = Line(1, loss=1.0, in_a_row_max=2)
    assert [bool(line.arrivals(b"x")) for _ in range(6)] == [False, False, True, False, False, True]
    assert line.lost == 4


def test_copies_and_late_ones() -> None:
    line = Line(5, duplicate=0.5, reorder=0.5, delay_s=0.1)
    arrivals = [line.arrivals(b"x") for _ in range(1_000)]
    assert {len(each) for each in arrivals} == {1, 2}
    times = [after_s for each in arrivals for after_s in each]
    assert min(times) == 0.1
    assert 0.5 < max(times) < 0.7


def test_a_relay_passes_on_in_both_directions() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        for each in (near, far):
            each.bind((HOST, 0))
            each.settimeout(5)
        with UdpRelay(far.getsockname(), Line(delay_s=0.01), Line(1, loss=1.0, in_a_row_max=1)) as relay:
            near.sendto(b"there", relay.address)
            data, source = far.recvfrom(100)
            assert (data, source) == (b"there", relay.address)
            for _ in range(2):
                far.sendto(b"back", relay.address)
            assert near.recvfrom(100) == (b"back", relay.address)
            assert relay.back.lost == 1
