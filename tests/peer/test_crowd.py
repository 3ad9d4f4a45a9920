"""Many calls at once: seats are never oversold, a long waterfall fails no call, and neither does a lossy line."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.peer.lab import TALKS, Lab, attempts, calls_and_hangs_up, configuration, refuses, target

from trunkline.events.calls import AttemptEnded, OfferReserved
from trunkline.events.entry import Event
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


def test_a_line_that_loses_every_tenth_packet_loses_no_call(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS, lost_percent=10)
    switch = lab.switch(configuration(target("first", buyer.address, first_response_seconds=20)), legs=120)
    # Long enough for a lost ACK to be made good: sipp takes a repeated 200 for the answer to its BYE.
    caller = lab.caller(switch, *calls_and_hangs_up(2_000), calls=40, rate=20, lost_percent=10, seconds=90)
    caller.succeed()
    records = switch.ended_calls(40, seconds=60)
    assert [call["outcome"] for call in records] == ["sold"] * 40
    assert all(attempts(call) == [("first", "connected", 200)] for call in records)
    invites = Counter(message.call_id for message in buyer.messages() if message.name == "INVITE")
    assert len(invites) <= 40, "a repeated INVITE of the caller is not dialled again"
