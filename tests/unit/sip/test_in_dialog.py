"""Requests inside a dialog: hold, glare, INFO, UPDATE, lost dialogs, and legs of a process that died."""

from __future__ import annotations

import msgspec
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
    response,
    target,
)

from trunkline.sip.dialog import LegIdentifiers
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import (
    Ended,
    Gone,
    InfoReceived,
    OrphanEnded,
    Reanswered,
    Reoffered,
    ReofferRefused,
    Unacknowledged,
)
from trunkline.sip.hops import Hop

pytestmark = pytest.mark.unit
HOLD = SDP.replace(b"192.0.2.1", b"0.0.0.0")


def test_the_caller_holds_and_takes_back() -> None:
    net, caller, called, leg, incoming = established()
    for sdp in (HOLD, SDP):
        caller.sip.reoffer(leg, sdp, net.now)
        net.run(0.05)
        assert called.told[-1] == Reoffered(incoming, sdp)
        called.sip.reanswer(incoming, ANSWER, net.now)
        net.run(0.05)
        assert caller.told[-1] == Reanswered(leg, ANSWER)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert called.names().count("Acknowledged") == 1
    assert_clean(caller, called)


def test_the_called_side_holds() -> None:
    net, caller, called, leg, incoming = established()
    called.sip.reoffer(incoming, HOLD, net.now)
    net.run(0.05)
    caller.sip.refuse_reoffer(leg, 488, net.now)
    net.run(0.05)
    assert called.told[-1] == ReofferRefused(incoming, 488, None)
    called.sip.hangup(incoming, net.now)
    net.drain()
    assert_clean(caller, called)


def test_hold_survives_loss() -> None:
    net, caller, called, leg, _incoming = established(seed=3, delay_s=0.01)
    net.loss = 0.3
    called.act = lambda event, now: (
        called.sip.reanswer(event.leg, ANSWER, now) if isinstance(event, Reoffered) else None
    )
    for _ in range(5):
        caller.sip.reoffer(leg, HOLD, net.now)
        net.run(33.0)
    assert len(caller.of(Reanswered)) == 5
    assert len(called.of(Reoffered)) == 5
    assert not called.of(Unacknowledged)


def test_two_offers_at_once_are_both_refused_and_both_made_again() -> None:
    net, caller, called, leg, incoming = established()
    for node in (caller, called):
        node.act = lambda event, now, node=node: (  # type: ignore[misc]
            node.sip.reanswer(event.leg, ANSWER, now) if isinstance(event, Reoffered) else None
        )
    caller.sip.reoffer(leg, HOLD, net.now)
    called.sip.reoffer(incoming, HOLD, net.now)
    net.run(0.5)
    assert net.starts().count("491 INVITE") == 2
    assert 2.1 <= caller.sip._core.legs[leg].reoffer_at <= 4.4, "14.1: it made the Call-ID"
    assert net.starts(CALLED).count("INVITE") == 1 or net.now <= 2.4
    net.run(6.0)
    assert (len(caller.of(Reanswered)), len(called.of(Reanswered))) == (1, 1)
    assert not caller.of(ReofferRefused)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def test_glare_that_does_not_end_is_reported() -> None:
    net, caller, called, leg, _incoming = established()
    called.act = lambda event, now: (
        called.sip.refuse_reoffer(event.leg, 491, now) if isinstance(event, Reoffered) else None
    )
    caller.sip.reoffer(leg, HOLD, net.now)
    net.run(0.5)
    caller.sip.reoffer(leg, SDP, net.now)
    net.run(20.0)
    assert [event.status for event in caller.of(ReofferRefused)] == [491]  # type: ignore[attr-defined]
    assert [event.sdp for event in called.of(Reoffered)] == [HOLD, SDP, SDP, SDP], "the wish of the owner counts"  # type: ignore[attr-defined]


def test_only_one_offer_at_a_time() -> None:
    net, caller, called, leg, incoming = established()
    caller.sip.reoffer(leg, HOLD, net.now)
    with pytest.raises(LocalSipError, match="open offer"):
        caller.sip.reoffer(leg, SDP, net.now)
    net.run(0.05)
    with pytest.raises(LocalSipError, match="open offer"):
        called.sip.reoffer(incoming, SDP, net.now)


