"""Calls between two endpoints: the plain ones, and those that end early."""

from __future__ import annotations

import pytest
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    SDP,
    Node,
    Wire,
    assert_clean,
    established,
    pair,
    request,
    target,
)

from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import (
    Answered,
    Cancelled,
    CancelledLate,
    Ended,
    Incoming,
    NoResponse,
    Provisional,
    Refused,
    SipEvent,
)
from trunkline.sip.hops import Hop

pytestmark = pytest.mark.unit


def test_a_call_rings_is_answered_and_hung_up_by_the_caller() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(from_display='Al "x" \\'), net.now)
    net.run(0.05)
    assert net.starts() == ["INVITE"], "nothing answers an INVITE by itself"
    incoming = called.told[0]
    assert isinstance(incoming, Incoming)
    assert incoming.request.from_.display == 'Al "x" \\'
    assert incoming.sdp == SDP
    called.sip.trying(incoming.leg, net.now)
    called.sip.ring(incoming.leg, net.now, 183, ANSWER)
    net.run(0.05)
    called.sip.answer(incoming.leg, ANSWER, net.now)
    net.run(5.0)
    caller.sip.hangup(leg, net.now, 'Q.850;cause=16;text="done"')
    net.drain()

    assert caller.told[:2] == [Provisional(leg, 183, ANSWER), Answered(leg, 200, ANSWER)]
    assert called.names() == ["Incoming", "Acknowledged", "Ended", "Gone"]
    assert called.of(Ended) == [Ended(incoming.leg, "BYE", 'Q.850;cause=16;text="done"')]
    assert net.starts() == ["INVITE", "100 INVITE", "183 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
    assert_clean(caller, called)


def test_the_called_side_hangs_up() -> None:
    net, caller, called, leg, incoming = established()
    called.sip.hangup(incoming, net.now)
    net.drain()
    assert caller.names(leg)[-2:] == ["Ended", "Gone"]
    assert_clean(caller, called)


def test_both_hang_up_at_once() -> None:
    net, caller, called, leg, incoming = established()
    caller.sip.hangup(leg, net.now)
    called.sip.hangup(incoming, net.now)
    net.drain()
    assert not caller.of(Ended)
    assert_clean(caller, called)


def test_a_refusal_is_acknowledged_with_the_invites_address_and_branch() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(request_uri="sip:bob@192.0.2.2;user=phone"), net.now)
    net.run(0.05)
    called.sip.reject(called.told[0].leg, 486, net.now, headers=[("Retry-After", "60 (lunch)"), ("Contact-X", "y")])
    net.drain()
    refused = caller.of(Refused)[0]
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason, refused.retry_after_s) == (486, "Busy Here", 60)
    invite, ack = (request(datagram.data) for _, source, datagram in net.sent if source == CALLER)
    assert ack.method == "ACK"
    assert ack.uri == invite.uri == "sip:bob@192.0.2.2;user=phone"
    assert ack.via.branch == invite.via.branch
    assert ack.cseq.number == invite.cseq.number
    assert ack.to.tag
    assert caller.names(leg) == ["Refused", "Gone"]
    assert_clean(caller, called)


def test_the_ack_of_a_refusal_leaves_before_the_next_try() -> None:
    """sippy lets the retried INVITE overtake the ACK."""
    net, caller, called = pair()

    def retry(event: SipEvent, now: float) -> None:
        if isinstance(event, Refused) and event.status == 503:
            caller.sip.invite(target(), now)

    caller.act = retry
    called.act = lambda event, now: (
        called.sip.reject(event.leg, 503 if event.leg == 1 else 603, now) if isinstance(event, Incoming) else None
    )
    caller.sip.invite(target(), net.now)
    net.drain()
    assert net.starts(CALLER) == ["INVITE", "ACK", "INVITE", "ACK"]
    assert_clean(caller, called)


def test_cancel_waits_for_the_first_provisional_response() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    caller.sip.cancel(leg, net.now)
    caller.sip.cancel(leg, net.now)
    net.run(0.1)
    assert "CANCEL" not in net.starts()
    called.sip.ring(called.told[0].leg, net.now)
    net.drain()
    assert net.starts().count("CANCEL") == 1
    assert caller.told == [Ended(leg, "CANCEL", None, 487), *caller.told[-1:]]
    assert called.of(Cancelled)
    assert net.starts()[-4:] == ["CANCEL", "200 CANCEL", "487 INVITE", "ACK"]
    assert_clean(caller, called)


def test_cancel_while_ringing_says_why() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.ring(called.told[0].leg, net.now)
    net.run(0.05)
    caller.sip.cancel(leg, net.now, "SIP;cause=200")
    net.drain()
    assert called.of(Cancelled) == [Cancelled(called.told[0].leg, "SIP;cause=200")]
    assert_clean(caller, called)


