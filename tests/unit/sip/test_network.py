"""What a real network does to calls: loss, duplicates, disorder, forks; measured failures of other stacks by name."""

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
    raw,
    request,
    response,
    target,
)

from trunkline.sip.events import Answered, CancelledLate, Ended, Incoming, Provisional, Refused, SipEvent
from trunkline.sip.hops import Hop
from trunkline.sip.message import Request

pytestmark = pytest.mark.unit

PROXY = Hop("192.0.2.99", 5060)


def called_tag(data: bytes) -> bytes:
    """The To tag of a response."""
    return (response(data).to.tag or "").encode()


def provisional(to: Request, status: int) -> bytes:
    """A provisional response by hand."""
    kept = [(name, value) for name, value in to.headers if name in ("Via", "From", "To", "Call-ID", "CSeq")]
    lines = [f"SIP/2.0 {status} Trying", *(f"{name}: {value}" for name, value in kept), "", ""]
    return "\r\n".join(lines).encode()


def scripted(called: Node) -> None:
    """The called side rings and then answers, as a buyer does."""

    def act(event: SipEvent, now: float) -> None:
        if isinstance(event, Incoming):
            called.sip.trying(event.leg, now)
            called.sip.ring(event.leg, now)
            called.sip.answer(event.leg, ANSWER, now)

    called.act = act


@pytest.mark.parametrize("seed", range(10))
def test_ten_percent_loss_on_both_sides_fails_no_call(seed: int) -> None:
    """aiosipua completes 156 of 200. Ten seeds of twenty calls: all must stand, and end, on both sides."""
    net, caller, called = pair(seed=seed, loss=0.1, delay_s=0.02)
    scripted(called)
    legs = []
    for _ in range(20):
        # Four lost round trips out of four do happen (0.1 %), so patience is Timer B here, as sipp's is.
        legs.append(caller.sip.invite(target(first_response_s=None), net.now))
        net.run(0.5)
    net.run(30.0)
    assert len(caller.of(Answered)) == 20
    assert called.names().count("Acknowledged") == 20
    assert called.names().count("Incoming") == 20, "a repeated INVITE is never a second call"
    for leg in legs:
        caller.sip.hangup(leg, net.now)
    net.drain()
    assert len(called.of(Ended)) == 20
    assert_clean(caller, called)


@pytest.mark.parametrize("seed", range(5))
def test_loss_duplicates_and_disorder_together(seed: int) -> None:
    net, caller, called = pair(seed=seed, loss=0.15, duplicate=0.3, reorder=0.3, delay_s=0.02)
    scripted(called)
    for turn in range(10):
        leg = caller.sip.invite(target(first_response_s=None), net.now)
        net.run(0.2 * turn)
        caller.sip.hangup(leg, net.now)
    net.drain()
    assert called.names().count("Incoming") == 10
    assert_clean(caller, called)


def test_duplicate_invite_before_the_answer_makes_no_second_call() -> None:
    """aiosipua dials the buyer twice."""
    called = Node(CALLED, 2)
    net = Wire(called)
    net.inject(raw(), CALLER, CALLED)
    net.inject(raw(), CALLER, CALLED)
    assert net.sent == [], "nothing to repeat yet"
    called.sip.ring(1, net.now)
    net.inject(raw(), CALLER, CALLED)
    assert called.names() == ["Incoming"]
    assert net.starts() == ["180 INVITE", "180 INVITE"]
    assert net.sent[0][2] == net.sent[1][2]


def test_duplicate_invite_after_200_gets_200_again_until_the_ack() -> None:
    """aiosipua answers 481."""
    called = Node(CALLED, 2)
    net = Wire(called)
    net.inject(raw(), CALLER, CALLED)
    called.sip.answer(1, ANSWER, net.now)
    net.inject(raw(), CALLER, CALLED)
    assert net.starts() == ["200 INVITE", "200 INVITE"]
    tag = called.sip.identifiers(1).local_tag
    ack = raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1)
    net.inject(ack.replace(b"z9hG4bKraw1", b"z9hG4bKack1"), CALLER, CALLED)
    assert called.names() == ["Incoming", "Acknowledged"]
    net.inject(raw(), CALLER, CALLED)
    assert len(net.sent) == 2, "RFC 6026: absorbed"
    assert called.sip.counters["retransmissions_in"] == 2


