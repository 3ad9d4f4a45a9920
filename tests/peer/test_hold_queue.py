"""Callers who are held until somebody has room: served in their order, over real SIP and RTP."""

from __future__ import annotations

from typing import Any

import pytest
from tests.peer.lab import TALKS, TALKS_UNTIL_TOLD, Lab, configuration, prompt, target
from tests.peer.phone import codes

from trunkline.testing.sipp import Sipp
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