def test_an_answer_that_crosses_our_cancel_gets_ack_then_bye() -> None:
    """aiosipua leaves the leg an orphan, sippy sends BYE before ACK."""
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    incoming = called.told[0].leg
    called.sip.ring(incoming, net.now)
    net.run(0.05)
    called.sip.answer(incoming, ANSWER, net.now)
    caller.sip.cancel(leg, net.now)
    net.drain()
    own = [word for word in net.starts(CALLER) if word in ("ACK", "BYE")]
    assert own == ["ACK", "BYE"]
    assert caller.names(leg) == ["Provisional", "CancelledLate", "Gone"]
    assert called.names() == ["Incoming", "Acknowledged", "Ended", "Gone"]
    assert_clean(caller, called)


def test_a_peer_that_says_nothing_is_given_up_early() -> None:
    caller = Node(CALLER, 1)
    net = Wire(caller)
    leg = caller.sip.invite(target(first_response_s=4.0), net.now)
    net.run(4.1)
    assert caller.told == [NoResponse(leg, 4.0)]
    copies = len(net.sent)
    net.drain()
    assert len(net.sent) == copies, "a peer that comes back must not ring for nothing"
    assert_clean(caller)


def test_a_late_answer_of_a_silent_peer_is_hung_up() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(first_response_s=1.0), net.now)
    net.run(2.0)
    called.sip.answer(called.told[0].leg, ANSWER, net.now)
    net.drain()
    assert caller.names(leg) == ["NoResponse", "CancelledLate", "Gone"]
    assert called.names() == ["Incoming", "Acknowledged", "Ended", "Gone"]
    assert_clean(caller, called)


def test_a_late_ringing_of_a_silent_peer_is_cancelled() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(first_response_s=1.0), net.now)
    net.run(2.0)
    called.sip.ring(called.told[0].leg, net.now)
    net.drain()
    assert caller.names(leg) == ["NoResponse", "Gone"]
    assert called.of(Cancelled)
    assert_clean(caller, called)


def test_without_first_response_timer_only_timer_b_gives_up() -> None:
    caller = Node(CALLER, 1)
    net = Wire(caller)
    leg = caller.sip.invite(target(first_response_s=None), net.now)
    net.run(31.9)
    assert caller.told == []
    net.drain()
    assert net.now == 32.0
    assert caller.names(leg) == ["NoResponse", "Gone"]
    assert [round(at, 1) for at, _, _ in net.sent] == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]


def test_timer_c_ends_a_call_that_rings_for_ever_and_ringing_refreshes_it() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    incoming = called.told[0].leg
    called.sip.ring(incoming, net.now)
    net.run(170.0)
    assert not caller.of(Refused)
    assert net.starts(CALLED).count("180 INVITE") == 3, "13.3.1.1: repeated every minute"
    net.run(100.0)
    assert not caller.of(Refused), "refreshed by the repeated 180"
    net.pass_through = lambda source, datagram: source != CALLED or b"180" not in datagram.data[:12]
    net.run(200.0)
    refused = caller.of(Refused)[0]
    assert isinstance(refused, Refused)
    assert refused.status == 408
    net.drain()
    assert caller.names(leg) == ["Provisional", "Refused", "Gone"]
    assert called.of(Cancelled)
    assert_clean(caller, called)


def test_an_answer_nobody_acknowledges_repeats_and_ends_in_bye() -> None:
    net, caller, called = pair()
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"ACK")
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    start = net.now
    called.sip.answer(called.told[0].leg, ANSWER, net.now)
    net.drain()
    sent = [
        round(at - start, 1)
        for at, _, each in net.sent
        if each.data.startswith(b"SIP/2.0 200") and SDP[:3] in each.data
    ]
    assert sent == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert called.names() == ["Incoming", "Unacknowledged", "Gone"]
    assert net.starts(CALLED).count("BYE") == 1
    assert_clean(caller, called)


def test_the_called_side_does_not_send_bye_before_the_ack() -> None:
    net, caller, called = pair()
    net.pass_through = lambda source, datagram: not (datagram.data.startswith(b"ACK") and net.now < 3.0)
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    incoming = called.told[0].leg
    called.sip.answer(incoming, ANSWER, net.now)
    called.sip.hangup(incoming, net.now)
    net.run(2.0)
    assert "BYE" not in net.starts()
    net.drain()
    assert net.starts(CALLED).count("BYE") == 1
    assert called.names() == ["Incoming", "Acknowledged", "Gone"]
    assert_clean(caller, called)


def test_hangup_does_the_right_thing_before_an_answer() -> None:
    net, caller, called = pair()
    first = caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.hangup(called.told[0].leg, net.now)
    net.run(0.05)
    assert isinstance(caller.told[0], Refused)
    assert caller.told[0].status == 480
    second = caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.ring(called.told[-1].leg, net.now)
    net.run(0.05)
    caller.sip.hangup(second, net.now)
    net.drain()
    assert caller.of(Ended) == [Ended(second, "CANCEL", None, 487)]
    assert caller.names(first)[-1] == "Gone"
    assert_clean(caller, called)