def test_ack_of_a_2xx_with_the_branch_of_the_invite_is_understood() -> None:
    called = Node(CALLED, 2)
    net = Wire(called)
    net.inject(raw(), CALLER, CALLED)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    tag = called.sip.identifiers(1).local_tag
    net.inject(raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1), CALLER, CALLED)
    assert called.names() == ["Incoming", "Acknowledged"]


def test_a_refusal_is_never_left_without_ack() -> None:
    """aiosipua never acknowledges a 486. The ACK is repeated for every copy of the 486."""
    net, caller, called = pair()
    net.pass_through = lambda source, datagram: not (datagram.data.startswith(b"ACK") and net.now < 3.0)
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.reject(called.told[0].leg, 486, net.now)
    net.drain()
    # G: 0, 0.5, 1.5, 3.5 after the first.
    assert net.starts(CALLED) == ["486 INVITE"] * 4
    assert net.starts(CALLER) == ["INVITE", "ACK", "ACK", "ACK", "ACK"]
    assert len(caller.of(Refused)) == 1
    assert called.sip.counters["refusals_unacknowledged"] == 0
    assert_clean(caller, called)


def test_a_repeated_200_is_acknowledged_again_even_when_it_differs() -> None:
    """sippy does so only for an identical datagram."""
    net, caller, called = pair()
    net.pass_through = lambda source, datagram: not (datagram.data.startswith(b"ACK") and net.now < 1.0)
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.answer(called.told[0].leg, ANSWER, net.now)
    net.run(10.0)
    acks = [each.data for _, _, each in net.sent if each.data.startswith(b"ACK")]
    assert len(acks) == 3
    assert len(set(acks)) == 1
    ok = next(each.data for _, _, each in net.sent if each.data.startswith(b"SIP/2.0 200"))
    net.inject(ok.replace(b"Server: Trunkline", b"Server: Other"), CALLED, CALLER)
    assert net.starts(CALLER).count("ACK") == 4
    assert caller.names() == ["Answered"]


def test_a_bye_is_repeated_until_it_is_answered() -> None:
    """aiosipua fires and forgets it."""
    net, caller, _called, leg, _ = established()
    start = net.now
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"BYE")
    caller.sip.hangup(leg, net.now)
    net.run(40.0)
    sent = [round(at - start, 1) for at, _, each in net.sent if each.data.startswith(b"BYE")]
    assert sent == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert caller.names(leg)[-1] == "Gone"


def test_a_1xx_slows_a_bye_down_but_does_not_stop_it() -> None:
    """sippy stops on 1xx (17.1.2.2 says every T2)."""
    net, caller, _called, leg, _ = established()
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"BYE")
    caller.sip.hangup(leg, net.now)
    net.flush()
    bye = request(net.sent[-1][2].data)
    net.inject(provisional(bye, 100), CALLED, CALLER)
    start = net.now
    net.run(9.0)
    sent = [round(at - start, 1) for at, _, each in net.sent if each.data.startswith(b"BYE")]
    assert sent == [0.0, 4.0, 8.0]


