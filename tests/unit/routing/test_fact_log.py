"""The facts of an account, one state after another, as the journal's events changed them."""

from __future__ import annotations

import pytest

from trunkline.engine.routing.fact_log import FACT_EVENTS, STATES_MAX, FactLog, FactState
from trunkline.events.entry import Event
from trunkline.events.switch import (
    CommandDone,
    PenaltiesPublished,
    RatesPublished,
    SwitchStarted,
    TargetDown,
    TargetStatus,
    TargetUp,
)

pytestmark = pytest.mark.unit


def down(target: str, account: str = "acme") -> TargetDown:
    return TargetDown(at_ms=1, account=account, target=target, reason="no_response", facts="f")


def status(target: str, now: str) -> TargetStatus:
    return TargetStatus(at_ms=1, account="acme", target=target, status=now, until_ms=None, by=None, facts="f")


def command(name: str, **result: str) -> CommandDone:
    return CommandDone(at_ms=1, actor="me", key="k", command=name, args={}, result={"account": "acme", **result})


def states(*events: Event) -> list[FactState]:
    log = FactLog("acme")
    for event in events:
        log.take(event)
    return list(log.newest_first())


def test_every_change_is_a_state() -> None:
    rates = RatesPublished(at_ms=1, account="acme", rates="r1", made_ms=0, routes=1, facts="f")
    found = states(
        down("a"),
        down("b"),
        TargetUp(at_ms=2, account="acme", target="a", facts="f"),
        status("c", "away"),
        rates,
        command("lists.load", list="dnc", digest="d1"),
        command("lists.load", list="dnc", digest="d2"),
        status("c", "available"),
        command("lists.drop", list="dnc"),
    )
    assert found[0] == FactState(down=frozenset({"b"}), rates="r1")
    assert found[2] == FactState(down=frozenset({"b"}), unavailable={"c": "away"}, rates="r1", lists={"dnc": "d2"})
    assert found[-2].down == {"a"}
    assert found[-1] == FactState()


def test_others_change_nothing() -> None:
    other = CommandDone(at_ms=1, actor="me", key="k", command="lists.load", args={}, result={"account": "else"})
    nothing = CommandDone(at_ms=1, actor="me", key="k", command="config.apply", args={}, result=None)
    assert states(down("a", "else"), other, nothing, command("counters.reset")) == [FactState()]


def test_a_start_closes_circuits_and_ends_wrap_ups() -> None:
    started = SwitchStarted(at_ms=3, version="1", snapshot="s")
    assert states(down("a"), status("b", "wrap_up"), status("c", "away"), started)[0] == FactState(
        unavailable={"c": "away"}
    )


def test_a_pause_that_ended_while_the_switch_was_off_is_over() -> None:
    paused = TargetStatus(at_ms=1, account="acme", target="a", status="auto_paused", until_ms=50, by=None, facts="f")
    for at_ms, left in ((49, {"a": "auto_paused"}), (50, {})):
        assert states(paused, SwitchStarted(at_ms=at_ms, version="1", snapshot="s"))[0].unavailable == left
    assert states(paused, status("a", "available"))[0] == FactState()


def test_states_are_bounded() -> None:
    found = states(*(down(f"t{at}") for at in range(STATES_MAX + 5)))
    assert len(found) == STATES_MAX


def test_the_types_are_those_of_the_events() -> None:
    named = {
        each.__struct_config__.tag
        for each in (SwitchStarted, TargetDown, TargetUp, TargetStatus, RatesPublished, PenaltiesPublished, CommandDone)
    }
    assert named == set(FACT_EVENTS)
