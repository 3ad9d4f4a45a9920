"""Max-Forwards: what a request still may take, and what ours may (RFC 3261 8.1.1.6, RFC 7332)."""

from __future__ import annotations

import pytest
from tests.unit.sip.challenger import LOGIN, asking, requests
from tests.unit.sip.wire import ANSWER, CALLED, CALLER, Node, Wire, assert_clean, pair, raw, request, target

from trunkline.sip.endpoint import CallTerms
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Refused

pytestmark = pytest.mark.unit


def hops(net: Wire, method: str) -> list[str | None]:
    """The Max-Forwards of all requests of that method, in order."""
    return [each.header("Max-Forwards") for each in requests(net, method)]


@pytest.mark.parametrize(
    ("said", "hops"),
    [
        ("0", 0),
        ("1", 1),
        ("0068", 68),
        ("70", 70),
        ("255", 255),
        ("256", 70),
        ("9" * 5_000, 70),
        ("-1", 70),
        ("x", 70),
        ("\u0663", 70),
        ("", 70),
    ],
)
def test_a_value_that_is_none_counts_as_70(said: str, hops: int) -> None:
    assert request(raw(Max_Forwards=said)).max_forwards == hops


def test_an_invite_says_what_it_may_take_and_what_follows_it_says_70() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(max_forwards=12), net.now)
    net.run(0.1)
    called.sip.answer(called.told[-1].leg, ANSWER, net.now)
    net.run(0.1)
    caller.sip.reoffer(leg, ANSWER, net.now)
    net.run(0.1)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert hops(net, "INVITE") == ["12", "70"], "the second is in the dialog"
    assert set(hops(net, "ACK")) == set(hops(net, "BYE")) == {"70"}


def test_an_invite_of_nobody_may_take_70() -> None:
    net, caller, _called = pair()
    caller.sip.invite(target(), net.now)
    net.flush()
    assert hops(net, "INVITE") == ["70"]


def test_without_hops_left_the_next_hop_refuses_and_its_refusal_is_acknowledged() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(max_forwards=0), net.now)
    net.drain()
    assert [(event.leg, event.status) for event in caller.told if isinstance(event, Refused)] == [(leg, 483)]
    assert hops(net, "ACK") == ["70"]
    assert_clean(caller, called)


def test_a_cancel_gets_as_far_as_its_invite_did() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(max_forwards=1), net.now)
    net.run(0.1)
    called.sip.ring(called.told[-1].leg, net.now)
    net.run(0.1)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert hops(net, "CANCEL") == ["70"]
    assert_clean(caller, called)


def test_a_challenge_gives_no_hops_back() -> None:
    net, caller, _called = asking("INVITE")
    caller.sip.invite(target(login=LOGIN, max_forwards=12), net.now)
    net.run(1.0)
    assert hops(net, "INVITE") == ["12", "12"]


def test_a_larger_session_interval_gives_no_hops_back() -> None:
    net = Wire(caller := Node(CALLER, 1))
    caller.sip.invite(target(terms=CallTerms(120), max_forwards=12), 0.0)
    net.flush()
    sent = request(net.sent[-1][2].data)
    copied = [f"{name}: {sent.header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    lines = ["SIP/2.0 422 x", *copied, f"To: {sent.header('To')};tag=b", "Min-SE: 300", "", ""]
    net.inject("\r\n".join(lines).encode(), CALLED, CALLER)
    assert hops(net, "INVITE") == ["12", "12"]


@pytest.mark.parametrize("wrong", [-1, 256])
def test_what_no_header_can_say_is_not_sent(wrong: int) -> None:
    net, caller, _called = pair()
    with pytest.raises(LocalSipError, match="hops"):
        caller.sip.invite(target(max_forwards=wrong), net.now)
    assert net.sent == []
    assert_clean(caller)