@pytest.mark.parametrize("late", [False, True])
def test_a_second_fork_that_answers_gets_ack_and_bye(late: bool) -> None:
    """sippy leaves it without any reply. `late`: the first call is over already."""
    net, caller, called, leg, _ = established()
    ok = next(each.data for _, _, each in net.sent if each.data.startswith(b"SIP/2.0 200"))
    if late:
        caller.sip.hangup(leg, net.now)
        net.run(1.0)
    before = len(net.sent)
    tag = called_tag(ok)
    other = ok.replace(tag, b"otherfork").replace(b"<sip:192.0.2.2:5060>", b"<sip:fork@192.0.2.7:5070>")
    net.inject(other, CALLED, CALLER)
    extra = [each for _, _, each in net.sent[before:]]
    assert [request(each.data).method for each in extra] == ["ACK", "BYE"]
    for each in extra:
        assert each.destination == Hop("192.0.2.7", 5070)
        assert request(each.data).to.tag == "otherfork"
    net.inject(other, CALLED, CALLER)
    assert net.starts(CALLER)[-1] == "ACK", "repeated: acknowledged, not hung up twice"
    assert caller.names(leg).count("Answered") == 1
    net.pass_through = lambda source, datagram: True
    if not late:
        caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def test_forks_are_limited() -> None:
    net, caller, _called, _leg, _ = established()
    ok = next(each.data for _, _, each in net.sent if each.data.startswith(b"SIP/2.0 200"))
    for number in range(50):
        net.inject(ok.replace(called_tag(ok), b"fork%d" % number), CALLED, CALLER)
    assert net.starts(CALLER).count("BYE") == 7
    assert caller.sip.counters["refused_forks"] == 43


def test_repeated_ringing_is_told_once() -> None:
    net, caller, called = pair()
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    for status in (180, 180, 183, 183, 180):
        called.sip.ring(1, net.now, status)
    net.run(0.05)
    assert caller.told == [Provisional(1, 180, None), Provisional(1, 183, None), Provisional(1, 180, None)]


def test_record_route_and_contact_are_followed_on_both_sides() -> None:
    """aiosipua ignores both on outgoing calls. A proxy in the middle must see every request of the dialog."""
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.flush()
    invite = net.sent[0][2].data
    net.run(0.005)
    net._queue.clear()
    via_proxy = invite.replace(
        b"Max-Forwards: 70",
        b"Record-Route: <sip:192.0.2.99;lr>, <sip:192.0.2.98:5066;lr;x=1>\r\nMax-Forwards: 69",
    )
    net.inject(via_proxy, PROXY, CALLED)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    ok = next(each for _, _, each in net.sent if each.data.startswith(b"SIP/2.0 200"))
    assert ok.destination == PROXY, "rport: the response goes where the request came from"
    assert b"Record-Route: <sip:192.0.2.99;lr>, <sip:192.0.2.98:5066;lr;x=1>" in ok.data
    net.inject(ok.data, PROXY, CALLER)
    ack = net.sent[-1][2]
    assert ack.destination == Hop("192.0.2.98", 5066)
    assert request(ack.data).uri == "sip:192.0.2.2:5060"
    assert request(ack.data).values("Route") == ["<sip:192.0.2.98:5066;lr;x=1>", "<sip:192.0.2.99;lr>"]
    called.sip.hangup(1, net.now)
    caller.sip.hangup(leg, net.now)
    net.flush()
    net.inject(ack.data, PROXY, CALLED)
    bye_up, bye_down = (
        next(each for _, source, each in net.sent if source == who and each.data.startswith(b"BYE"))
        for who in (CALLED, CALLER)
    )
    assert bye_up.destination == PROXY
    assert request(bye_up.data).values("Route") == ["<sip:192.0.2.99;lr>", "<sip:192.0.2.98:5066;lr;x=1>"]
    assert bye_down.destination == Hop("192.0.2.98", 5066)


def test_a_strict_router_gets_itself_as_request_uri() -> None:
    net, caller, _called, leg, _incoming = established()
    dialog = caller.sip._core.legs[leg].dialog
    assert dialog is not None
    dialog.route_set = ("<sip:192.0.2.99:5061?x=y>", "<sip:192.0.2.98;lr>")
    caller.sip.hangup(leg, net.now)
    net.flush()
    bye = net.sent[-1][2]
    assert bye.destination == Hop("192.0.2.99", 5061)
    assert request(bye.data).uri == "sip:192.0.2.99:5061"
    assert request(bye.data).values("Route") == ["<sip:192.0.2.98;lr>", "<sip:192.0.2.2:5060>"]


