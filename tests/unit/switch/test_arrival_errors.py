"""A call that an error of ours keeps from being taken: it is refused, and nothing of it stays."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.sip.endpoint import EndpointConfig, Hop, SipEndpoint
from trunkline.sip.events import Gone, Incoming
from trunkline.switch.metrics import Metrics
from trunkline.switch.registry import Registry
from trunkline.switch.switchboard import Switchboard

pytestmark = pytest.mark.unit

INVITE = (
    b"INVITE sip:+18335550100@203.0.113.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
    b"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\n"
    b"CSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.7>\r\nContent-Length: 0\r\n\r\n"
)


def test_an_error_of_ours_refuses_the_call_and_leaves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = SipEndpoint(EndpointConfig("203.0.113.1", 5060, defer_487=True), random.Random(1).randbytes)
    plant: Any = SimpleNamespace(sip=SimpleNamespace(endpoint=endpoint, now=lambda: 0.0), metrics=Metrics())

    def take(event: Incoming) -> None:
        raise KeyError("a campaign that is not there")

    arrivals: Any = SimpleNamespace(take=take)
    board = Switchboard(plant, Registry(), arrivals, None)  # type: ignore[arg-type]
    endpoint.receive(INVITE, Hop("192.0.2.7", 5060), 0.0)
    (incoming,) = endpoint.events()
    board.on_sip(incoming)
    assert endpoint.events() == [Gone(incoming.leg)]
    assert [each.data[:11] for each in endpoint.datagrams()] == [b"SIP/2.0 500"]
    assert endpoint.live_legs == 0
    assert "an error of ours" in caplog.text
