"""Trunks that prove themselves, on real sockets: what a stranger gets, and that a challenge opens nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from tests.integration.switch.wires import SHUT, Wire, on_wire, options

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk, TrunkAuth
from trunkline.sip.digest import Credentials, prove, read_challenges
from trunkline.sip.events import Incoming
from trunkline.sip.message import Response, parse

pytestmark = pytest.mark.integration

LOGIN = Credentials("pbx", "acme", "s3cret")
PBX = Trunk(key="pbx", auth=TrunkAuth(username="acme", password_env="X"))


def on_gate(work: Callable[[Wire], Awaitable[None]], *trunks: Trunk) -> None:
    """Run `work` with a driver whose only trunk proves itself by password."""

    async def with_gate(wire: Wire) -> None:
        wire.driver.gate.use(Platform(trunks=trunks or (PBX,)), {"pbx": LOGIN})
        await work(wire)

    on_wire(with_gate, SHUT)


def invite(branch: str, extra: str = "") -> bytes:
    lines = (
        "INVITE sip:+18335550100@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{branch}",
        "From: <sip:peer@127.0.0.1>;tag=1",
        "To: <sip:+18335550100@127.0.0.1>",
        "Call-ID: one",
        "CSeq: 1 INVITE",
        "Contact: <sip:peer@127.0.0.1>",
        "Max-Forwards: 70",
        *filter(None, [extra]),
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


async def challenged(wire: Wire, branch: str) -> Response:
    wire.peer.send(wire.driver, invite(branch))
    answer = parse((await wire.peer.receive()).encode())
    assert isinstance(answer, Response)
    assert answer.status == 401
    return answer


def test_a_stranger_is_asked_and_let_in_with_the_password() -> None:
    async def work(wire: Wire) -> None:
        answer = await challenged(wire, "1")
        assert wire.told == []
        assert wire.driver.endpoint.live_transactions == 0, "a challenge costs no memory"
        (challenge,) = read_challenges(answer)
        assert challenge.algorithm.name == "MD5"
        proof, _ = prove(challenge, LOGIN, "INVITE", "sip:+18335550100@127.0.0.1", 1, "c")
        wire.peer.send(wire.driver, invite("2", proof))
        await wire.until(lambda: wire.told)
        (incoming,) = wire.told
        assert isinstance(incoming, Incoming)
        assert wire.driver.gate.proved_by("127.0.0.1", incoming.request) == "pbx"
        wire.peer.send(wire.driver, invite("2", proof))
        await wire.until(lambda: wire.driver.endpoint.counters["retransmissions_in"])
        assert len(wire.told) == 1, "a repetition is no second call and no replay"

    on_gate(work)


def test_a_challenge_makes_nobody_known() -> None:
    async def work(wire: Wire) -> None:
        await challenged(wire, "1")
        wire.peer.send(wire.driver, options())
        await wire.until(lambda: wire.driver.dropped["unknown_source"])
        assert not wire.peer.has_mail()

    on_gate(work)


def test_who_floods_hears_nothing_any_more() -> None:
    async def work(wire: Wire) -> None:
        for number in range(100):
            wire.peer.send(wire.driver, invite(str(number)))
        await wire.until(lambda: wire.driver.dropped["silenced"] >= 30)
        assert wire.driver.dropped["auth_challenged"] <= 60
        assert wire.driver.endpoint.live_transactions == 0

    on_gate(work)