def test_a_call_that_ends_with_an_open_offer_leaves_nothing_behind() -> None:
    for ends in (0, 1):
        net, caller, called, leg, incoming = established()
        caller.sip.reoffer(leg, HOLD, net.now)
        net.run(0.05)
        (caller, called)[ends].sip.hangup((leg, incoming)[ends], net.now)
        net.drain()
        assert_clean(caller, called)


def test_an_answer_to_a_new_offer_that_is_never_acknowledged_ends_the_call() -> None:
    net, caller, called, leg, incoming = established()
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"ACK")
    caller.sip.reoffer(leg, HOLD, net.now)
    net.run(0.05)
    called.sip.reanswer(incoming, ANSWER, net.now)
    net.drain()
    assert called.names()[-2:] == ["Unacknowledged", "Gone"]
    assert_clean(caller, called)


def test_hanging_up_ends_the_wait_for_the_ack_of_a_new_offer() -> None:
    net, caller, called, leg, incoming = established()
    caller.sip.reoffer(leg, HOLD, net.now)
    net.run(0.05)
    net.nodes.clear()
    net.nodes[CALLED] = called
    called.sip.reanswer(incoming, ANSWER, net.now)
    called.sip.hangup(incoming, net.now)
    net.drain()
    assert called.names()[-2:] == ["Reoffered", "Gone"]
    assert_clean(called)


def test_a_new_offer_that_is_taken_up_and_then_left_lying_ends_the_call() -> None:
    net, caller, called, leg, _incoming = established()
    caller.sip.reoffer(leg, HOLD, net.now)
    net.drain()
    assert caller.told[-2:] == [Ended(leg, "INVITE", None, 408), Gone(leg)]
    assert called.names()[-2:] == ["Ended", "Gone"]
    assert_clean(caller, called)


def test_a_new_offer_nobody_answers_ends_the_call() -> None:
    net, caller, _called, leg, _incoming = established()
    del net.nodes[CALLED]
    caller.sip.reoffer(leg, HOLD, net.now)
    net.drain()
    assert caller.told[-2:] == [Ended(leg, "INVITE", None, 408), Gone(leg)]
    assert_clean(caller)


def test_a_new_offer_to_a_peer_that_lost_the_dialog_ends_the_call() -> None:
    net, caller, _called, leg, _incoming = established()
    net.nodes[CALLED] = reborn = Node(CALLED, 7)
    caller.sip.reoffer(leg, HOLD, net.now)
    net.drain()
    assert caller.told[-2:] == [Ended(leg, "INVITE", None, 481), Gone(leg)]
    assert_clean(caller, reborn)


def test_an_offerless_new_invite_gets_our_offer_and_brings_the_answer_in_its_ack() -> None:
    net, caller, called, leg, incoming = established()
    ids = caller.sip.identifiers(leg)
    head = (
        "{method} sip:192.0.2.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\n"
        f"Max-Forwards: 70\r\nFrom: {ids.from_header}\r\nTo: {ids.to_header}\r\nCall-ID: {ids.call_id}\r\n"
        "Contact: <sip:moved@192.0.2.1:5070>\r\nCSeq: 7 {method}\r\n"
    )
    net.inject((head.format(method="INVITE", branch="re1") + "\r\n").encode(), CALLER, CALLED)
    assert called.of(Reoffered) == [Reoffered(incoming, None)]
    called.sip.reanswer(incoming, ANSWER, net.now)
    ack = (head.format(method="ACK", branch="re2") + "Content-Type: application/sdp\r\n\r\n").encode() + SDP
    net.inject(ack, CALLER, CALLED)
    assert called.of(Reanswered) == [Reanswered(incoming, SDP)]
    called.sip.hangup(incoming, net.now)
    net.flush()
    assert net.sent[-1][2].destination == Hop("192.0.2.1", 5070), "12.2: the new INVITE moved the target"


def test_a_peer_may_take_its_new_offer_back() -> None:
    net, caller, called, leg, incoming = established()
    caller.sip.reoffer(leg, HOLD, net.now)
    net.run(0.05)
    tx = caller.sip._core.legs[leg].reoffer_out
    assert tx is not None
    net.inject(tx.request.cancel().encode(), CALLER, CALLED)
    net.run(0.05)
    assert caller.told[-1] == ReofferRefused(leg, 487, None)
    called.sip.reanswer(incoming, ANSWER, net.now)
    assert called.sip.counters["late_commands"] == 1
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def in_dialog(ids: LegIdentifiers, method: str, cseq: int, extra: str = "", body: bytes = b"") -> bytes:
    """A request of the peer whose identifiers are given."""
    return (
        f"{method} {ids.remote_target} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{method}{cseq};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: {ids.from_header}\r\nTo: {ids.to_header}\r\nCall-ID: {ids.call_id}\r\n"
        f"CSeq: {cseq} {method}\r\n{extra}\r\n"
    ).encode() + body


