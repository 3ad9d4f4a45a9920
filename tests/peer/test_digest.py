"""Carriers that want a password, played by sipp: what it asks for, and whether it finds the proof right."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from tests.peer.baresip import Baresip
from tests.peer.lab import NUMBER as TRACKED
from tests.peer.lab import TALKS, Lab, attempts, calls_and_hangs_up, configuration, target
from tests.peer.phone import codes

from trunkline.sip.digest import ALGORITHMS, first_hash, read_proof, response_of
from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import (
    ack,
    ack_refusal,
    acked,
    answer,
    bye,
    byed,
    cancel,
    cancelled,
    expect,
    expect_request,
    go_to,
    invite,
    invited,
    label,
    pause,
    provisional,
    refused,
    reply,
)

pytestmark = pytest.mark.peer

PASSWORD = "s3cret & more"
NUMBER = "+15125550199"
WANTED = 'Digest realm="carrier \\"one\\"", nonce="dcd98b7102", opaque="5ccc", algorithm={}, qop="auth"'


def asks(status: int = 401, algorithm: str = "MD5") -> tuple[str, ...]:
    """The carrier's first answer to a call without a proof."""
    name = "WWW" if status == 401 else "Proxy"
    return (invited(), answer(status, headers=(f"{name}-Authenticate: {WANTED.format(algorithm)}",)), acked())


def invited_with_proof() -> str:
    """Wait for the call with a proof that sipp itself computes as well; one that is wrong is refused with 403."""
    check = f'<verifyauth assign_to="proved" username="acme" password="{PASSWORD.replace("&", "&amp;")}"/>'
    again = invited().replace("</action>", f"{check}</action>")
    wrong = answer(403) + acked()
    return again + '<nop test="proved" next="right"/>' + wrong + go_to("end") + label("right")


def carrier_configuration(carrier: Sipp, **outbound: Any) -> str:
    """Calls go to a number behind the carrier, with a login."""
    login = {"username": "acme", "password_env": "CARRIER_PASSWORD"}
    trunks = [
        {"key": "callers", "allow": ["127.0.0.0/8"], "default_country": "US", "same_caller_seconds": 0},
        {
            "key": "carrier",
            "prefixes": ["+1"],
            "outbound": {"proxy": f"sip:{carrier.address}", **login, **outbound},
        },
    ]
    first = target("first", "sip:x@h") | {"dial": NUMBER, "trunk": "carrier"}
    return configuration(first, trunks=trunks)


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_PASSWORD", PASSWORD)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_finds_the_proof_right(lab: Lab, transport: str) -> None:
    plain = [step.replace('carrier \\"one\\"', "carrier") for step in asks()]  # sipp takes \\" for the end of a value
    carrier = lab.buyer(
        *plain,
        invited_with_proof(),
        answer(180),
        answer(200),
        acked(),
        byed(),
        label("end"),
        transport="u1" if transport == "udp" else "t1",
    )
    switch = lab.switch(carrier_configuration(carrier, proxy=f"sip:{carrier.address};transport={transport}"))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "connected", 200)]
    assert carrier.stop().successful == 1
    names = carrier.names()
    assert names[:4] == ["INVITE", "401 INVITE", "ACK", "INVITE"], "the ACK before the next try"
    files = (each for each in lab.folder.rglob("*") if each.is_file() and not each.name.endswith(".xml"))
    assert not [each for each in files if PASSWORD.encode() in each.read_bytes()], "written nowhere"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_proxy_that_asks_gets_its_proof(lab: Lab, algorithm: str) -> None:
    """sipp cannot check the proof of a 407; it is computed here."""
    carrier = lab.buyer(*asks(407, algorithm), *TALKS)
    switch = lab.switch(carrier_configuration(carrier))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    switch.ended_calls(1)
    assert carrier.stop().successful == 1
    first, second = [each for each in carrier.messages() if each.name == "INVITE" and not each.sent]
    assert first.header("Proxy-Authorization") == ""
    assert [each.call_id for each in (first, second)] == [first.call_id] * 2
    proof = read_proof(second.header("Proxy-Authorization"))
    assert proof is not None
    assert (proof.username, proof.opaque, proof.count, proof.realm) == ("acme", "5ccc", "00000001", 'carrier "one"')
    assert proof.uri == second.start_line.split(" ")[1]
    secret = first_hash(ALGORITHMS[algorithm.lower()], "acme", 'carrier "one"', PASSWORD)
    assert proof.response == response_of(proof.algorithm, secret, proof, "INVITE")


def test_the_second_call_costs_no_further_round_trip(lab: Lab) -> None:
    """The carrier asks once; its next INVITE has a proof already, and so have BYEs."""
    carrier = lab.buyer(*asks(), *TALKS)
    switch = lab.switch(carrier_configuration(carrier))
    lab.caller(switch, *calls_and_hangs_up(50)).succeed()
    switch.ended_calls(1)
    port = carrier.port
    carrier.stop()
    again = lab.buyer(*TALKS, port=port, name="again")
    lab.caller(switch, *calls_and_hangs_up(50)).succeed()
    switch.ended_calls(2)
    assert again.stop().successful == 1
    proofs = [read_proof(each.header("Authorization")) for each in again.messages() if not each.sent]
    assert [proof and proof.count for proof in proofs] == ["00000003", "00000003", "00000004"], "INVITE, its ACK, BYE"


