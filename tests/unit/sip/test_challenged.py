"""Requests of ours that a peer wants proofs for: what leaves, in which order, how often, and when we give up."""

from __future__ import annotations

import re

import pytest
from tests.unit.sip.challenger import EVERYTHING, LOGIN, Challenger, answer, asking, put_before, requests
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    SDP,
    Node,
    Wire,
    assert_clean,
    request,
    target,
)

from trunkline.sip.digest import ALGORITHMS, Credentials
from trunkline.sip.digest_server import Verdict
from trunkline.sip.endpoint import Datagram
from trunkline.sip.events import (
    Answered,
    CancelledLate,
    Ended,
    Incoming,
    InfoReceived,
    NoResponse,
    Reanswered,
    Refused,
)
from trunkline.sip.hops import Hop

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("proxy", [False, True])
def test_a_challenged_call_leaves_again_after_the_ack(proxy: bool) -> None:
    net, caller, called = asking("INVITE", proxy=proxy)
    leg = caller.sip.invite(target(login=LOGIN, headers=(("X-Campaign", "7"),)), net.now)
    net.run(1.0)
    assert caller.told == [Answered(leg, 200, ANSWER)]
    asked = "407 INVITE" if proxy else "401 INVITE"
    assert net.starts() == ["INVITE", asked, "ACK", "INVITE", "100 INVITE", "200 INVITE", "ACK"]
    first, second = requests(net, "INVITE")
    assert (first.call_id, first.from_.tag, first.uri, first.body) == (
        second.call_id,
        second.from_.tag,
        second.uri,
        second.body,
    )
    assert second.to.tag is None
    assert (first.cseq.number, second.cseq.number) == (1, 2)
    assert first.via.branch != second.via.branch
    assert second.header("X-Campaign") == "7"
    name = "Proxy-Authorization" if proxy else "Authorization"
    assert first.header(name) is None
    assert len(second.lines(name)) == 1
    assert 'username="ac\\"me\\\\"' in (second.header(name) or "")
    hop, final = requests(net, "ACK")
    assert (hop.via.branch, hop.cseq.number) == (first.via.branch, 1)
    assert (final.cseq.number, final.header(name)) == (2, second.header(name)), "22.1: its ACK has the same proof"
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert requests(net, "BYE")[0].cseq.number == 3
    assert_clean(caller, called)
    assert b"s3cret" not in b"".join(sent.data for _, _, sent in net.sent)


@pytest.mark.parametrize("proxy", [False, True])
def test_every_request_in_a_call_may_be_challenged(proxy: bool) -> None:
    net, caller, called = asking(*EVERYTHING, proxy=proxy)
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    # Forget what was learnt, so that every one of them is asked for anew.
    forget = caller.sip._core.authenticator._hops.clear
    forget()
    caller.sip.reoffer(leg, SDP, net.now)
    net.run(1.0)
    forget()
    caller.sip.info(leg, "application/dtmf-relay", b"Signal=5", net.now)
    net.run(1.0)
    forget()
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert called.asked == {"INVITE": 2, "INFO": 1, "BYE": 1}
    assert [type(event) for event in caller.told[:2]] == [Answered, Reanswered]
    assert len(called.of(InfoReceived)) == 1
    assert called.names()[-2:] == ["Ended", "Gone"]
    numbers = [each.cseq.number for each in (*requests(net, "INFO"), *requests(net, "BYE"))]
    assert numbers == sorted(set(numbers)), "each try has a number of its own"
    assert_clean(caller, called)


def test_calls_after_the_first_cost_no_round_trip_more() -> None:
    net, caller, called = asking(*EVERYTHING)
    for _ in range(3):
        leg = caller.sip.invite(target(login=LOGIN), net.now)
        net.run(1.0)
        caller.sip.hangup(leg, net.now)
        net.run(1.0)
    assert called.asked == {"INVITE": 1}
    counts = [re.findall(r"nc=(\w+)", each.header("Authorization") or "") for each in requests(net, "INVITE")]
    assert counts == [[], ["00000001"], ["00000003"], ["00000005"]], "a BYE between them has the even ones"
    cnonces = [value for each in requests(net, "INVITE") for value in re.findall(r'cnonce="(\w+)"', str(each.headers))]
    assert len(set(cnonces)) == 3
    net.drain()
    assert_clean(caller, called)


def test_what_was_learnt_is_not_told_to_another_hop_or_for_another_login() -> None:
    net, caller, _ = asking("INVITE")
    caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    for other in (
        target(login=LOGIN, destination=Hop("192.0.2.9", 5060)),
        target(login=Credentials("other", "someone", "x")),
        target(),
    ):
        caller.sip.invite(other, net.now)
        net.flush()
        assert requests(net, "INVITE")[-1].header("Authorization") is None


