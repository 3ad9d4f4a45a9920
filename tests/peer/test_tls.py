"""Calls over TLS: with baresip from either side and encrypted audio, and through Kamailio."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.switch.certificates import Authority
from tests.peer.baresip import Baresip
from tests.peer.kamailio import Kamailio
from tests.peer.lab import NUMBER, TALKS, TALKS_UNTIL_TOLD, Lab, attempts, configuration, target
from tests.peer.test_digest import proves
from tests.peer.test_softphone import ENCRYPTED, SPOKEN_BY_BARESIP, both_are_heard

from trunkline.testing.ports import HOST
from trunkline.testing.sipp_steps import ack, acked, answer, bye, byed, expect, invite, invited, pause, provisional
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer


USER, PASSWORD = "pbx", "s3cret-word"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def secure(lab: Lab, authority: Authority, config: str, file: str = "switch") -> SwitchProcess:
    """A switch that listens for TLS as well, with a certificate for loopback."""
    files = authority.issue(HOST, file=file)
    flags = ["--sip-tls", f"{HOST}:0", "--tls-certificate", str(files.certificate), "--tls-key", str(files.key)]
    return lab.switch(config, flags=[*flags, "--tls-ca", str(authority.file)])


def test_baresip_calls_over_tls_and_talks_encrypted(lab: Lab, authority: Authority) -> None:
    phone = lab.phone()
    buyer = lab.buyer(*TALKS, rtp_port=phone.port)
    trunks = [{"key": "phones", "allow": ["127.0.0.0/8"], "default_country": "US", "srtp": "required"}]
    switch = secure(lab, authority, configuration(target("first", buyer.address), trunks=trunks))
    softphone = Baresip(
        lab.folder / "baresip",
        SPOKEN_BY_BARESIP,
        dial=f"sip:{NUMBER}@{switch.sips}",
        encrypts="srtp-mand",
        tls=authority.issue(HOST, file="baresip"),
    )
    with softphone:
        switch.until(lambda: "ACK" in buyer.names(), f"the call to be connected: {softphone.said()}")
        phone.connect(switch, buyer)
        both_are_heard(switch, phone, softphone)
        assert ENCRYPTED in softphone.said(), softphone.said()
        softphone.stop()
        (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["trunk"]) == ("sold", "caller", "phones")


def test_baresip_proves_itself_over_tls_from_where_nobody_is_allowed(
    lab: Lab, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHONE_PASSWORD", PASSWORD)
    buyer = lab.buyer(*TALKS)
    trunks = [{"key": "phones", "auth": {"username": USER, "password_env": "PHONE_PASSWORD"}, "default_country": "US"}]
    switch = secure(lab, authority, configuration(target("first", buyer.address), trunks=trunks))
    for password in ("wrong", PASSWORD):
        softphone = Baresip(
            lab.folder / f"baresip-{password}",
            SPOKEN_BY_BARESIP,
            dial=f"sip:{NUMBER}@{switch.sips}",
            tls=authority.issue(HOST, file="baresip"),
            login=(USER, password),
        )
        with softphone:
            if password == PASSWORD:
                switch.until(lambda: "ACK" in buyer.names(), f"the call to be connected: {softphone.said()}")
                softphone.stop()
            else:
                switch.until(lambda: switch.metric("trunkline_sip_events", kind="dropped_auth_failed") >= 1)
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["trunk"]) == ("sold", "phones")


def test_sipp_proves_itself_through_kamailio_over_tls(
    lab: Lab, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sipp as packaged speaks no TLS: Kamailio carries its challenge and proof."""
    monkeypatch.setenv("PHONE_PASSWORD", PASSWORD)
    proxy = Kamailio(lab.folder / "kamailio", tls=authority.issue(HOST, file="kamailio"))
    buyer = lab.buyer(*TALKS)
    trunks = [{"key": "phones", "auth": {"username": USER, "password_env": "PHONE_PASSWORD"}, "default_country": "US"}]
    switch = secure(lab, authority, configuration(target("first", buyer.address), trunks=trunks))
    try:
        proxy.start(switch=f"{switch.sips};transport=tls", buyer=buyer.address)
        answered = provisional() + expect(200) + ack().replace("CSeq: 1", "CSeq: 2") + pause(100) + bye()
        lab.caller(switch, *proves(PASSWORD, answered), via=proxy.address).succeed()
        (call,) = switch.ended_calls(1)
    finally:
        proxy.stop()
    assert (call["outcome"], call["trunk"]) == ("sold", "phones")


def test_baresip_is_a_buyer_over_tls(lab: Lab, authority: Authority) -> None:
    phone = lab.phone()
    softphone = Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP, tls=authority.issue(HOST, file="baresip"))
    with softphone:
        switch = secure(lab, authority, configuration(target("softphone", softphone.secure_address)))
        caller = lab.caller(switch, *TALKS_UNTIL_TOLD, rtp_port=phone.port)
        phone.connect(switch, caller)
        both_are_heard(switch, phone, softphone)
        caller.go_on()
        caller.succeed()
        (call,) = switch.ended_calls(1)
    assert attempts(call) == [("softphone", "connected", 200)]


def test_a_buyer_that_cannot_prove_its_name_is_passed_over(lab: Lab, authority: Authority) -> None:
    stranger = Authority(lab.folder, "stranger")
    free = lab.buyer(*TALKS)
    softphone = Baresip(lab.folder / "baresip", SPOKEN_BY_BARESIP, tls=stranger.issue(HOST, file="baresip"))
    with softphone:
        targets = (target("false", softphone.secure_address), target("free", free.address))
        switch = secure(lab, authority, configuration(*targets))
        lab.caller(switch, invite(), provisional(), expect(200), ack(), pause(200), bye()).succeed()
        (call,) = switch.ended_calls(1)
    assert attempts(call) == [("false", "failed", None), ("free", "connected", 200)]
    assert "CERTIFICATE_VERIFY_FAILED" in switch.log(), "the operator is told why"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_calls_through_kamailio_over(lab: Lab, authority: Authority, transport: str) -> None:
    """sipp speaks UDP with Kamailio, which speaks TCP or TLS with the switch, for both legs, and records its route."""
    files = authority.issue(HOST, file="kamailio")
    proxy = Kamailio(lab.folder / "kamailio", tls=files if transport == "tls" else None, tcp=True)
    buyer = lab.buyer(invited(proxied=True), answer(180, proxied=True), answer(200, proxied=True), acked(), byed())
    port = proxy.port + 1 if transport == "tls" else proxy.port
    config = configuration(target("first", f"sip:buyer@{HOST}:{port};transport={transport}"))
    switch = secure(lab, authority, config)
    at = switch.sips if transport == "tls" else switch.sip
    try:
        proxy.start(switch=f"{at};transport={transport}", buyer=buyer.address)
        steps = (invite(), provisional(), expect(200), ack(), pause(200), bye())
        lab.caller(switch, *steps, via=proxy.address, calls=3).succeed()
        calls = switch.ended_calls(3)
    finally:
        proxy.stop()
    assert {(call["outcome"], call["ended_by"]) for call in calls} == {("sold", "caller")}, proxy.said()
    assert sorted(proxy.passed()) == ["ACK"] * 6 + ["BYE"] * 6
    assert switch.metric("trunkline_sip_events", kind="retransmissions_out") == 0