def test_a_wrong_password_ends_the_attempt_with_its_reason(lab: Lab) -> None:
    carrier = lab.buyer(*asks(), *asks())
    switch = lab.switch(carrier_configuration(carrier))
    lab.caller(switch, invite(), refused(480)).succeed()
    (call,) = switch.ended_calls(1)
    assert [(each["outcome"], each["reason"], each["sip_status"]) for each in call["attempts"]] == [
        ("failed", "credentials", 401)
    ]
    assert carrier.stop().successful == 1, "both refusals were acknowledged"
    assert "missing or wrong" in switch.log()


def test_a_bye_may_be_challenged(lab: Lab) -> None:
    wanted = f"Proxy-Authenticate: {WANTED.format('MD5')}"
    asked = expect_request("BYE") + reply(407, headers=(wanted,))
    carrier = lab.buyer(invited(), answer(180), answer(200), acked(), asked, byed())
    switch = lab.switch(carrier_configuration(carrier))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    switch.ended_calls(1)
    assert carrier.stop().successful == 1


def test_a_caller_that_gives_up_cancels_the_try_that_rings(lab: Lab) -> None:
    carrier = lab.buyer(*asks(), invited(), answer(180), cancelled())
    switch = lab.switch(carrier_configuration(carrier))
    lab.caller(switch, invite(), expect(100, optional=True), expect(180), cancel()).succeed()
    switch.ended_calls(1)
    assert carrier.stop().successful == 1


def test_a_missing_password_keeps_the_switch_from_starting(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARRIER_PASSWORD")
    carrier = lab.buyer(*TALKS)
    config = lab.folder / "config.yaml"
    config.write_text(carrier_configuration(carrier))
    command = [sys.executable, "-m", "trunkline", "switch", "--config", str(config), "--data", str(lab.folder / "d")]
    ended = subprocess.run(
        [*command, "--sip", "127.0.0.1:0", "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 3
    assert "CARRIER_PASSWORD (trunk carrier)" in ended.stderr


# -- trunks that prove themselves to us ------------------------------------------------------------------------------


def proving(buyer: Sipp, **trunk: Any) -> str:
    """A trunk that may call from anywhere with its password, or with more said as `trunk` says."""
    pbx = {"key": "pbx", "auth": {"username": "pbx", "password_env": "CARRIER_PASSWORD"}, "default_country": "US"}
    return configuration(target("first", buyer.address), trunks=[pbx | trunk])


def proves(password: str, final: str) -> tuple[str, ...]:
    """A caller that is challenged and sends a proof that sipp computes; `final` is what then happens."""
    asked = provisional() + '<recv response="401" auth="true"/>' + ack_refusal()
    again = invite(headers=(f"[authentication username=pbx password={password}]",)).replace("-invite", "-proved")
    return (invite(), asked, again.replace("CSeq: 1", "CSeq: 2"), final)


@pytest.mark.parametrize(("trunk", "transport"), [({}, "u1"), ({}, "t1"), ({"allow": ["127.0.0.0/8"]}, "u1")])
def test_a_pbx_with_the_password_gets_its_call_through(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, trunk: dict[str, Any], transport: str
) -> None:
    monkeypatch.setenv("CARRIER_PASSWORD", "s3cret")
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(proving(buyer, **trunk))
    answered = provisional() + expect(200) + ack().replace("CSeq: 1", "CSeq: 2") + pause(100) + bye()
    caller = lab.caller(switch, *proves("s3cret", answered), transport=transport)
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert call["outcome"] == "sold"
    assert caller.names()[:4] == ["INVITE", "401 INVITE", "ACK", "INVITE"]
    assert switch.metric("trunkline_sip_events", kind="dropped_auth_challenged") == 1


def test_a_pbx_with_a_wrong_password_is_asked_again_and_makes_no_call(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRIER_PASSWORD", "s3cret")
    switch = lab.switch(proving(lab.buyer(*TALKS)))
    refused_again = expect(401) + ack_refusal().replace("-invite", "-proved").replace("CSeq: 1", "CSeq: 2")
    lab.caller(switch, *proves("guess", refused_again)).succeed()
    assert switch.calls() == []
    assert switch.metric("trunkline_sip_events", kind="dropped_auth_failed") == 1
    assert switch.metric("trunkline_live_legs") == 0


def test_baresip_proves_itself_with_a_digest_of_its_own(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_PASSWORD", "s3cret")
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(proving(buyer))
    dialled = f"sip:{TRACKED}@{switch.sip}"
    with Baresip(lab.folder / "baresip", codes(1, 200), dial=dialled, login=("pbx", "s3cret")) as softphone:
        switch.until(lambda: "ACK" in buyer.names(), f"the call to be connected: {softphone.said()}")
        softphone.stop()
        (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["trunk"]) == ("sold", "pbx")
    assert switch.metric("trunkline_sip_events", kind="dropped_auth_failed") == 0
