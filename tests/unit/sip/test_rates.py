"""Buckets: what a source may do at once, in the long run, and how much of it is remembered."""

from __future__ import annotations

import pytest
from tests.unit.sip.wire import CALLED, Node, Wire, raw, response

from trunkline.sip import rates
from trunkline.sip.endpoint import EndpointConfig
from trunkline.sip.limits import StateLimits
from trunkline.sip.rates import Rates

pytestmark = pytest.mark.unit


def test_a_burst_passes_at_once_and_the_rest_as_time_allows() -> None:
    buckets = Rates(10.0, 2.0)
    assert [buckets.take("a", 100.0) for _ in range(22)] == [True] * 20 + [False] * 2
    assert buckets.take("b", 100.0), "each source has a bucket of its own"
    assert buckets.wait_s("a", 100.0) == pytest.approx(0.1)
    assert [buckets.take("a", 100.11) for _ in range(2)] == [True, False]
    assert sum(buckets.take("a", 100.11 + tick / 1000) for tick in range(10_000)) == pytest.approx(100, abs=2)


def test_what_cannot_be_refused_makes_debt() -> None:
    buckets = Rates(10.0, 1.0)
    for _ in range(40):
        buckets.charge("a", 5.0)
    assert not buckets.take("a", 5.0)
    assert buckets.wait_s("a", 5.0) == pytest.approx(3.1)
    assert buckets.take("a", 8.2)


def test_sources_at_rest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "SOURCES_MAX", 100)
    buckets = Rates(1.0, 3.0)
    for number in range(99):
        buckets.take(str(number), 0.0)
    for _ in range(3):
        buckets.take("busy", 10.0)
    for number in range(1_000):
        buckets.take(f"late {number}", 10.0)
        if number < 90:
            assert not buckets.take("busy", 10.0)
        assert len(buckets) <= 100


def test_invites_of_one_source_beyond_its_rate_are_told_when_to_come_again() -> None:
    limits = StateLimits(max_invites_per_s=2)
    bob = Node(CALLED, 1, EndpointConfig(*CALLED[:2], state_limits=limits))
    net = Wire(bob)
    bob.act = lambda event, now: bob.sip.reject(event.leg, 486, now) if hasattr(event, "source") else None

    def invite(number: int, host: str) -> str:
        branch = f"SIP/2.0/UDP {host};branch=z9hG4bK{number}"
        net.inject(raw(Via=branch, **{"Call-ID": str(number)}), (host, 5060), CALLED)
        return net.starts()[-1]

    answers = [invite(number, "192.0.2.50") for number in range(6)]
    assert answers == ["486 INVITE"] * 4 + ["503 INVITE"] * 2
    assert response(net.sent[-1][2].data).header("Retry-After") == "1"
    assert bob.sip.counters["refused_source_rate"] == 2
    assert invite(7, "192.0.2.51") == "486 INVITE", "another source is not held up"
    net.now += 0.51
    assert invite(8, "192.0.2.50") == "486 INVITE"


def test_calls_of_one_source_that_wait_for_an_answer_leave_room_for_others() -> None:
    limits = StateLimits(max_half_open=5, max_half_open_per_source=3)
    bob = Node(CALLED, 1, EndpointConfig(*CALLED[:2], state_limits=limits))
    net = Wire(bob)

    def invite(number: int, host: str) -> None:
        branch = f"SIP/2.0/UDP {host};branch=z9hG4bK{number}"
        net.inject(raw(Via=branch, **{"Call-ID": str(number)}), (host, 5060), CALLED)

    for number in range(4):
        invite(number, "192.0.2.50")
    for number in range(10, 13):
        invite(number, "192.0.2.51")
    assert bob.sip.counters["refused_source_half_open"] == 1
    assert bob.sip.counters["refused_half_open"] == 1
    for leg in (1, 2, 3, 4, 5):
        bob.sip.reject(leg, 486, net.now)
    net.flush()
    invite(20, "192.0.2.50")
    assert bob.names().count("Incoming") == 6
    assert bob.sip._core.half_open_of == {"192.0.2.50": 1}