def test_a_request_with_an_old_cseq_is_refused_with_500() -> None:
    net, caller, called, leg, _incoming = established()
    ids = caller.sip.identifiers(leg)
    net.inject(in_dialog(ids, "INFO", 5), CALLER, CALLED)
    assert net.starts()[-1] == "200 INFO"
    for old in (5, 4, 1):
        net.inject(in_dialog(ids, "BYE", old), CALLER, CALLED)
        assert net.starts()[-1] == "500 BYE"
    assert called.sip.live_legs == 1


def test_update_is_answered_with_and_without_an_offer() -> None:
    """sippy gives an UPDATE no reply at all."""
    net, caller, called, leg, incoming = established()
    ids = caller.sip.identifiers(leg)
    net.inject(in_dialog(ids, "UPDATE", 2, "Contact: <sip:192.0.2.1:5099>\r\n"), CALLER, CALLED)
    assert net.starts()[-1] == "200 UPDATE"
    net.inject(in_dialog(ids, "UPDATE", 3, "Content-Type: application/sdp\r\n", HOLD), CALLER, CALLED)
    assert called.told[-1] == Reoffered(incoming, HOLD)
    called.sip.reanswer(incoming, ANSWER, net.now)
    net.flush()
    assert net.starts()[-1] == "200 UPDATE"
    assert response(net.sent[-1][2].data).sdp == ANSWER
    assert called.sip.identifiers(incoming).remote_target == "sip:192.0.2.1:5099"


