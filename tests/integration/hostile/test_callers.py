"""Callers that flood, give up, or never finish a handshake."""

from __future__ import annotations

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import Caller, Message, Outgoing, Peer, answers, configuration

pytestmark = pytest.mark.integration

LEGS = 12
FLOOD = 400
STORM = 150


def ringing(peer: Peer, request: Message) -> None:
    """A buyer that rings until it is given up on."""
    if request.method == "INVITE":
        peer.reply(request, 180)
    elif request.method == "CANCEL":
        peer.reply(request, 200)
        peer.reply(next(m for m in peer.got("INVITE") if m["call-id"] == request["call-id"]), 487)


def test_a_flood_is_refused_at_the_bound_and_the_switch_recovers(site: Site) -> None:
    buyer = site.peer(ringing)
    switch = site.switch(configuration(buyer.target("rings", ring_seconds=60)), legs=LEGS)
    caller = site.caller()
    flood: list[Outgoing] = []
    for number in range(FLOOD):
        flood.append(caller.call(switch, caller=f"+1512555{number:04d}"))
        if number % 20 == 0:
            caller.wait(flood[-1].mine, "any response")
    refused = [call for call in flood if _status(caller, call) >= 300]
    taken = [call for call in flood if call not in refused]
    assert 1 <= len(taken) <= LEGS
    for call in refused:
        assert call.final().status == 503
    assert all(message["retry-after"] for message in caller.got("INVITE", 503))
    assert switch.metric("trunkline_refused_total", reason="no_media_ports") == len(refused)
    assert switch.get(switch.http, "/health/live")[0] == 200
    for call in taken:
        call.send("CANCEL", branch=call.branch)
    for call in taken:
        assert call.final().status == 487
    switch.idle()
    assert switch.metric("trunkline_media_free_legs") == LEGS
    again = caller.call(switch)
    caller.wait(lambda m: again.mine(m) and m.status == 180, "180 for the first call after the flood")
    again.send("CANCEL", branch=again.branch)
    assert again.final().status == 487


def _status(caller: Caller, call: Outgoing) -> int:
    """The latest status a call has got once it is more than 100: the flood is answered in order."""
    return caller.wait(lambda m: call.mine(m) and m.status > 100, f"180 or 503 to {call.call_id}").status


def test_a_storm_of_cancels_leaves_nothing(site: Site) -> None:
    buyer = site.peer(ringing)
    switch = site.switch(configuration(buyer.target("rings", ring_seconds=60)), legs=2 * STORM)
    caller = site.caller()
    calls = []
    for number in range(STORM):
        rung = len(buyer.got("INVITE"))
        call = caller.call(switch)
        if number % 3 == 1:
            caller.wait(lambda m, call=call: call.mine(m) and m.status == 180, "180")
        elif number % 3 == 2:
            buyer.wait(lambda m: m.method == "INVITE", "an INVITE to the buyer", count=rung + 1)
        for _ in range(1 + number % 4):
            call.send("CANCEL", branch=call.branch)
        calls.append(call)
    for call in calls:
        assert call.final().status == 487
    ended = switch.ended_calls(STORM)
    assert {call["outcome"] for call in ended} == {"abandoned"}
    assert switch.metric("trunkline_media_free_legs") == 2 * STORM


def test_cancel_and_answer_cross(site: Site) -> None:
    """Whoever wins, both sides agree: a call that was answered gets its BYE, one that was not its 487."""
    buyer = site.peer(answers())
    switch = site.switch(configuration(buyer.target("good")))
    caller = site.caller()
    for _ in range(30):
        call = caller.call(switch)
        caller.wait(lambda m, call=call: call.mine(m) and m.status == 180, "180")
        call.send("CANCEL", branch=call.branch)
        if call.final().status == 200:
            call.connect()
            call.hang_up()
    switch.ended_calls(30)
    invited = {message["call-id"] for message in buyer.got("INVITE")}

    def ended() -> set[str]:
        return {message["call-id"] for message in (*buyer.got("BYE"), *buyer.got("CANCEL"))}

    # A call may be in the journal before the message has come that ends its leg.
    switch.until(lambda: ended() >= invited, "every buyer to be told that the call is over")
    assert ended() == invited
