"""Challenges to what is more than a call: acknowledgements, refreshes, registrations, and what crashes leave behind."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.sip.challenger import LOGIN, Challenger, answer, asking, requests
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    Node,
    Wire,
    assert_clean,
    seeded,
    target,
)

from trunkline.sip.endpoint import CallTerms, Datagram, EndpointConfig, LegIdentifiers, OutsideRequest, SipEndpoint
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import (
    Answered,
    Ended,
    Incoming,
    OrphanEnded,
    OutsideEnded,
    SipEvent,
)
from trunkline.sip.hops import Hop

pytestmark = pytest.mark.unit


# -- more than calls -------------------------------------------------------------------------------------------------


def test_an_acknowledgement_of_ringing_may_be_challenged() -> None:
    net, caller, called = asking("PRACK")
    called.act = lambda event, now: called.sip.ring(event.leg, now) if isinstance(event, Incoming) else None
    leg = caller.sip.invite(target(login=LOGIN, terms=CallTerms(reliable="required")), net.now)
    net.run(1.0)
    called.sip.answer(called.told[0].leg, ANSWER, net.now)
    net.run(1.0)
    assert called.asked == {"PRACK": 1}
    assert caller.of(Answered, leg)
    first, second = requests(net, "PRACK")
    assert first.header("RAck") == second.header("RAck")
    assert second.cseq.number == first.cseq.number + 1
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


def test_a_refresh_of_the_session_may_be_challenged() -> None:
    net, caller, called = asking("UPDATE", "INVITE")
    terms = CallTerms(session_s=90)

    def act(event: SipEvent, now: float) -> None:
        if isinstance(event, Incoming):
            called.sip.set_terms(event.leg, terms)
        answer(called, event, now)

    called.act = act
    leg = caller.sip.invite(target(login=LOGIN, terms=terms), net.now)
    net.run(1.0)
    caller.sip._core.authenticator._hops.clear()
    net.run(200.0)
    assert called.asked["UPDATE"] >= 1
    assert not caller.of(Ended)
    caller.sip.hangup(leg, net.now)
    net.drain()
    assert_clean(caller, called)


@pytest.mark.parametrize("proxy", [False, True])
def test_a_registration_is_challenged_renewed_and_lost_on_the_way(proxy: bool) -> None:
    net, caller, called = asking("REGISTER", proxy=proxy)
    wanted = OutsideRequest(
        method="REGISTER",
        uri="sip:carrier.example",
        destination=CALLED,
        from_uri="sip:us@carrier.example",
        headers=(("Expires", "600"),),
        login=LOGIN,
        call_id="one",
        cseq=10,
        contact_user="line7",
    )
    for lost in range(5):
        before = len(net.sent)

        def lose_one(source: Hop, datagram: Datagram, lost: int = lost, before: int = before) -> bool:
            return len(net.sent) - 1 - before != lost

        net.pass_through = lose_one
        number = caller.sip.ask(msgspec.structs.replace(wanted, cseq=10 + 10 * lost), net.now)
        net.drain()
        (ended,) = [event for event in caller.told if isinstance(event, OutsideEnded) and event.leg == number]
        assert ended.status == 405, "past the guard, where our own endpoint is no registrar"
        caller.sip._core.authenticator._hops.clear()
    for each in requests(net, "REGISTER"):
        assert each.header("Contact") == "<sip:line7@192.0.2.1:5060>"
        assert (each.call_id, each.header("Expires")) == ("one", "600")
    assert (caller.sip.live_transactions, called.sip.live_transactions) == (0, 0)


def test_a_registration_over_tls_shows_a_secure_contact() -> None:
    caller = Node(CALLER, 1)
    there = Hop("192.0.2.2", 5061, "tls", 0, "carrier.example")
    caller.sip.ask(
        OutsideRequest("REGISTER", "sips:carrier.example", there, "sips:us@carrier.example", contact_user="line7"), 0.0
    )
    assert b"Contact: <sips:line7@192.0.2.1:5060>" in caller.sip.datagrams()[0].data


@pytest.mark.parametrize("user", ["a b", "a>", "a\r\nX: y", '"'])
def test_a_contact_that_would_break_its_line_is_not_sent(user: str) -> None:
    asked = OutsideRequest("REGISTER", "sip:h", CALLED, "sip:us@h", contact_user=user)
    with pytest.raises(LocalSipError):
        Node(CALLER, 1).sip.ask(asked, 0.0)


def test_a_host_that_the_far_side_has_named_gets_no_proof_for_a_realm_of_its_own() -> None:
    """It would have chosen realm and nonce, and could guess the password from the answer at leisure."""
    for realm, answered in (("theirs", False), ("here", True)):
        net, caller, _ = asking("INVITE")
        leg = caller.sip.invite(target(login=LOGIN), net.now)
        net.run(1.0)
        dialog = caller.sip._core.legs[leg].dialog
        assert dialog is not None
        dialog.remote_target = "sip:elsewhere@192.0.2.9"
        thief = Challenger(Hop("192.0.2.9", 5060), 3, "BYE")
        thief.server.realm = realm
        thief.server.use([LOGIN])
        net.nodes[thief.address] = thief
        caller.sip.hangup(leg, net.now)
        net.run(5.0)
        proofs = [each for each in requests(net, "BYE") if each.header("Authorization")]
        assert bool(proofs) == answered
        assert caller.sip.counters["foreign_challenges"] == (not answered)
        assert caller.names(leg)[-1] == "Gone"


# -- what a crash leaves behind --------------------------------------------------------------------------------------


def crashed(net: Wire, caller: Node) -> None:
    """The caller's process dies and starts again with an empty memory."""
    caller.sip = SipEndpoint(EndpointConfig(*CALLER[:2]), seeded(99))
    caller.told.clear()