def test_info_digits_are_told_once_and_answered() -> None:
    """aiosipua answers 405."""
    net, caller, called, leg, incoming = established(duplicate=1.0)
    caller.sip.info(leg, "application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", net.now)
    net.run(1.0)
    assert called.of(InfoReceived) == [
        InfoReceived(incoming, "application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    ]
    caller.sip.info(leg, "application/broadsoft", b"event talk", net.now)
    net.run(1.0)
    assert net.starts(CALLED)[-1] == "415 INFO"
    assert len(called.of(InfoReceived)) == 1
    assert called.sip.live_legs == caller.sip.live_legs == 1


def test_requests_for_an_unknown_dialog_get_481() -> None:
    net, caller, called, leg, _incoming = established()
    ids = caller.sip.identifiers(leg)
    wrong = msgspec.structs.replace(ids, to_header=ids.to_header + "x")
    for method in ("BYE", "INFO", "UPDATE", "INVITE"):
        net.inject(in_dialog(wrong, method, 9), CALLER, CALLED)
        assert net.starts()[-1] == f"481 {method}"
    assert called.sip.live_legs == 1, "the dialog is Call-ID and both tags, never the Call-ID alone"


def test_dialogs_with_the_same_call_id_are_kept_apart() -> None:
    net, caller, called, leg, _incoming = established()
    ids = caller.sip.identifiers(leg)
    fork = msgspec.structs.replace(ids, from_header=ids.from_header + "f")
    net.inject(in_dialog(fork, "BYE", 9), CALLER, CALLED)
    assert net.starts()[-1] == "481 BYE"
    assert not called.of(Ended)


# -- a process that died -----------------------------------------------------------------------------------------


def stored(node: Node, leg: int) -> LegIdentifiers:
    """The identifiers after a trip through a store."""
    return msgspec.json.decode(msgspec.json.encode(node.sip.identifiers(leg)), type=LegIdentifiers)


@pytest.mark.parametrize("side", [0, 1])
def test_an_answered_leg_is_hung_up_from_what_was_stored(side: int) -> None:
    net, caller, called, leg, incoming = established()
    node, number = ((caller, leg), (called, incoming))[side]
    other = (called, caller)[side]
    ids = stored(node, number)
    net.nodes[node.address] = reborn = Node(node.address, 9)
    orphan = reborn.sip.orphan_bye(ids, net.now)
    net.drain()
    assert reborn.told == [OrphanEnded(orphan, 200), Gone(orphan)]
    assert other.names()[-2:] == ["Ended", "Gone"]
    assert_clean(reborn, other)


def test_requests_sent_after_the_identifiers_were_stored_do_not_spoil_the_bye() -> None:
    net, caller, _called, leg, _incoming = established()
    ids = stored(caller, leg)
    for _ in range(20):
        caller.sip.info(leg, "application/dtmf", b"1", net.now)
        net.run(0.1)
    net.nodes[CALLER] = reborn = Node(CALLER, 9)
    reborn.sip.orphan_bye(ids, net.now)
    net.drain()
    assert reborn.told[0] == OrphanEnded(1, 200)


def test_a_ringing_leg_is_cancelled_from_what_was_stored() -> None:
    net, caller, called = pair()
    leg = caller.sip.invite(target(), net.now)
    ids = stored(caller, leg)
    net.run(0.05)
    called.sip.ring(1, net.now)
    net.run(0.05)
    net.nodes[CALLER] = reborn = Node(CALLER, 9)
    orphan = reborn.sip.orphan_cancel(ids, net.now)
    net.drain()
    assert reborn.told == [OrphanEnded(orphan, 487), Gone(orphan)]
    assert called.names() == ["Incoming", "Cancelled", "Gone"]
    assert net.starts(CALLER)[-1] == "ACK"
    assert_clean(reborn, called)


def test_a_ringing_leg_that_answers_its_late_cancel_is_hung_up() -> None:
    net, caller, called = pair()
    ids = stored(caller, caller.sip.invite(target(), net.now))
    net.run(0.05)
    net.nodes[CALLER] = reborn = Node(CALLER, 9)
    called.sip.answer(1, ANSWER, net.now)
    orphan = reborn.sip.orphan_cancel(ids, net.now)
    net.drain()
    assert reborn.told == [OrphanEnded(orphan, 200), Gone(orphan)]
    assert [request(each.data).method for _, source, each in net.sent if source == CALLER] == [
        "INVITE",
        "CANCEL",
        "ACK",
        "BYE",
    ]
    assert_clean(reborn, called)


def test_an_orphan_nobody_knows_or_answers_ends() -> None:
    net, caller, _called, leg, _incoming = established()
    ids = stored(caller, leg)
    net.nodes[CALLED] = Node(CALLED, 11)
    net.nodes[CALLER] = reborn = Node(CALLER, 9)
    bye, cancel = reborn.sip.orphan_bye(ids, net.now), reborn.sip.orphan_cancel(ids, net.now)
    net.drain()
    assert reborn.of(OrphanEnded, bye) == [OrphanEnded(bye, 481)]
    assert reborn.of(OrphanEnded, cancel) == [OrphanEnded(cancel, 481)]
    assert_clean(reborn)
    lonely = Node(CALLER, 10)
    net = Wire(lonely)
    bye, cancel = lonely.sip.orphan_bye(ids, 0.0), lonely.sip.orphan_cancel(ids, 0.0)
    net.drain()
    assert lonely.of(OrphanEnded, bye) == [OrphanEnded(bye, None)]
    assert lonely.of(OrphanEnded, cancel) == [OrphanEnded(cancel, None)]
    assert_clean(lonely)


def test_identifiers_before_a_dialog_allow_only_a_cancel() -> None:
    net, caller, called = pair()
    ids = stored(caller, caller.sip.invite(target(), net.now))
    net.run(0.05)
    reborn = Node(CALLER, 9)
    with pytest.raises(LocalSipError, match="orphan_cancel"):
        reborn.sip.orphan_bye(ids, net.now)
    with pytest.raises(LocalSipError, match="incoming"):
        reborn.sip.orphan_cancel(stored(called, 1), net.now)


def test_an_invite_can_be_stored_before_it_is_sent() -> None:
    net, caller, called = pair()
    prepared = caller.sip.prepare(target())
    assert caller.sip.datagrams() == []
    assert caller.sip.live_legs == 0
    ids = msgspec.json.decode(msgspec.json.encode(prepared.identifiers()), type=LegIdentifiers)
    leg = caller.sip.launch(prepared, net.now)
    assert caller.sip.identifiers(leg) == ids
    with pytest.raises(LocalSipError, match="sent already"):
        caller.sip.launch(prepared, net.now)
    net.run(0.05)
    called.sip.ring(1, net.now)
    net.run(0.05)
    net.nodes[CALLER] = reborn = Node(CALLER, 9)
    reborn.sip.orphan_cancel(ids, net.now)
    net.drain()
    assert reborn.told[0] == OrphanEnded(1, 487)
