"""Who calls by the word of the network: a signed call through a real switch, its certificate over real HTTPS."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.integration.outbound.test_certificates import Library
from tests.peer.lab import NUMBER, TALKS, Lab, configuration, target

from trunkline.testing.sipp import CALLER
from trunkline.testing.sipp_steps import ack, acked, answer, bye, byed, expect, invite, invited, provisional
from trunkline.testing.stir import Signer
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer


class SignersLibrary(Library):
    """Serves what the signer's certificate is."""

    pem = b""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The signer's certificate, whatever is asked for."""
        self.asked.append(request.path)
        return web.Response(body=self.pem)


@contextmanager
def served(folder: Path) -> Iterator[tuple[SignersLibrary, int]]:
    """The library in a thread of its own, and its port."""
    library, loop = SignersLibrary(folder), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield library, asyncio.run_coroutine_threadsafe(library.start(), loop).result(10)
        asyncio.run_coroutine_threadsafe(library.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def trusting(**fields: object) -> list[dict[str, object]]:
    return [{"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US", **fields}]


def calls_with(*headers: str) -> tuple[str, ...]:
    return (invite(headers=headers), provisional(), expect(200), ack(), bye())


def checked(switch: SwitchProcess) -> str | None:
    """What came of the check of the only call's signature."""
    switch.until(lambda: switch.calls()[0]["attestation_check"] is not None)
    result: str | None = switch.calls()[0]["attestation_check"]
    return result


@pytest.mark.parametrize("honest", [True, False])
def test_a_signed_call_is_sold_by_its_level_and_checked_beside_it(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    with served(tmp_path) as (library, port):
        url = f"https://localhost:{port}/signer.pem"
        signer, other = Signer(url), Signer(url)
        library.pem = signer.chain
        monkeypatch.setenv("SSL_CERT_FILE", str(library.authority))
        buyer = lab.buyer(*TALKS)
        identity = {"verify": True, "certificate_hosts": ["localhost"], "authorities": ["authorities.pem"]}
        attested = {"criteria": {"attr": "caller.attestation", "eq": "B"}}
        switch = lab.switch(
            configuration(
                target("first", buyer.address),
                target_routes={"first": attested},
                trunks=trusting(identity=identity),
                outbound={"allow_networks": ["127.0.0.0/8"]},
            ),
            {"authorities.pem": signer.authority},
        )
        said = (signer if honest else other).identity(CALLER, NUMBER, int(time.time()), "B")
        lab.caller(switch, *calls_with(f"Identity: {said}")).succeed()
        (call,) = switch.ended_calls(1)
        assert (call["outcome"], call["buyer"], call["attestation"]) == ("sold", "first", "B")
        assert checked(switch) == ("valid" if honest else "invalid")
        assert library.asked == ["/signer.pem"]
        assert switch.metrics()[f'trunkline_attestations_total{{result="{"valid" if honest else "invalid"}"}}'] == 1


def test_the_asserted_caller_is_sold_and_told_on_as_trunks_say(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(200), acked(), byed())
    carrier = {"proxy": f"sip:{buyer.address}", "caller_header": "p_asserted_identity"}
    switch = lab.switch(
        configuration(
            {"key": "desk", "buyer": "desk", "dial": "+12125550123", "trunk": "carrier"},
            trunks=trusting(caller_from="p_asserted_identity", outbound=carrier),
        )
    )
    asserted = "P-Asserted-Identity: <tel:+12125550177>"
    lab.caller(switch, *calls_with(asserted, "Diversion: <sip:+12125550188@h>;reason=unconditional")).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["caller"], call["diverted_from"]) == ("sold", "+12125550177", "+12125550188")
    (sent,) = [message for message in buyer.messages() if message.name == "INVITE"]
    assert "+12125550177" in sent.header("From")
    assert sent.header("P-Asserted-Identity").startswith("<sip:+12125550177@")


def test_a_caller_who_asks_for_privacy_is_shown_to_nobody(lab: Lab) -> None:
    buyer = lab.buyer(invited(), answer(200), acked(), byed())
    carrier = {"proxy": f"sip:{buyer.address}", "caller_header": "p_asserted_identity"}
    switch = lab.switch(
        configuration(
            {"key": "desk", "buyer": "desk", "dial": "+12125550123", "trunk": "carrier"},
            trunks=trusting(caller_from="p_asserted_identity", outbound=carrier),
        )
    )
    lab.caller(switch, *calls_with("P-Asserted-Identity: <tel:+12125550177>", "Privacy: id")).succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["caller"]) == ("sold", None)
    (sent,) = [message for message in buyer.messages() if message.name == "INVITE"]
    assert "5550177" not in json.dumps([list(each) for each in sent.headers])
    assert sent.header("Privacy") == "id"