def test_a_wrong_password_is_tried_once() -> None:
    net, caller, called = asking("INVITE")
    leg = caller.sip.invite(target(login=Credentials("carrier", LOGIN.username, "wrong")), net.now)
    net.drain()
    refused = caller.of(Refused)
    assert [(event.status, event.leg) for event in refused if isinstance(event, Refused)] == [(401, leg)]
    assert caller.names() == ["Refused", "Gone"]
    assert net.starts(CALLER) == ["INVITE", "ACK", "INVITE", "ACK"]
    assert called.verdicts == [("INVITE", Verdict.NONE), ("INVITE", Verdict.WRONG)]
    assert caller.sip.counters["credentials_refused"] == 1
    assert_clean(caller, called)


def test_without_credentials_or_with_a_challenge_of_no_use_the_refusal_is_told() -> None:
    for rewrite, login in ((str, None), (lambda line: line.replace("Digest", "Token"), LOGIN)):
        caller = Node(CALLER, 1)
        called = Challenger(CALLED, 2, "INVITE", rewrite=rewrite)
        net = Wire(caller, called)
        caller.sip.invite(target(login=login), net.now)
        net.drain()
        assert net.starts(CALLER) == ["INVITE", "ACK"]
        assert caller.names() == ["Refused", "Gone"]
        assert_clean(caller, called)


def test_a_stale_nonce_is_replaced_without_the_owner_hearing_of_it() -> None:
    net, caller, called = asking("INVITE")
    called.server._life_ms = 5_000
    for _ in range(2):
        leg = caller.sip.invite(target(login=LOGIN), net.now)
        net.run(1.0)
        caller.sip.hangup(leg, net.now)
        net.run(10.0)
    assert [verdict for _, verdict in called.verdicts] == [
        Verdict.NONE,
        Verdict.PROVED,
        Verdict.STALE,
        Verdict.PROVED,
    ]
    assert len(caller.of(Answered)) == 2


def test_a_server_that_forgets_its_nonces_without_saying_stale_is_answered_once() -> None:
    """After a restart of its own it asks anew, and what was sent ahead counts as no answer."""
    net, caller, called = asking("INVITE")
    caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    called.server._secret = b"restarted"
    called.rewrite = lambda line: line.replace("stale=true, ", "")
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    assert caller.of(Answered, leg)


def test_a_peer_that_finds_every_nonce_stale_is_given_up() -> None:
    net, caller, called = asking("INVITE")
    called.server._life_ms = -1
    caller.sip.invite(target(login=LOGIN), net.now)
    net.drain()
    assert net.starts(CALLER) == ["INVITE", "ACK"] * 4
    assert caller.names() == ["Refused", "Gone"]
    assert_clean(caller, called)


def test_a_proxy_and_the_called_side_behind_it_are_both_answered() -> None:
    caller, called = Node(CALLER, 1), Challenger(CALLED, 2, "INVITE")
    put_before(called, realm="here")
    net = Wire(caller, called)
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    assert net.starts(CALLER) == ["INVITE", "ACK", "INVITE", "ACK", "INVITE", "ACK"]
    last = requests(net, "INVITE")[-1]
    assert len(last.lines("Authorization")) == len(last.lines("Proxy-Authorization")) == 1
    assert caller.told == [Answered(leg, 200, ANSWER)]


# -- giving up, timers, loss -----------------------------------------------------------------------------------------


def test_a_cancel_is_for_the_invite_that_is_pending_now() -> None:
    net, caller, called = asking("INVITE")
    called.act = lambda event, now: called.sip.ring(event.leg, now) if isinstance(event, Incoming) else None
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    caller.sip.cancel(leg, net.now)
    net.drain()
    (cancel,), second = requests(net, "CANCEL"), requests(net, "INVITE")[1]
    assert (cancel.via.branch, cancel.cseq.number) == (second.via.branch, 2)
    assert cancel.header("Authorization") is None
    assert caller.of(Ended) == [Ended(leg, "CANCEL", None, 487)]
    assert_clean(caller, called)


def test_a_cancel_waits_until_the_second_invite_was_heard_of() -> None:
    """100 to the first INVITE allows no CANCEL of the second (9.1)."""
    net, caller, called = asking("INVITE")
    called.act = lambda event, now: None
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(0.005)
    first = requests(net, "INVITE")[0]
    trying = "\r\n".join(
        ["SIP/2.0 100 Trying", *(f"{name}: {first.header(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq"))]
    )
    net.inject(f"{trying}\r\nContent-Length: 0\r\n\r\n".encode(), CALLED, CALLER)
    net.run(0.025)
    assert net.starts(CALLER) == ["INVITE", "ACK", "INVITE"]
    caller.sip.cancel(leg, net.now)
    net.run(0.2)
    assert "CANCEL" not in net.starts(CALLER)
    called.sip.trying(called.told[0].leg, net.now)
    net.drain()
    assert net.starts(CALLER)[-2:] == ["CANCEL", "ACK"]
    assert_clean(caller, called)


