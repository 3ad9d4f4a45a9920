"""Trunks, with sipp on both sides: the next server within one attempt, and the same caller twice."""

from __future__ import annotations

from typing import Any

import pytest
from tests.peer.lab import TALKS, Lab, attempts, calls_and_hangs_up, configuration, refuses, target

from trunkline.events.calls import AttemptMoved, OfferReserved
from trunkline.testing.ports import HOST, free_block
from trunkline.testing.sipp_steps import (
    ack,
    byed,
    expect,
    invite,
    provisional,
    refused,
)
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

CARRIER = {"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US"}


def trunk(key: str, address: str) -> dict[str, Any]:
    """A trunk that only sends calls, to `host:port`."""
    return {"key": key, "default_country": "US", "outbound": {"proxy": f"sip:{address}"}}


def by_trunks(*addresses: str, **fields: object) -> str:
    """A configuration whose one target is a number that goes by one trunk for each address, in their order."""
    keys = [f"way{place}" for place in range(1, len(addresses) + 1)]
    desk = target("desk", "sip:unused@127.0.0.1", **fields) | {"dial": "+12125550123", "trunk": keys}
    trunks = [CARRIER | {"same_caller_seconds": 0}]
    trunks += [trunk(key, address) for key, address in zip(keys, addresses, strict=True)]
    return configuration(desk, trunks=trunks)


def moves(switch: SwitchProcess) -> list[tuple[str, str | None]]:
    """Why calls went on, and by which trunk."""
    return [(event.reason, event.trunk) for event in switch.journal_events() if isinstance(event, AttemptMoved)]


def test_a_call_goes_on_past_a_dead_port_and_503_under_one_lease(lab: Lab) -> None:
    full, taker = lab.buyer(*refuses(503), name="full"), lab.buyer(*TALKS, name="taker")
    dead = f"{HOST}:{free_block(2)}"
    switch = lab.switch(by_trunks(dead, full.address, taker.address))
    lab.caller(switch, *calls_and_hangs_up()).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("desk", "connected", 200)]
    assert call["converted"]
    assert [by for _, by in moves(switch)] == ["way2", "way3"]
    assert moves(switch)[1][0] == "sip_503"
    leases = [event.lease for event in switch.journal_events() if isinstance(event, OfferReserved)]
    assert len(leases) == 1
    assert (full.stop().successful, taker.stop().successful) == (1, 1)
    number = taker.messages()[0].header("To")
    assert "+12125550123@" in number


def test_the_second_invite_of_one_caller_gets_486_while_the_first_goes_on(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address), trunks=[CARRIER]))
    first = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed(), name="first")
    switch.until(lambda: len(switch.calls()) == 1, "the first call to be on record")
    second = lab.caller(switch, invite(), refused(486), name="second")
    second.succeed()
    other = lab.caller(switch, *calls_and_hangs_up(), name="other", callers=["+15125550101"])
    other.succeed()
    assert second.names() == ["INVITE", "486 INVITE", "ACK"]
    switch.stop()  # hangs up the first
    first.succeed()
    outcomes = {(call["caller"], call["outcome"], call["unsold_reason"]) for call in switch.calls()}
    assert outcomes == {
        ("+15125550100", "sold", None),
        ("+15125550100", "blocked", "same_caller"),
        ("+15125550101", "sold", None),
    }