def test_the_stored_identifiers_cancel_an_invite_that_was_sent_again() -> None:
    net, caller, called = asking("INVITE")
    called.act = lambda event, now: called.sip.ring(event.leg, now) if isinstance(event, Incoming) else None
    prepared = caller.sip.prepare(target(login=LOGIN))
    stored = msgspec.json.decode(msgspec.json.encode(prepared.identifiers()), type=LegIdentifiers)
    assert stored.login == "carrier"
    assert b"s3cret" not in msgspec.json.encode(stored)
    caller.sip.launch(prepared, net.now)
    net.run(1.0)
    crashed(net, caller)
    tries = stored.tries()
    assert [each.branch for each in tries[:2]] == [each.via.branch for each in requests(net, "INVITE")]
    legs = [caller.sip.orphan_cancel(each, net.now, LOGIN) for each in tries]
    net.drain()
    ended = {event.leg: event.status for event in caller.told if isinstance(event, OrphanEnded)}
    assert [ended[leg] for leg in legs] == [481, 487, 481, 481]
    assert called.names()[-2:] == ["Cancelled", "Gone"]
    assert_clean(caller, called)


def test_a_call_that_was_answered_meanwhile_is_hung_up_with_a_proof() -> None:
    net, caller, called = asking("INVITE", "BYE")
    called.act = lambda event, now: called.sip.trying(event.leg, now) if isinstance(event, Incoming) else None
    prepared = caller.sip.prepare(target(login=LOGIN))
    stored = prepared.identifiers()
    caller.sip.launch(prepared, net.now)
    net.run(1.0)
    crashed(net, caller)
    for each in stored.tries():
        caller.sip.orphan_cancel(each, net.now, LOGIN)
    called.sip.answer(called.told[0].leg, ANSWER, net.now)
    net.drain()
    assert called.names() == ["Incoming", "Acknowledged", "Ended", "Gone"]
    assert_clean(caller, called)


def test_a_stored_dialog_is_hung_up_with_a_proof() -> None:
    net, caller, called = asking("INVITE", "BYE")
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    stored = caller.sip.identifiers(leg)
    assert (stored.login, stored.tries()) == ("carrier", (stored,))
    crashed(net, caller)
    orphan = caller.sip.orphan_bye(stored, net.now, LOGIN)
    net.drain()
    assert caller.of(OrphanEnded) == [OrphanEnded(orphan, 200)]
    assert called.of(Ended)
    assert_clean(caller, called)


def test_without_a_login_there_is_one_try() -> None:
    caller = Node(CALLER, 1)
    stored = caller.sip.prepare(target()).identifiers()
    assert stored.tries() == (stored,)
