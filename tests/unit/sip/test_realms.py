"""Which realms a password is proved to: never to one that a party behind the carrier has made up."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.sip.challenger import LOGIN, Challenger, asking, put_before, requests
from tests.unit.sip.wire import ANSWER, CALLED, CALLER, Node, Wire, assert_clean, target

from trunkline.sip.digest import Credentials
from trunkline.sip.endpoint import OutsideRequest
from trunkline.sip.events import Answered, ForeignRealm, Refused

pytestmark = pytest.mark.unit

BOUND = Credentials("carrier", LOGIN.username, LOGIN.password, realm="here")
REGISTERING = Credentials("carrier", LOGIN.username, LOGIN.password, registers=True)
REGISTER = OutsideRequest(
    method="REGISTER", uri="sip:carrier.example", destination=CALLED, from_uri="sip:us@carrier.example",
    login=REGISTERING, call_id="one", contact_user="line7",
)  # fmt: skip


def proofs(net: Wire) -> str:
    """All header lines with a proof that the caller has sent."""
    return "".join(line for _, by, sent in net.sent if by == CALLER for line in sent.data.decode().splitlines()
                   if "uthorization:" in line)  # fmt: skip


@pytest.mark.parametrize("as_proxy", [False, True])
def test_a_called_party_behind_a_carrier_gets_no_proof_for_a_realm_of_its_own(as_proxy: bool) -> None:
    caller, called = Node(CALLER, 1), Challenger(CALLED, 2, "INVITE", proxy=as_proxy)
    called.server.realm = "evil.example"
    called.server.use([LOGIN])
    put_before(called, realm="carrier.example")
    net = Wire(caller, called)
    for _ in range(2):
        caller.sip.invite(target(login=LOGIN), net.now)
        net.run(1.0)
    status = 407 if as_proxy else 401
    assert [event.status for event in caller.of(Refused)] == [status, status]  # type: ignore[attr-defined]
    assert "carrier.example" in proofs(net)
    assert "evil.example" not in proofs(net)
    assert caller.sip.counters["foreign_challenges"] == 2
    assert [(each.login, each.realm) for each in caller.of(ForeignRealm)] == [("carrier", "evil.example")]  # type: ignore[attr-defined]
    net.drain()
    assert_clean(caller, called)


def test_a_realm_of_the_configuration_is_the_only_one() -> None:
    for realm in ("here", "evil.example"):
        net, caller, called = asking("INVITE")
        called.server.realm = realm
        called.server.use([LOGIN])
        leg = caller.sip.invite(target(login=BOUND), net.now)
        net.run(1.0)
        assert bool(caller.of(Answered, leg)) == (realm == "here")
        assert ("evil.example" in proofs(net), caller.sip.counters["foreign_challenges"]) == (False, realm != "here")


def test_a_challenge_beside_the_carriers_is_left_unanswered() -> None:
    net, caller, called = asking("INVITE")
    called.rewrite = lambda line: f'{line}, Digest realm="evil.example", nonce="n"'
    leg = caller.sip.invite(target(login=LOGIN), net.now)
    net.run(1.0)
    assert caller.of(Answered, leg) == [Answered(leg, 200, ANSWER)]
    assert 'realm="here"' in proofs(net)
    assert "evil.example" not in proofs(net)


@pytest.mark.parametrize("proxy", [False, True])
def test_with_a_registration_calls_prove_what_it_was_asked_for(proxy: bool) -> None:
    net, caller, called = asking("REGISTER", "INVITE")
    before = caller.sip.invite(target(login=REGISTERING), net.now)
    net.run(1.0)
    assert not proofs(net)
    assert caller.of(Refused, before)
    caller.sip.ask(REGISTER, net.now)
    net.run(1.0)
    called.proxy = proxy
    leg = caller.sip.invite(target(login=REGISTERING), net.now)
    net.run(1.0)
    assert caller.of(Answered, leg)
    assert called.asked["REGISTER"] == 1


def test_a_registrar_may_change_its_realm() -> None:
    net, caller, called = asking("REGISTER", "INVITE")
    caller.sip.ask(REGISTER, net.now)
    net.run(1.0)
    called.server.realm = "moved"
    called.server.use([LOGIN])
    caller.sip.ask(msgspec.structs.replace(REGISTER, cseq=20), net.now)
    net.run(1.0)
    leg = caller.sip.invite(target(login=REGISTERING), net.now)
    net.run(1.0)
    assert caller.of(Answered, leg)
    assert not caller.of(ForeignRealm)


def test_a_caller_teaches_no_realm() -> None:
    """Our BYE in a call that came in may reach whoever called, through a carrier that passes its refusal on."""
    ours, carrier = Node(CALLED, 2), Challenger(CALLER, 1, "BYE", proxy=True)
    net = Wire(ours, carrier)
    carrier.sip.invite(target(), net.now)
    net.run(0.1)
    incoming = ours.told[0].leg
    ours.sip.answer(incoming, ANSWER, net.now)
    ours.sip.use_login(incoming, LOGIN)
    net.run(0.1)
    ours.sip.hangup(incoming, net.now)
    net.drain()
    assert [each.header("Proxy-Authorization") for each in requests(net, "BYE", CALLED)] == [None]
    assert ours.names()[-1] == "Gone"
