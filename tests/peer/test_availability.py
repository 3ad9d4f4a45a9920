"""Targets that take no traffic for a while: by command, by wrap-up, and because nobody answers there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.peer.lab import TALKS, Lab, attempts, calls_and_hangs_up, configuration, refuses, target

from trunkline.cli.main import main
from trunkline.events.switch import TargetStatus
from trunkline.testing.sipp_steps import ack_refusal, expect, invite
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

UNSOLD = (invite(), expect(100, optional=True), expect(480), ack_refusal())
"""A caller whom nobody takes."""


def statuses(switch: SwitchProcess) -> list[tuple[str, str, bool]]:
    """Target, status, and whether it ends by itself, of every change."""
    events = [event for event in switch.journal_events() if isinstance(event, TargetStatus)]
    return [(event.target, event.status, event.until_ms is not None) for event in events]


def command(capsys: pytest.CaptureFixture[str], switch: SwitchProcess, *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["targets", *arguments, "--data", str(switch.data), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def call(lab: Lab, switch: SwitchProcess, count: int) -> list[tuple[str, str, int | None]]:
    lab.caller(switch, *calls_and_hangs_up(50)).succeed()
    return attempts(switch.ended_calls(count)[-1])


def test_away_lasts_over_a_restart_until_somebody_says_otherwise(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = lab.buyer(*TALKS), lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", first.address), target("second", second.address)))
    assert call(lab, switch, 1) == [("first", "connected", 200)]
    said = command(capsys, switch, "away", "first")
    assert (said["before"], said["after"]) == ("available", "away")
    assert call(lab, switch, 2) == [("second", "connected", 200)]
    switch.kill()
    switch.restart()
    shown = {row["target"]: row["status"] for row in command(capsys, switch, "show")["targets"]}
    assert shown == {"first": "away", "second": "available"}
    assert command(capsys, switch, "available", "first")["after"] == "available"
    assert call(lab, switch, 3) == [("first", "connected", 200)]
    assert statuses(switch) == [("first", "away", False), ("first", "available", False)]
    assert main(["targets", "away", "frist", "--data", str(switch.data)]) == 1
    assert "did you mean first?" in capsys.readouterr().err


def test_a_target_wraps_up_after_a_call(lab: Lab) -> None:
    first, second = lab.buyer(*TALKS), lab.buyer(*TALKS)
    wrapping = target("first", first.address, wrap_up_seconds=2)
    switch = lab.switch(configuration(wrapping, target("second", second.address)))
    assert call(lab, switch, 1) == [("first", "connected", 200)]
    assert call(lab, switch, 2) == [("second", "connected", 200)]
    switch.until(lambda: len(statuses(switch)) == 2, "the wrap-up to end")
    assert call(lab, switch, 3) == [("first", "connected", 200)]
    assert statuses(switch)[:2] == [("first", "wrap_up", True), ("first", "available", False)]


def test_a_target_that_does_not_answer_is_paused(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    silent = lab.buyer(*refuses(480))
    pausing = target("first", silent.address, pause_after={"no_answers": 2, "cool_down_seconds": 900})
    switch = lab.switch(configuration(pausing))
    for count in (1, 2):
        lab.caller(switch, *UNSOLD).succeed()
        assert attempts(switch.ended_calls(count)[-1]) == [("first", "no_answer", 480)]
    lab.caller(switch, *UNSOLD).succeed()
    (last,) = switch.ended_calls(3)[-1:]
    assert (attempts(last), last["unsold_reason"]) == ([], "no_route")
    assert [(each["reason"], each["detail"]) for each in last["rejected"]] == [("target_down", "auto_paused")]
    assert command(capsys, switch, "resume", "first")["before"] == "auto_paused"
    assert statuses(switch) == [("first", "auto_paused", True), ("first", "available", False)]
