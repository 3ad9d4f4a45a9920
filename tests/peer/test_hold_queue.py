"""Callers who are held until somebody has room: served in their order, over real SIP and RTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, calls_and_hangs_up, configuration, prompt, target
from tests.peer.phone import codes

from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import ack, byed, expect, invite, provisional
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

WORDS, MUSIC = codes(70, 200), codes(71, 400)
FILES = {"words.wav": prompt(WORDS), "music.wav": prompt(MUSIC)}
HOLDS = {"start": {"hold_queue": {"seconds": 60, "prompts": [{"file": "words.wav"}], "music": {"file": "music.wav"}}}}
ONE_SEAT = [{"measure": "live", "max": 1}]


def waiting(switch: SwitchProcess) -> float:
    return switch.metrics()["trunkline_callers_waiting"]


def events(switch: SwitchProcess, kind: str) -> list[Any]:
    return [event for event in switch.journal_events() if type(event).__name__ == kind]


def test_callers_are_served_in_the_order_in_which_they_came(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS, name="buyer")
    switch = lab.switch(configuration(target("first", buyer.address, limits=ONE_SEAT), nodes=HOLDS), FILES)
    phones, callers = [lab.phone() for _ in range(3)], list[Sipp]()
    for place, phone in enumerate(phones):
        callers.append(lab.caller(switch, *TALKS_UNTIL_TOLD, name=f"caller{place}", rtp_port=phone.port))
        phone.connect(switch, callers[-1])
        if place == 0:
            switch.until(lambda: len(events(switch, "AttemptConnected")) == 1, "the first caller to be served")
        else:
            switch.until(lambda expected=place: waiting(switch) == expected, "the caller to wait")
    for phone in phones[1:]:
        switch.until(lambda heard=phone: WORDS in heard.heard() and MUSIC in heard.heard(), "words and music")
    for served in range(3):
        switch.until(
            lambda expected=served + 1: len(events(switch, "AttemptConnected")) == expected, "the next one to be served"
        )
        callers[served].go_on()
        callers[served].succeed()
    calls = switch.ended_calls(3)
    assert [call["outcome"] for call in calls] == ["sold"] * 3
    served = [event.call for event in events(switch, "AttemptConnected")]
    assert served == [event.call for event in events(switch, "CallReceived")], "first come, first served"
    assert [event.position for event in events(switch, "CallQueued")] == [1, 2]
    assert [event.reason for event in events(switch, "CallDequeued")] == [None, None]
    assert waiting(switch) == 0


def test_who_leaves_the_line_makes_room_in_it(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address, limits=ONE_SEAT), nodes=HOLDS), FILES)
    callers = []
    for place in range(3):
        callers.append(lab.caller(switch, *TALKS_UNTIL_TOLD, name=f"caller{place}"))
        if place == 0:
            switch.until(lambda: len(events(switch, "AttemptConnected")) == 1, "the first caller to be served")
        else:
            switch.until(lambda expected=place: waiting(switch) == expected, "the caller to wait")
    callers[1].go_on()
    callers[1].succeed()
    switch.until(lambda: waiting(switch) == 1, "the caller to leave the line")
    callers[0].go_on()
    callers[0].succeed()
    switch.until(lambda: len(events(switch, "AttemptConnected")) == 2, "the last caller to be served")
    callers[2].go_on()
    callers[2].succeed()
    assert sorted(call["outcome"] for call in switch.ended_calls(3)) == ["abandoned", "sold", "sold"]


STAYS = (invite(), provisional(), expect(200), ack(), byed())
"""A caller that waits and talks until the other side hangs up."""


def full(lab: Lab) -> tuple[SwitchProcess, list[Sipp]]:
    """A switch whose only seat is taken by the first of two callers; the second waits."""
    buyer = lab.buyer(*TALKS)
    text = configuration(target("first", buyer.address, limits=ONE_SEAT), nodes=HOLDS)
    switch = lab.switch(text, FILES, drain_s=0)
    callers = [lab.caller(switch, *STAYS, name="served")]
    switch.until(lambda: len(events(switch, "AttemptConnected")) == 1, "the first caller to be served")
    callers.append(lab.caller(switch, *STAYS, name="waits"))
    switch.until(lambda: waiting(switch) == 1, "the caller to wait")
    return switch, callers


def test_a_crash_ends_who_waits_and_gives_the_seat_back(lab: Lab) -> None:
    switch, callers = full(lab)
    switch.until(lambda: events(switch, "CallQueued"), "the waiting to be on the disk")
    switch.kill()
    switch.restart()
    for caller in callers:
        caller.succeed()
    assert [call["outcome"] for call in switch.ended_calls(2)] == ["interrupted"] * 2
    lab.caller(switch, *calls_and_hangs_up(50), name="next").succeed()
    assert switch.ended_calls(3)[-1]["outcome"] == "sold"
    assert waiting(switch) == 0


def test_a_stop_ends_who_waits(lab: Lab) -> None:
    switch, callers = full(lab)
    assert switch.stop() == 0
    for caller in callers:
        caller.succeed()
    assert [(call["outcome"], call["ended_reason"]) for call in switch.calls()] == [
        ("sold", "drain"),
        ("interrupted", "drain"),
    ]


def test_who_came_first_gets_the_seat_that_two_lines_wait_for(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    nodes = {
        "start": {
            "condition": {
                "when": {"attr": "geo.area_code", "eq": "512"},
                "then": "one",
                "otherwise": "two",
            }
        },
        "one": {"hold_queue": {"seconds": 60}},
        "two": {"hold_queue": {"seconds": 60, "plan": "other"}},
    }
    text = json.loads(configuration(target("first", buyer.address, limits=ONE_SEAT), nodes=nodes))
    text["plans"].append({**text["plans"][0], "key": "other"})
    switch, callers = lab.switch(json.dumps(text)), list[Sipp]()
    for place in range(6):
        number = f"+1{(512, 212)[place % 2]}555010{place}"
        callers.append(lab.caller(switch, *TALKS_UNTIL_TOLD, name=f"caller{place}", callers=[number]))
        if place == 0:
            switch.until(lambda: len(events(switch, "AttemptConnected")) == 1, "the first caller to be served")
        else:
            switch.until(lambda expected=place: waiting(switch) == expected, "the caller to wait")
    for served in range(6):
        switch.until(
            lambda expected=served + 1: len(events(switch, "AttemptConnected")) == expected, "the next one to be served"
        )
        callers[served].go_on()
        callers[served].succeed()
    came = [event.call for event in events(switch, "CallReceived")]
    assert [event.call for event in events(switch, "AttemptConnected")] == came, "first come, first served"
    assert [event.plan for event in events(switch, "CallQueued")] == ["other", "injury"] * 2 + ["other"]