def test_a_contact_with_a_name_is_reached_where_its_packets_come_from() -> None:
    called = Node(CALLED, 2)
    net = Wire(called)
    source = Hop("198.51.100.7", 40000)
    net.inject(raw(Contact="<sip:alice@sbc.carrier.example;transport=UDP>"), source, CALLED)
    called.sip.answer(1, ANSWER, net.now)
    tag = called.sip.identifiers(1).local_tag
    net.inject(raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1), source, CALLED)
    called.sip.hangup(1, net.now)
    net.flush()
    bye = net.sent[-1][2]
    assert bye.destination == source
    assert request(bye.data).uri == "sip:alice@sbc.carrier.example;transport=UDP"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "169.254.169.254:80", "[::1]:6379", "[::ffff:127.0.0.1]:22"])
def test_nobody_outside_makes_us_talk_to_services_of_our_own(host: str) -> None:
    called = Node(CALLED, 2)
    net = Wire(called)
    source = Hop("198.51.100.7", 40000)
    net.inject(raw(Contact=f"<sip:alice@{host};transport=tcp>"), source, CALLED)
    called.sip.answer(1, ANSWER, net.now)
    tag = called.sip.identifiers(1).local_tag
    net.inject(raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1), source, CALLED)
    called.sip.hangup(1, net.now)
    net.flush()
    assert net.sent[-1][2].destination == source


def test_a_2xx_with_a_useless_contact_can_still_be_hung_up() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.answer(1, ANSWER, net.now)
    called.sip.datagrams()
    called.sip.handle_timer(net.now + 0.5)
    ok = called.sip.datagrams()[0].data
    net.inject(ok.replace(b"<sip:192.0.2.2:5060>", b"<sip:bob@192.0.2.2:99999999>"), CALLED, CALLER)
    net.run(1.0)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert caller.names(leg) == ["Answered", "Gone"]
    assert_clean(caller, called)


def test_a_cancelled_call_whose_487_never_comes_is_freed() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.ring(1, net.now)
    net.run(0.05)
    net.pass_through = lambda source, datagram: source != CALLED
    caller.sip.cancel(leg, net.now)
    net.drain()
    assert caller.told[-2:-1] == [Ended(leg, "CANCEL", None, None)]
    assert not caller.of(CancelledLate)
    assert_clean(caller, called)


def test_sdp_of_a_call_is_passed_as_it_came() -> None:
    _, caller, called, leg, _ = established()
    answered = caller.of(Answered)[0]
    incoming = called.of(Incoming)[0]
    assert isinstance(answered, Answered)
    assert isinstance(incoming, Incoming)
    assert (answered.sdp, incoming.sdp) == (ANSWER, SDP)
    assert answered.leg == leg


def test_a_transport_error_frees_a_leg_that_is_being_hung_up() -> None:
    net, caller, _called, leg, _ = established()
    caller.sip.hangup(leg, net.now)
    net.nodes.pop(CALLED)
    caller.sip.transport_failed(leg, net.now)
    net.flush()
    assert caller.names(leg) == ["Answered", "Gone"]
    net.drain()
    assert_clean(caller)


def test_trying_after_ringing_does_not_take_the_ringing_back() -> None:
    called = Node(CALLED, 2)
    net = Wire(called)
    net.inject(raw(), CALLER, CALLED)
    called.sip.ring(1, net.now)
    called.sip.trying(1, net.now)
    net.inject(raw(), CALLER, CALLED)
    assert net.starts() == ["180 INVITE", "180 INVITE"]


def test_a_datagram_no_socket_could_send_is_dropped() -> None:
    net, caller, _called, leg, _ = established()
    caller.sip.info(leg, "application/dtmf", b"5" * 65_500, net.now)
    assert caller.sip.datagrams() == []
    assert caller.sip.counters["undeliverable"] == 1
