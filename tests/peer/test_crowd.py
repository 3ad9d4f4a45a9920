"""Many calls at once: seats are never oversold, a long waterfall fails no call, and neither does a lossy line."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.peer.lab import TALKS, Lab, attempts, calls_and_hangs_up, configuration, refuses, target

from trunkline.events.calls import AttemptEnded, OfferReserved
from trunkline.events.entry import Event
from trunkline.testing.lossy import Line
from trunkline.testing.ports import HOST, free_block
from trunkline.testing.relay import UdpRelay
from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import (
    ack,
    ack_refusal,
    acked,
    answer,
    bye,
    byed,
    expect,
    go_to,
    invite,
    invited,
    label,
    pause,
)

pytestmark = pytest.mark.peer


SOLD_OR_NOT = (
    invite(), expect(100, optional=True), expect(180, optional=True), expect(480, optional=True, then="unsold"),
    expect(200), ack(), pause(150), bye(), go_to("end"), label("unsold"), ack_refusal(), label("end"),
)  # fmt: skip
"""A caller for whom both are right: a buyer answers, or every seat is taken."""


def peak_at_buyer(buyer: Sipp) -> int:
    """The most calls a buyer had at once, as it saw them itself: from INVITE to BYE or its own refusal."""
    live: set[str] = set()
    peak = 0
    for message in buyer.messages():
        if message.name == "INVITE" and not message.sent:
            live.add(message.call_id)
            peak = max(peak, len(live))
        elif message.name == "BYE" or (message.method == "INVITE" and (message.status or 0) >= 300):
            live.discard(message.call_id)
    return peak


def peak_in_journal(events: list[Event], buyer: str) -> int:
    """The most attempts of a buyer that were open at once, by replaying the journal."""
    live: set[str] = set()
    peak = 0
    for event in events:
        if isinstance(event, OfferReserved) and event.buyer == buyer:
            live.add(event.attempt)
            peak = max(peak, len(live))
        elif isinstance(event, AttemptEnded):
            live.discard(event.attempt)
    return peak


def test_a_thousand_calls_race_for_few_seats(lab: Lab) -> None:
    seats = {"first": 3, "second": 5}
    calls = 1_000
    talks = (invited(), answer(180), answer(200), acked(), byed())
    buyers = {name: lab.buyer(*talks, name=name) for name in seats}
    switch = lab.switch(
        configuration(
            *(target(name, buyers[name].address, limits=[{"measure": "live", "max": seats[name]}]) for name in seats)
        ),
        legs=400,
    )
    caller = lab.caller(switch, *SOLD_OR_NOT, calls=calls, rate=100, trace=False)
    caller.succeed()
    records = switch.ended_calls(calls)
    outcomes = Counter(call["outcome"] for call in records)
    assert len(records) == calls
    assert set(outcomes) == {"sold", "unsold"}
    assert outcomes["unsold"], "the race was no race"
    events = switch.journal_events()
    for name, limit in seats.items():
        assert peak_in_journal(events, name) == limit, "every seat is used, and never one more"
        assert peak_at_buyer(buyers[name]) <= limit
    for call in records:
        for rejected in call["rejected"]:
            assert (rejected["reason"], rejected["measure"]) == ("limit", "live")
    overflow = [call for call in records if call["target"] == "second"]
    assert overflow, "what the first buyer has no seat for goes to the second"
    figures = {name: buyer.stop() for name, buyer in buyers.items()}
    assert sum(each.successful for each in figures.values()) == outcomes["sold"]
    assert not any(each.failed for each in figures.values())


def test_a_waterfall_of_five_at_sixty_a_second_fails_no_call(lab: Lab) -> None:
    refusing = [lab.buyer(*refuses(486), name=f"busy{n}", trace=False) for n in range(4)]
    last = lab.buyer(*TALKS, name="last", trace=False)
    targets = [target(f"busy{n}", each.address) for n, each in enumerate(refusing)]
    switch = lab.switch(configuration(*targets, target("last", last.address)), legs=500)
    calls = 60 * 8
    caller = lab.caller(switch, *calls_and_hangs_up(1000), calls=calls, rate=60, trace=False)
    assert caller.succeed().successful == calls
    records = switch.ended_calls(calls)
    expected = [(f"busy{n}", "busy", 486) for n in range(4)] + [("last", "connected", 200)]
    assert all(attempts(call) == expected for call in records)
    assert last.stop().successful == calls
    for each in refusing:
        assert each.stop().successful == calls, "every refusal was acknowledged"


def test_two_hundred_calls_over_lines_that_lose_every_tenth_packet(lab: Lab) -> None:
    calls = 200
    port = free_block(2)
    lines = [Line(seed, loss=0.1, in_a_row_max=3, delay_s=0.005) for seed in range(1, 5)]
    to_buyer = lab.relay((HOST, port), *lines[:2])
    # Without ringing: when 180 and 200 are both lost, sipp says neither again to a repeated INVITE.
    talks = (invited(), answer(200), acked(), byed())
    buyer = lab.buyer(*(through(to_buyer, step) for step in talks), port=port, trace=False)
    dial = f"{HOST}:{to_buyer.address[1]}"
    switch = lab.switch(configuration(target("first", dial, first_response_seconds=20)), legs=500)
    host, _, sip = switch.sip.rpartition(":")
    to_switch = lab.relay((host, int(sip)), *lines[2:])
    # Long enough for a lost ACK to be made good: sipp takes a repeated 200 for the answer to its BYE.
    calls_on = (invite(), expect(100, optional=True), expect(200), ack(), pause(4_000), bye())
    steps = [through(to_switch, step) for step in calls_on]
    via = f"{HOST}:{to_switch.address[1]}"
    lab.caller(switch, *steps, via=via, calls=calls, rate=40, trace=False, seconds=90).succeed()
    records = switch.ended_calls(calls, seconds=60)
    assert [call["outcome"] for call in records] == ["sold"] * calls
    assert all(attempts(call) == [("first", "connected", 200)] for call in records)
    assert all(line.lost > calls / 10 for line in lines), [line.lost for line in lines]
    figures = buyer.stop()
    assert figures.calls == calls, "a repeated INVITE of the caller is not dialled again"


def through(relay: UdpRelay, step: str) -> str:
    """A step whose Via and Contact name the relay, so that what the other side sends comes through it."""
    return step.replace("[local_ip]:[local_port]", f"{relay.address[0]}:{relay.address[1]}")
