"""Session timers in both roles (RFC 4028), and the appointments that keep their time."""

from __future__ import annotations

import pytest
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    Node,
    Wire,
    assert_clean,
    pair,
    raw,
    request,
    response,
    target,
)

from trunkline.sip.appointments import Appointments
from trunkline.sip.endpoint import CallTerms
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Ended, Incoming, Reanswered, Reoffered
from trunkline.sip.refreshes import EXPIRED

pytestmark = pytest.mark.unit

TIMED = CallTerms(session_s=1800)


def talking(ours: CallTerms = TIMED, theirs: CallTerms = TIMED) -> tuple[Wire, Node, Node, int, int]:
    """A call that stands between a caller of `ours` and a called side of `theirs`, which takes all offers."""
    net, caller, called = pair()
    called.act = lambda event, now: (
        called.sip.reanswer(event.leg, ANSWER, now) if isinstance(event, Reoffered) else None
    )
    leg = caller.sip.invite(target(terms=ours), net.now)
    net.run(0.05)
    incoming = called.told[0]
    assert isinstance(incoming, Incoming)
    called.sip.set_terms(incoming.leg, theirs)
    called.sip.answer(incoming.leg, ANSWER, net.now)
    net.run(0.1)
    return net, caller, called, leg, incoming.leg


def test_the_caller_refreshes_by_update_when_the_called_side_leaves_it_the_choice() -> None:
    net, caller, called, leg, _incoming = talking()
    answered = response(net.sent[1][2].data)
    assert answered.header("Session-Expires") == "1800;refresher=uac"
    assert answered.header("Require") == "timer"
    net.run(2 * 3600)
    assert net.starts(CALLER).count("UPDATE") == 7, "every half interval"
    assert request(net.sent[3][2].data).header("Session-Expires") == "1800;refresher=uac"
    assert caller.sip.live_legs == called.sip.live_legs == 1
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)
    assert not caller.sip._core.appointments
    assert not called.sip._core.appointments


def test_a_peer_without_update_is_refreshed_by_the_same_offer_again() -> None:
    net, caller, called, leg, _incoming = talking()
    session = caller.sip._core.legs[leg].session
    assert session is not None
    session.updates = False
    net.run(1000.0)
    invites = [request(each.data) for _, source, each in net.sent if each.data.startswith(b"INVITE")]
    assert len(invites) == 2
    assert invites[0].sdp == invites[1].sdp
    assert len(called.of(Reoffered)) == 1
    assert not caller.of(Reanswered), "nothing has changed"


def test_a_caller_that_stops_refreshing_is_hung_up_before_the_end() -> None:
    net, caller, called, _leg, incoming = talking()
    net.nodes.pop(CALLER)
    net.run(1800.0)
    assert called.told[-1] == Ended(incoming, "SESSION", 'SIP;cause=408;text="Session timer expired"', 408)
    at, _, bye = next(entry for entry in net.sent if entry[2].data.startswith(b"BYE"))
    assert 1766 < at < 1770, "10: 32 s before the end"
    assert "Session timer expired" in (request(bye.data).header("Reason") or "")
    net.run(40.0)
    assert_clean(called)
    assert caller.sip.live_legs == 1


def test_a_refresh_that_nobody_answers_ends_the_call() -> None:
    net, caller, _called, leg, _incoming = talking()
    net.nodes.pop(CALLED)
    net.run(1000.0)
    assert caller.told[-2] == Ended(leg, "UPDATE", None, 408)
    assert_clean(caller)


def test_the_smaller_interval_counts_and_no_terms_mean_no_timer() -> None:
    for ours, theirs, interval in (
        (CallTerms(600), TIMED, 600),
        (TIMED, CallTerms(120), 120),
        (TIMED, CallTerms(), None),
        (CallTerms(), TIMED, None),
    ):
        _net, caller, called, leg, incoming = talking(ours, theirs)
        for node, number in ((caller, leg), (called, incoming)):
            session = node.sip._core.legs[number].session
            assert (session.interval_s if session else None) == interval