def test_bye_in_an_early_dialog_ends_the_call_for_its_caller() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    incoming = called.told[0].leg
    called.sip.ring(incoming, net.now)
    net.run(0.05)
    ids = called.sip.identifiers(incoming)
    bye = (
        f"BYE sip:192.0.2.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKearly\r\nMax-Forwards: 70\r\n"
        f"From: {ids.to_header}\r\nTo: {ids.from_header}\r\nCall-ID: {ids.call_id}\r\nCSeq: 2 BYE\r\n\r\n"
    )
    net.inject(bye.encode(), CALLER, CALLED)
    net.drain()
    assert called.names() == ["Incoming", "Ended", "Gone"]
    assert caller.names(leg) == ["Provisional", "Refused", "Gone"]
    assert_clean(caller, called)


def test_an_unreachable_destination_fails_at_once() -> None:
    caller = Node(CALLER, 1)
    net = Wire(caller)
    first = caller.sip.invite(target(), net.now)
    second = caller.sip.invite(target(), net.now)
    other = caller.sip.invite(target(destination=Hop("192.0.2.9", 5060)), net.now)
    caller.sip.transport_failed(CALLED, net.now)
    caller.sip.transport_failed(other, net.now)
    net.drain()
    for leg in (first, second, other):
        assert caller.names(leg) == ["TransportFailed", "Gone"]
    assert_clean(caller)


def test_a_transport_error_does_not_end_a_call_that_rings() -> None:
    net, caller, called = pair()
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.ring(called.told[0].leg, net.now)
    net.run(0.05)
    caller.sip.transport_failed(CALLED, net.now)
    net.run(0.05)
    assert caller.names() == ["Provisional"]


def test_an_offerless_invite_is_answered_with_an_offer() -> None:
    net, caller, called = pair()
    caller.sip.invite(target(sdp=b""), net.now)
    net.run(0.05)
    incoming = called.told[0]
    assert isinstance(incoming, Incoming)
    assert incoming.sdp is None
    called.sip.answer(incoming.leg, ANSWER, net.now)
    net.run(0.05)
    assert caller.told == [Answered(1, 200, ANSWER)]


def test_commands_for_a_leg_that_is_gone_are_counted_and_ignored() -> None:
    net, caller, called, leg, incoming = established()
    caller.sip.hangup(leg, net.now)
    net.drain()
    called.sip.answer(incoming, ANSWER, net.now)
    called.sip.ring(incoming, net.now)
    called.sip.hangup(incoming, net.now)
    caller.sip.cancel(leg, net.now)
    caller.sip.reoffer(leg, SDP, net.now)
    assert called.sip.counters["late_commands"] == 3
    assert caller.sip.counters["late_commands"] == 2
    assert caller.sip.datagrams() == called.sip.datagrams() == []


def test_commands_that_could_never_be_right_raise() -> None:
    net, caller, called, leg, incoming = established()
    with pytest.raises(LocalSipError, match="never was a leg"):
        caller.sip.hangup(99, net.now)
    with pytest.raises(LocalSipError, match="outgoing call"):
        caller.sip.answer(leg, SDP, net.now)
    with pytest.raises(LocalSipError, match="incoming call"):
        called.sip.cancel(incoming, net.now)
    with pytest.raises(LocalSipError, match="answered already"):
        called.sip.answer(incoming, SDP, net.now)
    with pytest.raises(LocalSipError, match="no refusal"):
        called.sip.reject(incoming, 200, net.now)
    with pytest.raises(LocalSipError, match="no offer"):
        called.sip.reanswer(incoming, SDP, net.now)


@pytest.mark.parametrize(
    "changes",
    [
        {"from_display": "Eve\r\nX-Evil: 1"},
        {"from_uri": "sip:a@b>;tag=x,<sip:c"},
        {"request_uri": "sip:bob@192.0.2.2 SIP/2.0\r\nX: y"},
        {"to": "sip:bob@192.0.2.2\0"},
        {"headers": (("X-Campaign", "a\nb"),)},
        {"headers": (("X Campaign", "a"),)},
        {"headers": (("v", "SIP/2.0/UDP 198.51.100.1"),)},
        {"destination": Hop("buyer.example", 5060)},
        {"destination": Hop("192.0.2.2", 0)},
        {"destination": Hop("192.0.2.2", 99999999)},
        {"destination": Hop("0.0.0.0", 5060)},
    ],
)
def test_a_target_that_must_not_go_on_the_wire_is_refused_before_a_leg_exists(changes: dict[str, object]) -> None:
    caller = Node(CALLER, 1)
    with pytest.raises(LocalSipError):
        caller.sip.invite(target(**changes), 0.0)
    assert caller.sip.datagrams() == []
    assert caller.sip.live_legs == caller.sip.live_transactions == 0
    assert caller.sip.next_timer() is None


def test_answering_with_injection_leaves_the_leg_waiting() -> None:
    net, caller, called = pair()
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    incoming = called.told[0].leg
    with pytest.raises(LocalSipError):
        called.sip.reject(incoming, 486, net.now, "Busy\r\nX-Evil: 1")
    with pytest.raises(LocalSipError):
        called.sip.hangup(incoming, net.now, "Q.850\r\nX: y")
    called.sip.reject(incoming, 486, net.now)
    net.drain()
    assert not caller.of(CancelledLate)
    assert_clean(caller, called)
