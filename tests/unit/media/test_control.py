"""What a media child tells the switch at once, and what goes in company."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from trunkline.media.embedded import child, wire
from trunkline.media.port import Closed, Digit, LegStats

pytestmark = pytest.mark.unit

CLOSED = Closed("leg", LegStats())
DIGIT = Digit("leg", "1", 100)


class Ends:
    """Both ends of a control socket."""

    def __init__(self) -> None:
        ours, self._theirs = socket.socketpair()
        ours.setblocking(False)
        self._theirs.setblocking(False)
        self._frames = wire.Frames()
        self._ours = ours
        self.control = child.Control(ours)

    def heard(self) -> list[wire.Report]:
        """What has come since the last look."""
        try:
            data = self._theirs.recv(65_536)
        except BlockingIOError:
            return []
        return [wire.read_report(body) for body in self._frames.feed(data)]

    def close(self) -> None:
        """Close both."""
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    found = Ends()
    yield found
    found.close()


def test_that_a_leg_is_closed_goes_with_the_next_report_and_in_order(ends: Ends) -> None:
    ends.control.send(CLOSED)
    with ends.control.gathering():
        ends.control.send(CLOSED)
    assert ends.heard() == []
    ends.control.send(DIGIT)
    assert ends.heard() == [CLOSED, CLOSED, DIGIT]
    with ends.control.gathering():
        ends.control.send(DIGIT)
        ends.control.send(CLOSED)
        assert ends.heard() == []
    assert ends.heard() == [DIGIT, CLOSED]


def test_that_a_leg_is_closed_waits_for_a_tick_at_most(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    ends.control.send(CLOSED)
    ends.control.flush()
    assert ends.heard() == [CLOSED]
    monkeypatch.setattr(child, "_PATIENCE_S", 0.0)
    ends.control.send(CLOSED)
    assert ends.heard() == [CLOSED]
