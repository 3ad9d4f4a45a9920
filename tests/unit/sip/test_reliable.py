"""Reliable provisional responses and PRACK (RFC 3262), UPDATE before the answer (RFC 3311), early dialogs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    SDP,
    Node,
    Wire,
    assert_clean,
    pair,
    raw,
    request,
    response,
    target,
)

from trunkline.sip.endpoint import CallTerms, Datagram, EndpointConfig
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Acknowledged, Answered, AnswerSent, Ended, Incoming, Provisional, Reanswered, Reoffered

pytestmark = pytest.mark.unit

INSIST = CallTerms(reliable="required")
OFFER = CallTerms(reliable="supported")
HOLD = SDP.replace(b"4000", b"4010")


def rung(terms: CallTerms = INSIST, **wire: float) -> tuple[Wire, Node, Node, int, int]:
    """A call that has arrived with an INVITE of these terms: wire, caller, called, and the leg of each."""
    net, caller, called = pair(None, **wire)
    leg = caller.sip.invite(target(terms=terms), net.now)
    net.run(0.05)
    incoming = called.told[0]
    assert isinstance(incoming, Incoming)
    return net, caller, called, leg, incoming.leg


def test_a_caller_that_insists_gets_reliable_ringing_and_acknowledges_each() -> None:
    net, caller, called, leg, incoming = rung()
    called.sip.ring(incoming, net.now)
    called.sip.ring(incoming, net.now, 181)
    net.run(0.2)
    called.sip.answer(incoming, ANSWER, net.now)
    net.run(0.2)
    assert net.starts() == [
        "INVITE", "180 INVITE", "PRACK", "200 PRACK", "181 INVITE", "PRACK", "200 PRACK", "200 INVITE", "ACK",
    ]  # fmt: skip
    first, second = (response(each.data) for _, _, each in net.sent if b" 18" in each.data[:12])
    assert first.header("Require") == "100rel"
    assert int(second.header("RSeq") or 0) == int(first.header("RSeq") or 0) + 1
    assert caller.names() == ["Provisional", "Provisional", "Answered"]
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


@pytest.mark.parametrize(("caller_terms", "ours", "reliably"), [
    (OFFER, OFFER, True), (OFFER, INSIST, True), (OFFER, CallTerms(), False), (CallTerms(), INSIST, False),
])  # fmt: skip
def test_who_gets_reliable_responses(caller_terms: CallTerms, ours: CallTerms, reliably: bool) -> None:
    net, _caller, called, _leg, incoming = rung(caller_terms)
    called.sip.set_terms(incoming, ours)
    called.sip.ring(incoming, net.now)
    net.run(0.05)
    assert ("PRACK" in net.starts()) is reliably


def test_an_answer_waits_for_the_prack_of_an_early_one_and_brings_none_again() -> None:
    net, caller, called, leg, incoming = rung()
    called.sip.ring(incoming, net.now, 183, ANSWER)
    assert not called.sip.answer(incoming, ANSWER, net.now)
    net.flush()
    assert net.starts(CALLED) == ["183 INVITE"], "3: the 2xx must not overtake the answer"
    assert not called.of(AnswerSent)
    net.run(0.2)
    assert called.told[1:3] == [AnswerSent(incoming), Acknowledged(incoming)]
    assert net.starts(CALLED) == ["183 INVITE", "200 PRACK", "200 INVITE"]
    assert response(net.sent[-2][2].data).sdp is None, "RFC 3261 13.2.1: the exchange is over"
    assert caller.told == [Provisional(leg, 183, ANSWER), Answered(leg, 200, ANSWER)]
    called.sip.hangup(incoming, net.now)
    net.drain()
    assert_clean(caller, called)


def test_a_caller_that_insists_and_offers_nothing_is_waited_for_without_a_word() -> None:
    """No reliable response can be sent to it and no other may be: there is nothing to repeat each minute."""
    net = Wire(called := Node(CALLED, 2))
    net.inject(
        raw(Require="100rel", Content_Type="", Content_Length="0").partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
        CALLER,
        CALLED,
    )
    incoming = called.told[0]
    assert isinstance(incoming, Incoming)
    assert incoming.sdp is None
    called.sip.ring(incoming.leg, net.now)
    net.run(130)
    assert net.starts(CALLED) == []
    called.sip.reject(incoming.leg, 486, net.now)
    net.drain()
    assert_clean(called)


def test_an_answer_waits_for_no_prack_of_mere_ringing() -> None:
    net, caller, called, leg, incoming = rung()
    called.sip.ring(incoming, net.now)
    assert called.sip.answer(incoming, ANSWER, net.now)
    net.run(0.2)
    assert net.starts(CALLED) == ["180 INVITE", "200 INVITE", "200 PRACK"], "3: a late PRACK is still answered"
    assert not called.of(AnswerSent), "it has left at once"
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def test_a_response_nobody_acknowledges_is_repeated_and_then_ends_the_call() -> None:
    net, caller, called, _leg, incoming = rung()
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"PRACK")
    called.sip.ring(incoming, net.now, 183, ANSWER)
    net.drain()
    sent = [round(at, 2) for at, _, each in net.sent if each.data.startswith(b"SIP/2.0 183")]
    gaps = [round(later - before, 1) for before, later in pairwise(sent)]
    assert gaps == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0], "3: T1, doubling, until 64*T1"
    assert called.told[1:2] == [Ended(incoming, "PRACK", None, 504)]
    assert caller.names()[-2:] == ["Refused", "Gone"]
    assert_clean(caller, called)


def test_a_prack_that_matches_nothing_gets_481() -> None:
    net, caller, called, leg, incoming = rung()
    called.sip.ring(incoming, net.now)
    net.run(0.05)
    early = next(iter((caller.sip._core.legs[leg].early or {}).values())).dialog
    for rack in ("", "7 1 INVITE", f"{2**31} 1 INVITE", "x"):
        prack = caller.sip._core.in_dialog(early, "PRACK").encode([f"RAck: {rack}"] if rack else [])
        net.inject(prack, CALLER, CALLED)
        assert net.starts()[-1] == "481 PRACK"
    assert called.sip.counters["refused_prack"] == 4


def test_a_prack_is_for_the_response_and_the_invite_that_it_names() -> None:
    net = Wire(called := Node(CALLED, 2))
    described = {"Content_Type": "application/sdp", "Content_Length": str(len(SDP))}
    net.inject(raw(Require="100rel", **described) + SDP, CALLER, CALLED)
    called.sip.ring(1, net.now)
    net.flush()
    sent = response(net.sent[-1][2].data)
    rseq = sent.header("RSeq")
    racks = (f"{rseq} 2 INVITE", f"{rseq} 0 INVITE", f"{rseq} 1 UPDATE", f"{rseq} 1 invite", f"{rseq} 1 INVITE")
    for number, rack in enumerate(racks):
        via = f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp{number};rport"
        prack = raw(method("PRACK", sent.header("To") or ""), CSeq=f"{number + 2} PRACK", Via=via, RAck=rack)
        net.inject(prack, CALLER, CALLED)
        assert net.starts()[-1] == ("200 PRACK" if number == 4 else "481 PRACK"), rack
    assert called.sip.counters["refused_prack"] == 4


def test_the_offer_may_be_ours_and_the_answer_in_the_prack() -> None:
    net = Wire(called := Node(CALLED, 2))
    net.inject(raw(Require="100rel", Supported="100rel"), CALLER, CALLED)
    called.sip.ring(1, net.now)
    net.flush()
    assert net.starts() == [], "RFC 3261 13.2.1: the first reliable response must make the offer, and this one has none"
    called.sip.ring(1, net.now, 183, ANSWER)
    net.flush()
    sent = response(net.sent[-1][2].data)
    assert sent.sdp == ANSWER
    prack = raw(
        method("PRACK", sent.header("To") or ""),
        CSeq="2 PRACK", Via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp;rport", RAck=f"{sent.header('RSeq')} 1 INVITE",
        Content_Type="application/sdp", Content_Length=str(len(SDP)),
    )  # fmt: skip
    net.inject(prack + SDP, CALLER, CALLED)
    assert called.told[-1] == Reanswered(1, SDP)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    assert response(net.sent[-1][2].data).sdp is None
    ack = raw(method("ACK", sent.header("To") or ""), CSeq="1 ACK", Via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;rport")
    net.inject(ack, CALLER, CALLED)
    assert called.told[-1] == Acknowledged(1, None)


def method(name: str, to: str) -> str:
    """A request in the dialog of the raw INVITE."""
    from tests.unit.sip.wire import INVITE

    return INVITE.replace("INVITE", name).replace("To: <sip:bob@192.0.2.2>", f"To: {to}")


def test_repetitions_are_dropped_and_gaps_left_for_the_repetition() -> None:
    net = Wire(caller := Node(CALLER, 1))
    leg = caller.sip.invite(target(terms=OFFER), 0.0)
    net.flush()
    invite = request(net.sent[0][2].data)
    net.inject(ringing(invite, 180, 5), CALLED, CALLER)
    net.inject(ringing(invite, 180, 5), CALLED, CALLER)
    net.inject(ringing(invite, 183, 7), CALLED, CALLER)
    assert net.starts() == ["INVITE", "PRACK"]
    assert request(net.sent[-1][2].data).header("RAck") == "5 1 INVITE"
    net.inject(ringing(invite, 182, 6), CALLED, CALLER)
    net.inject(ringing(invite, 183, 7), CALLED, CALLER)
    assert [event.status for event in caller.of(Provisional)] == [180, 182, 183]  # type: ignore[attr-defined]
    pracks = [request(each.data) for _, _, each in net.sent if each.data.startswith(b"PRACK")]
    assert [(prack.header("RAck"), prack.cseq.number) for prack in pracks] == [
        ("5 1 INVITE", 2), ("6 1 INVITE", 3), ("7 1 INVITE", 4),
    ]  # fmt: skip
    net.inject(final(invite), CALLED, CALLER)
    caller.sip.hangup(leg, net.now)
    net.flush()
    assert request(net.sent[-1][2].data).cseq.number == 5, "the numbers of the early dialog go on"


def test_every_fork_has_a_dialog_and_a_numbering_of_its_own() -> None:
    net = Wire(caller := Node(CALLER, 1))
    leg = caller.sip.invite(target(terms=OFFER), 0.0)
    net.flush()
    invite = request(net.sent[0][2].data)
    for tag in ("one", "two"):
        net.inject(ringing(invite, 180, 9, tag), CALLED, CALLER)
    pracks = [request(each.data) for _, _, each in net.sent if each.data.startswith(b"PRACK")]
    assert [prack.to.tag for prack in pracks] == ["one", "two"]
    assert len(caller.sip._core.dialogs) == 2
    for index in range(20):
        net.inject(ringing(invite, 180, 9, f"more{index}"), CALLED, CALLER)
    assert len(caller.sip._core.dialogs) == caller.sip._core.config.state_limits.max_forks
    net.inject(final(invite, "two"), CALLED, CALLER)
    assert caller.told[-1] == Answered(leg, 200, ANSWER)
    net.inject(final(invite, "one"), CALLED, CALLER)
    assert net.starts()[-2:] == ["ACK", "BYE"], "13.2.2.4: the other answer is acknowledged and hung up"
    assert request(net.sent[-1][2].data).to.tag == "one"


def ringing(invite: object, status: int, rseq: int, tag: str = "b", sdp: bytes = b"") -> bytes:
    """A reliable provisional response to an INVITE of ours."""
    return reply(invite, f"{status} Ringing", tag, f"Require: 100rel\r\nRSeq: {rseq}\r\nAllow: UPDATE\r\n", sdp)


def final(invite: object, tag: str = "b") -> bytes:
    """The 2xx."""
    return reply(invite, "200 OK", tag, "Content-Type: application/sdp\r\n", ANSWER)


def reply(invite: object, start: str, tag: str, extra: str, body: bytes) -> bytes:
    """A response to an INVITE of ours."""
    header = invite.header  # type: ignore[attr-defined]
    kind = "" if not body or "Content-Type" in extra else "Content-Type: application/sdp\r\n"
    return (
        f"SIP/2.0 {start}\r\nVia: {header('Via')}\r\nFrom: {header('From')}\r\nTo: {header('To')};tag={tag}\r\n"
        f"Call-ID: {header('Call-ID')}\r\nCSeq: {header('CSeq')}\r\nContact: <sip:bob@192.0.2.2:5060>\r\n"
        f"{extra}{kind}\r\n"
    ).encode() + body


def test_both_sides_may_change_the_session_before_the_answer_by_update() -> None:
    net, caller, called, leg, incoming = rung()
    with pytest.raises(LocalSipError):
        caller.sip.reoffer(leg, HOLD, net.now)
    called.sip.ring(incoming, net.now, 183, ANSWER)
    net.run(0.1)
    for first, its, second, theirs in ((caller, leg, called, incoming), (called, incoming, caller, leg)):
        first.sip.reoffer(its, HOLD, net.now)
        net.run(0.05)
        assert net.starts()[-1] == "UPDATE"
        assert second.told[-1] == Reoffered(theirs, HOLD)
        second.sip.reanswer(theirs, ANSWER, net.now)
        net.run(0.05)
        assert first.told[-1] == Reanswered(its, ANSWER)
    called.sip.answer(incoming, ANSWER, net.now)
    net.run(0.1)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def test_an_update_that_crosses_the_first_offer_is_refused() -> None:
    net, caller, called, leg, incoming = rung()
    called.sip.ring(incoming, net.now)
    net.run(0.05)
    early = next(iter((caller.sip._core.legs[leg].early or {}).values())).dialog
    update = caller.sip._core.in_dialog(early, "UPDATE").encode(["Content-Type: application/sdp"], HOLD)
    net.inject(update, CALLER, CALLED)
    refused = response(net.sent[-1][2].data)
    assert refused.status == 500, "RFC 3311 5.2: its own offer has no answer yet"
    assert refused.retry_after_s is not None
    theirs = called.sip._core.legs[incoming].dialog
    assert theirs is not None
    net.inject(
        called.sip._core.in_dialog(theirs, "UPDATE").encode(["Content-Type: application/sdp"], HOLD), CALLED, CALLER
    )
    assert net.starts()[-1] == "491 UPDATE", "RFC 3311 5.2: ours has no answer yet"
    net.inject(called.sip._core.in_dialog(theirs, "UPDATE").encode(), CALLED, CALLER)
    assert net.starts()[-1] == "200 UPDATE", "without an offer it is always welcome"


def test_a_caller_that_cancels_is_not_waited_for() -> None:
    net, caller, called, leg, incoming = rung()
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"PRACK")
    called.sip.ring(incoming, net.now, 183, ANSWER)
    called.sip.answer(incoming, ANSWER, net.now)
    net.run(0.05)
    caller.sip.cancel(leg, net.now)
    net.drain()
    assert called.names() == ["Incoming", "Cancelled", "Gone"]
    assert caller.told[-2] == Ended(leg, "CANCEL", None, 487)
    assert_clean(caller, called)


def test_a_caller_that_cancels_while_its_answer_waits_gets_487_and_no_answer_behind_a_late_prack() -> None:
    net, caller, called = pair(EndpointConfig(CALLED.host, CALLED.port, defer_487=True))
    leg = caller.sip.invite(target(terms=INSIST), net.now)
    net.run(0.05)
    late: list[bytes] = []

    def hold_pracks(source: object, datagram: Datagram) -> bool:
        if datagram.data.startswith(b"PRACK"):
            late.append(datagram.data)
        return not datagram.data.startswith(b"PRACK")

    net.pass_through = hold_pracks
    called.sip.ring(1, net.now, 183, ANSWER)
    assert not called.sip.answer(1, ANSWER, net.now)
    net.run(0.05)
    caller.sip.cancel(leg, net.now)
    net.run(0.05)
    net.inject(late[0], CALLER, CALLED)
    assert net.starts(CALLED)[-2:] == ["200 CANCEL", "200 PRACK"], "RFC 3261 9.2: a cancelled call is not answered"
    called.sip.hangup(1, net.now)
    net.drain()
    assert "487 INVITE" in net.starts(CALLED)
    assert "200 INVITE" not in net.starts(CALLED)
    assert called.names() == ["Incoming", "Cancelled", "Gone"]
    assert caller.told[-2] == Ended(leg, "CANCEL", None, 487)
    assert_clean(caller, called)


@pytest.mark.parametrize("seed", range(12))
def test_reliable_calls_survive_loss(seed: int) -> None:
    net, caller, called, leg, incoming = rung()
    net.random.seed(seed)
    net.loss, net.reorder, net.duplicate = 0.25, 0.3, 0.1
    called.sip.ring(incoming, net.now, 183, ANSWER)
    called.sip.ring(incoming, net.now)
    net.run(31.0)
    called.sip.answer(incoming, ANSWER, net.now)
    net.run(20.0)
    assert caller.of(Answered) == [Answered(leg, 200, ANSWER)]
    assert called.of(Acknowledged)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def test_a_called_side_cannot_make_us_acknowledge_without_end() -> None:
    net = Wire(caller := Node(CALLER, 1))
    caller.sip.invite(target(terms=OFFER), 0.0)
    net.flush()
    invite = request(net.sent[0][2].data)
    for rseq in range(1, 301):
        net.inject(ringing(invite, 180 + rseq % 2, rseq), CALLED, CALLER)
    assert net.starts().count("PRACK") == 100
    assert caller.sip.counters["refused_provisionals"] == 200


@pytest.mark.parametrize("header", ["Allow", "Require", "Supported", "RSeq", "Session-Expires", "Min-SE"])
def test_an_answer_with_an_unreadable_list_is_an_answer(header: str) -> None:
    net = Wire(caller := Node(CALLER, 1))
    leg = caller.sip.invite(target(terms=CallTerms(1800, "supported")), 0.0)
    net.flush()
    invite = request(net.sent[0][2].data)
    broken = f'{header}: "never closed\r\n'
    timer = "" if header == "Session-Expires" else "Session-Expires: 1800;refresher=uac\r\n"
    for start in ("180 Ringing", "200 OK"):
        net.inject(
            reply(invite, start, "b", broken + timer + "Content-Type: application/sdp\r\n", ANSWER), CALLED, CALLER
        )
    assert caller.of(Answered) == [Answered(leg, 200, ANSWER)]


@pytest.mark.parametrize("header", ["Allow", "Supported", "Session-Expires", "Min-SE"])
def test_an_invite_with_an_unreadable_list_is_a_call(header: str) -> None:
    net = Wire(called := Node(CALLED, 2))
    net.inject(raw(**{header.replace("-", "_"): '"never closed'}), CALLER, CALLED)
    called.sip.set_terms(1, CallTerms(1800, "supported"))
    called.sip.ring(1, net.now)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    assert net.starts() == ["180 INVITE", "200 INVITE"]


def test_a_prack_may_bring_a_new_offer_and_the_call_is_answered_behind_its_answer() -> None:
    net = Wire(called := Node(CALLED, 2))
    described = {"Content_Type": "application/sdp", "Content_Length": str(len(SDP))}
    net.inject(raw(Require="100rel", **described) + SDP, CALLER, CALLED)
    called.sip.ring(1, net.now, 183, ANSWER)
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    sent = response(net.sent[-1][2].data)
    prack = raw(
        method("PRACK", sent.header("To") or ""),
        CSeq="2 PRACK", Via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp;rport", RAck=f"{sent.header('RSeq')} 1 INVITE",
        **described,
    )  # fmt: skip
    net.inject(prack + HOLD, CALLER, CALLED)
    assert called.told[-1] == Reoffered(1, HOLD)
    assert net.starts() == ["183 INVITE"], "RFC 3262 5: the answer to the offer comes first"
    called.sip.reanswer(1, ANSWER, net.now)
    net.flush()
    assert net.starts() == ["183 INVITE", "200 PRACK", "200 INVITE"]
    assert response(net.sent[1][2].data).sdp == ANSWER
