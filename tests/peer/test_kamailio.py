"""Calls through Kamailio, which stays in their way: both legs follow the route that it recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peer.kamailio import Kamailio
from tests.peer.lab import Lab, attempts, configuration, target

from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    bye,
    byed,
    cancel,
    cancelled,
    expect,
    hang_up,
    invite,
    invited,
    pause,
    provisional,
    refused,
)

pytestmark = pytest.mark.peer


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Kamailio]:
    made = Kamailio(tmp_path / "kamailio")
    yield made
    made.stop()


def through(proxy: Kamailio, lab: Lab, *buyer_steps: str) -> tuple[str, ...]:
    """A switch whose only buyer is behind the proxy; its address and the buyer's."""
    buyer = lab.buyer(*buyer_steps)
    switch = lab.switch(configuration(target("first", f"sip:buyer@{proxy.address}")))
    proxy.start(switch=switch.sip, buyer=buyer.address)
    return switch.sip, buyer.address


TALKS = (invited(proxied=True), answer(180, proxied=True), answer(200, proxied=True), acked(), byed())


def test_the_caller_hangs_up_through_the_proxy_and_the_switch_does_likewise(lab: Lab, proxy: Kamailio) -> None:
    through(proxy, lab, *TALKS)
    switch = lab.switches[0]
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), pause(200), bye(), via=proxy.address)
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["buyer"]) == ("sold", "caller", "first")
    assert sorted(proxy.passed()) == ["ACK", "ACK", "BYE", "BYE"], "both legs, ACK and BYE each"


def test_the_buyer_hangs_up_through_the_proxy(lab: Lab, proxy: Kamailio) -> None:
    hangs_up = (invited(proxied=True), answer(200, proxied=True), acked(), pause(200), hang_up())
    through(proxy, lab, *hangs_up)
    switch = lab.switches[0]
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed(), via=proxy.address)
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"]) == ("sold", "buyer")
    assert sorted(proxy.passed()) == ["ACK", "ACK", "BYE", "BYE"]


def test_a_caller_that_cancels_through_the_proxy_lets_the_buyer_go(lab: Lab, proxy: Kamailio) -> None:
    through(proxy, lab, invited(proxied=True), answer(180, proxied=True), cancelled(proxied=True))
    switch = lab.switches[0]
    caller = lab.caller(
        switch, invite(), expect(100, optional=True), expect(180), cancel(proxied=True), via=proxy.address
    )
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert call["outcome"] == "abandoned"
    assert attempts(call) == [("first", "caller_gone", None)]


def test_a_refusal_through_the_proxy_is_the_buyers(lab: Lab, proxy: Kamailio) -> None:
    through(proxy, lab, invited(proxied=True), answer(486, proxied=True), acked())
    switch = lab.switches[0]
    lab.caller(switch, invite(), refused(480), via=proxy.address).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("first", "busy", 486)]
