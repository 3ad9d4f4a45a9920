"""Trunks that register, at a registrar on a real socket: kept, renewed, changed by a reload, taken back at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.peer.lab import NUMBER, TALKS, Lab, configuration, target
from tests.peer.registrar import Registrar

from trunkline.sip.digest import Credentials
from trunkline.sip.message import Request
from trunkline.testing.sipp import Sipp
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

PASSWORD = "s3cret & more"


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_PASSWORD", PASSWORD)


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    with Registrar(Credentials("carrier", "acme", PASSWORD)) as made:
        yield made


def registering(buyer: Sipp, *registrars: Registrar, **register: Any) -> str:
    """Trunks that register and allow nobody; calls to them name their number in To."""
    trunks = [
        {
            "key": f"carrier{place or ''}",
            "default_country": "US",
            "number_from": "to",
            "outbound": {
                "proxy": f"sip:127.0.0.1:{each.port}",
                "username": "acme",
                "password_env": "CARRIER_PASSWORD",
                "register": {"contact_user": "line7", **register},
            },
        }
        for place, each in enumerate(registrars)
    ]
    return configuration(target("first", buyer.address), trunks=trunks)


def until_registered(switch: SwitchProcess, trunk: str = "carrier") -> None:
    switch.until(lambda: switch.metric("trunkline_registered", trunk=trunk) == 1, f"{trunk} registered")


def test_a_trunk_is_registered_called_and_taken_back(lab: Lab, registrar: Registrar) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(registering(buyer, registrar))
    until_registered(switch)
    first, second = registrar.of("REGISTER")
    assert first.uri == second.uri == "sip:127.0.0.1"
    assert first.to.uri == first.from_.uri == "sip:acme@127.0.0.1"
    assert (first.header("Authorization"), first.header("Expires")) == (None, "600")
    assert first.call_id == second.call_id
    assert second.cseq.number > first.cseq.number
    assert registrar.contact == f"sip:line7@127.0.0.1:{switch.sip_port}"

    call(registrar, switch, "line7")
    switch.until(lambda: any(each.status == 200 for each in registrar.responses), "the call to be answered")
    answered = next(each for each in registrar.responses if each.status == 200)
    registrar.send(request("ACK", switch, to=answered.header("To") or ""), ("127.0.0.1", switch.sip_port))
    registrar.send(request("BYE", switch, 2, to=answered.header("To") or ""), ("127.0.0.1", switch.sip_port))
    (sold,) = switch.ended_calls(1)
    assert (sold["outcome"], sold["number"]) == ("sold", NUMBER)

    call(registrar, switch, "somebody", "other")
    switch.until(lambda: registrar.responses[-1].status == 403, "a call to another user to be refused")

    assert switch.stop() == 0
    last = registrar.of("REGISTER")[-1]
    assert last.header("Expires") == "0"
    assert "Authorization" in dict(last.headers), "without being asked again"
    assert registrar.contact is None
    files = (each for each in lab.folder.rglob("*") if each.is_file())
    assert not [each for each in files if PASSWORD.encode() in each.read_bytes()]


def test_a_binding_is_renewed_before_it_ends(lab: Lab, registrar: Registrar) -> None:
    registrar.grants_s = 2
    switch = lab.switch(registering(lab.buyer(*TALKS), registrar))
    switch.until(lambda: len(registrar.of("REGISTER")) >= 4, "two renewals")
    assert switch.metric("trunkline_registered", trunk="carrier") == 1
    assert len([each for each in registrar.of("REGISTER") if "Authorization" not in dict(each.headers)]) == 1


def test_a_registrar_that_wants_longer_intervals_gets_them(lab: Lab, registrar: Registrar) -> None:
    def brief(asked: Request) -> tuple[int, list[str]] | None:
        return (423, ["Min-Expires: 1800"]) if int(asked.header("Expires") or "0") < 1800 else None

    registrar.rule, registrar.grants_s = brief, 3600
    switch = lab.switch(registering(lab.buyer(*TALKS), registrar))
    until_registered(switch)
    assert [each.header("Expires") for each in registrar.of("REGISTER")] == ["600", "600", "1800"]


def test_a_refusal_is_told_and_tried_again_later(lab: Lab, registrar: Registrar) -> None:
    registrar.rule = lambda asked: (403, [])
    switch = lab.switch(registering(lab.buyer(*TALKS), registrar))
    switch.until(lambda: "refuses it with 403" in switch.log(), "the refusal to be told")
    assert switch.metric("trunkline_registered", trunk="carrier") == 0
    assert "Traceback" not in switch.log()
    assert len(registrar.of("REGISTER")) == 2


def test_a_reload_adds_and_takes_back_registrations(lab: Lab, registrar: Registrar) -> None:
    buyer = lab.buyer(*TALKS)
    with Registrar(Credentials("carrier1", "acme", PASSWORD)) as second:
        switch = lab.switch(registering(buyer, registrar))
        until_registered(switch)
        switch.write_config(registering(buyer, registrar, second))
        until_registered(switch, "carrier1")
        assert len(registrar.of("REGISTER")) == 2, "what did not change is left alone"
        switch.write_config(registering(buyer, registrar, second, contact_user="line8"))
        switch.until(lambda: (registrar.contact or "").startswith("sip:line8@"), "the new address to be registered")
        switch.write_config(registering(buyer, second))
        switch.until(lambda: registrar.of("REGISTER")[-1].header("Expires") == "0", "the first to be taken back")
        switch.until(lambda: second.contact is not None, "the second to be registered as the first trunk")
        assert switch.stop() == 0
        assert second.contact is None


def call(registrar: Registrar, switch: SwitchProcess, user: str, call_id: str = "one") -> None:
    """The registrar calls the switch as `user`, for our number."""
    registrar.send(
        request("INVITE", switch, user=user, call_id=call_id, port=registrar.port), ("127.0.0.1", switch.sip_port)
    )


def request(
    method: str,
    switch: SwitchProcess,
    cseq: int = 1,
    *,
    user: str = "line7",
    call_id: str = "one",
    to: str = f"<sip:{NUMBER}@carrier.example>",
    port: int = 9,
) -> str:
    """A request of the carrier's."""
    return f"""{method} sip:{user}@127.0.0.1:{switch.sip_port} SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{method}{call_id}{cseq}
Max-Forwards: 70
From: <sip:+15125550100@carrier.example>;tag=them
To: {to}
Call-ID: {call_id}
CSeq: {cseq} {method}
Contact: <sip:carrier@127.0.0.1:{port}>
Content-Length: 0

"""