def test_an_invite_that_was_given_up_is_not_sent_again() -> None:
    net, caller, called = asking("INVITE", delay_s=0.2)
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(0.1)
    caller.sip.cancel(leg, net.now)
    net.drain()
    assert net.starts(CALLER) == ["INVITE", "ACK"]
    assert caller.names() == ["Ended", "Gone"]
    assert_clean(caller, called)


def test_an_answer_that_crosses_the_cancel_of_the_second_invite_is_hung_up() -> None:
    net, caller, called = asking("INVITE", "BYE", delay_s=0.1)
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(0.35)
    caller.sip.cancel(leg, net.now)
    net.drain()
    assert caller.of(CancelledLate, leg)
    assert called.names()[-2:] == ["Ended", "Gone"]
    assert_clean(caller, called)


def test_silence_after_the_challenge_has_its_own_patience() -> None:
    net, caller, called = asking("INVITE")
    net.pass_through = lambda source, sent: not (source == CALLER and b"Authorization:" in sent.data)
    leg = caller.sip.invite(target(login=LOGIN, first_response_s=4.0), net.now)
    net.drain()
    assert caller.of(NoResponse) == [NoResponse(leg, 4.0)]
    assert_clean(caller, called)


@pytest.mark.parametrize("lost", range(8))
def test_any_one_message_may_be_lost(lost: int) -> None:
    net, caller, called = asking(*EVERYTHING)
    sent = 0

    def lose_one(source: Hop, datagram: Datagram) -> bool:
        nonlocal sent
        sent += 1
        return sent - 1 != lost

    net.pass_through = lose_one
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(20.0)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert caller.of(Answered, leg)
    assert [event for event in called.told if isinstance(event, Ended)]
    assert len(called.of(Incoming)) == 1, "one call, however often it was asked for"
    assert_clean(caller, called)


@pytest.mark.parametrize("seed", range(6))
def test_calls_with_proofs_survive_a_bad_network(seed: int) -> None:
    net, caller, called = asking(*EVERYTHING, seed=seed, loss=0.15, duplicate=0.1, reorder=0.2)
    legs = [caller.sip.invite(target(login=LOGIN, first_response_s=None), net.now) for _ in range(20)]
    net.run(60.0)
    for leg in legs:
        caller.sip.hangup(leg, net.now)
    net.drain()
    assert len(caller.of(Answered)) == 20
    assert len(called.of(Incoming)) == 20
    assert_clean(caller, called)


# -- the other way round ---------------------------------------------------------------------------------------------


def test_our_bye_in_a_call_that_came_in_is_proved_when_the_carriers_proxy_asks() -> None:
    ours = Node(CALLED, 2)
    carrier = Challenger(CALLER, 1, "BYE", proxy=True)
    net = Wire(ours, carrier)
    carrier.sip.invite(target(), net.now)
    net.run(0.1)
    incoming = ours.told[0].leg
    ours.sip.answer(incoming, ANSWER, net.now)
    ours.sip.use_login(incoming, Credentials("carrier", LOGIN.username, LOGIN.password, realm="here"))
    net.run(0.1)
    ours.sip.hangup(incoming, net.now)
    net.drain()
    assert carrier.asked == {"BYE": 1}
    assert carrier.names()[-2:] == ["Ended", "Gone"]
    assert ours.names()[-1] == "Gone"


def test_the_nonce_that_a_server_hands_out_for_the_next_request_is_used() -> None:
    net, caller, called = asking("INVITE")
    caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    handed = called.server._nonce(int(net.now * 1000), "abc", CALLER[0])
    again = caller.sip.prepare(target(login=LOGIN))
    branch = again.identifiers().branch
    caller.sip.launch(again, net.now)
    sent = caller.sip.datagrams()[0]
    invite = request(sent.data)
    lines = [f"{name}: {invite.header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    reply = ["SIP/2.0 200 OK", *lines, f"To: {invite.header('To')};tag=x", f'Authentication-Info: nextnonce="{handed}"']
    assert branch in invite.header("Via")  # type: ignore[operator]
    caller.sip.receive("\r\n".join([*reply, "Content-Length: 0", "", ""]).encode(), CALLED, net.now)
    caller.sip.datagrams()
    following = caller.sip.prepare(target(login=LOGIN))
    assert f'nonce="{handed}"'.encode() in following.data
    assert b"nc=00000001" in following.data


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_is_spoken_by_both_sides(algorithm: str) -> None:
    caller = Node(CALLER, 1)
    called = Challenger(CALLED, 2, "INVITE", offered=(ALGORITHMS[algorithm].name,))
    called.act = lambda event, now: answer(called, event, now)
    net = Wire(caller, called)
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    assert caller.told == [Answered(leg, 200, ANSWER)]
