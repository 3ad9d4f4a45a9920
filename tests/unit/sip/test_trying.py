"""When a caller is told 100: at once, or only if it has heard nothing else for a while (RFC 3261 17.2.1)."""

from __future__ import annotations

import pytest
from tests.unit.sip.wire import ANSWER, CALLED, CALLER, Node, Wire, assert_clean, raw

from trunkline.sip.events import Incoming

pytestmark = pytest.mark.unit

PATIENCE_S = 0.15


def called_once() -> tuple[Wire, Node, int]:
    """A call that has come in and is told 100 when nothing else is said in time."""
    net = Wire(called := Node(CALLED, 2))
    net.inject(raw(), CALLER, CALLED)
    incoming = called.told[0]
    assert isinstance(incoming, Incoming)
    called.sip.trying(incoming.leg, net.now, PATIENCE_S)
    return net, called, incoming.leg


def test_a_caller_who_hears_nothing_else_is_told_100_once() -> None:
    net, called, leg = called_once()
    net.run(PATIENCE_S - 0.01)
    assert net.starts(CALLED) == []
    net.run(0.02)
    assert net.starts(CALLED) == ["100 INVITE"]
    net.run(130)
    assert net.starts(CALLED) == ["100 INVITE"], "13.3.1.1: what is repeated each minute is above 100"
    called.sip.reject(leg, 486, net.now)
    net.drain()
    assert_clean(called)


def test_a_caller_who_hears_it_ring_in_time_is_never_told_100() -> None:
    net, called, leg = called_once()
    net.run(PATIENCE_S / 2)
    called.sip.ring(leg, net.now)
    net.run(59)
    assert net.starts(CALLED) == ["180 INVITE"]
    net.run(2)
    assert net.starts(CALLED) == ["180 INVITE", "180 INVITE"], "13.3.1.1: and the minute begins with the ringing"
    called.sip.reject(leg, 486, net.now)
    net.drain()
    assert_clean(called)


def test_ringing_after_the_100_is_repeated_from_then_on() -> None:
    net, called, leg = called_once()
    net.run(1)
    called.sip.ring(leg, net.now)
    net.run(61)
    assert net.starts(CALLED) == ["100 INVITE", "180 INVITE", "180 INVITE"]
    called.sip.reject(leg, 486, net.now)
    net.drain()
    assert_clean(called)


@pytest.mark.parametrize("status", [200, 486])
def test_a_final_response_in_time_leaves_nothing_to_say(status: int) -> None:
    net, called, leg = called_once()
    if status == 200:
        called.sip.answer(leg, ANSWER, net.now)
    else:
        called.sip.reject(leg, status, net.now)
    net.run(0.4)
    assert net.starts(CALLED) == [f"{status} INVITE"]


def test_an_invite_that_is_repeated_before_is_told_nothing_twice() -> None:
    net, called, leg = called_once()
    net.inject(raw(), CALLER, CALLED)
    assert net.starts(CALLED) == []
    net.run(0.2)
    net.inject(raw(), CALLER, CALLED)
    assert net.starts(CALLED) == ["100 INVITE", "100 INVITE"]
    assert len(called.of(Incoming)) == 1
    called.sip.reject(leg, 486, net.now)
    net.drain()
    assert_clean(called)


def test_saying_trying_a_second_time_does_not_put_it_off() -> None:
    net, called, leg = called_once()
    net.run(PATIENCE_S + 0.01)
    called.sip.trying(leg, net.now, PATIENCE_S)
    called.sip.trying(leg, net.now)
    net.run(1)
    assert net.starts(CALLED) == ["100 INVITE"]