def test_422_is_answered_with_the_larger_interval_once() -> None:
    net = Wire(caller := Node(CALLER, 1))
    leg = caller.sip.invite(target(terms=CallTerms(120), headers=(("X-Own", "1"),)), 0.0)
    net.flush()
    for minimum, again in ((300, True), (301, False)):
        sent = request(net.sent[-1][2].data)
        copied = [f"{name}: {sent.header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
        lines = ["SIP/2.0 422 x", *copied, f"To: {sent.header('To')};tag=b", f"Min-SE: {minimum}", "", ""]
        net.inject("\r\n".join(lines).encode(), CALLED, CALLER)
        assert (net.starts()[-1] == "INVITE") is again
    first, second = (request(each.data) for _, _, each in net.sent if each.data.startswith(b"INVITE"))
    assert second.header("Session-Expires") == second.header("Min-SE") == "300"
    assert (second.cseq.number, second.call_id, second.from_.tag) == (2, first.call_id, first.from_.tag)
    assert (second.sdp, second.header("X-Own")) == (first.sdp, "1")
    assert second.via.branch != first.via.branch
    assert caller.names(leg) == ["Refused", "Gone"]
    net.drain()
    assert_clean(caller)


def test_a_peer_that_finds_every_refresh_too_small_is_not_asked_without_end() -> None:
    net, caller, called, leg, _incoming = talking()
    net.run(899)
    floors = iter(range(1801, 9999))

    def too_small(data: bytes) -> None:
        sent = request(data)
        copied = [f"{name}: {sent.header(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        lines = ["SIP/2.0 422 x", *copied, f"Min-SE: {next(floors)}", "Content-Length: 0", "", ""]
        caller.sip.receive("\r\n".join(lines).encode(), CALLED, net.now)

    asked = 0
    for _ in range(2000):
        net.now += 1.0
        caller.sip.handle_timer(net.now)
        for datagram in caller.sip.datagrams():
            if datagram.data.startswith(b"UPDATE"):
                asked += 1
                too_small(datagram.data)
    assert 2 <= asked <= 900 / 5 + 1
    ended = [event for event in caller.sip.events() if isinstance(event, Ended)]
    assert ended == [Ended(leg, "SESSION", EXPIRED, 408)]
    assert called.sip.live_legs == 1


def test_an_interval_that_is_too_small_gets_422() -> None:
    net = Wire(called := Node(CALLED, 2))
    net.inject(raw(Session_Expires="60", Supported="timer"), CALLER, CALLED)
    refused = response(net.sent[-1][2].data)
    assert (refused.status, refused.header("Min-SE")) == (422, "90")
    assert_clean(called)
    net.inject(raw(Session_Expires="60"), CALLER, CALLED)
    assert isinstance(called.told[-1], Incoming), "9: who does not know the timer cannot be told"


@pytest.mark.parametrize(
    ("asked", "supported", "expected"),
    [
        ("1200;refresher=uas", "timer", "1200;refresher=uas"),
        ("1200", "", "1200;refresher=uas"),
        ("7200;refresher=uac", "timer", "1800;refresher=uac"),
        ("", "timer", "1800;refresher=uac"),
        ("", "", None),
        ("x", "", None),
        ("x", "timer", "1800;refresher=uac"),
        ('1200;refresher="', "timer", "1200;refresher=uac"),
        ("99999999999", "timer", "1800;refresher=uac"),
    ],
)
def test_what_the_called_side_makes_of_a_request(asked: str, supported: str, expected: str | None) -> None:
    net = Wire(called := Node(CALLED, 2))
    net.inject(raw(Session_Expires=asked, Supported=supported), CALLER, CALLED)
    called.sip.set_terms(1, TIMED)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    sent = response(net.sent[-1][2].data)
    assert sent.header("Session-Expires") == expected
    assert sent.header("Require") == ("timer" if expected and "uac" in expected else None)


def test_a_min_se_above_ours_is_respected() -> None:
    net = Wire(called := Node(CALLED, 2))
    net.inject(raw(Session_Expires="3600", Min_SE="2400", Supported="timer"), CALLER, CALLED)
    called.sip.set_terms(1, TIMED)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    assert response(net.sent[-1][2].data).header("Session-Expires") == "2400;refresher=uac"


def test_an_interval_below_90_is_our_error() -> None:
    with pytest.raises(LocalSipError):
        CallTerms(session_s=89)


def test_appointments_are_kept_to_the_second_and_cancelled_without_a_trace() -> None:
    book = Appointments()
    for leg in range(1000):
        book.set(leg, 100.2 + leg % 7)
    assert book.next_timer() == 101
    for leg in range(990):
        book.drop(leg)
    assert len(book) == 10
    book.set(995, 50.0)
    assert book.take_due(49.9) == []
    assert book.take_due(101.0) == [995, *[leg for leg in range(990, 1000) if leg % 7 == 0 and leg != 995]]
    book.take_due(1000.0)
    assert book.next_timer() is None
    assert len(book) == 0
