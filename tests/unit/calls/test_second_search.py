"""A flow with several route nodes: each is a search of its own, told as one, and no target is offered twice."""

from __future__ import annotations

import pytest

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.events.calls import AttemptEnded, CallEnded, OfferReserved
from trunkline.testing.callworld import CallWorld

pytestmark = pytest.mark.unit

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: own}]
campaigns: [{key: roofing, flow: twice, plan: first, conversion: {call: {event: connect}}}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: own}]
buyers: [{key: ace}, {key: bolt}]
targets:
  - {key: ace-desk, buyer: ace, dial: "sip:desk@127.0.0.1:5081"}
  - {key: bolt-desk, buyer: bolt, dial: "sip:desk@127.0.0.1:5082"}
plans:
  - {key: first, tiers: [{method: priority, routes: [{target: ace-desk, price: "25.00"}]}]}
  - key: second
    tiers: [{method: priority, routes: [{target: ace-desk, price: "9.00"}, {target: bolt-desk, price: "9.00"}]}]
flows: [{key: twice, start: sell, nodes: {sell: {route: {otherwise: more}}, more: {route: {plan: second}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US}]
"""


def in_the_second_search() -> CallWorld:
    """The first plan's only target was busy; the second plan's first other one rings."""
    world = CallWorld(CONFIG)
    world.tell(i.Arrived())
    world.durable()
    world.tell(i.BuyerRefused(world.attempt, 486))
    world.durable()
    return world


def routings(world: CallWorld) -> list[str]:
    """How each search was said to have ended."""
    return [command.outcome for command in world.said if isinstance(command, c.WriteRouting)]


def test_a_target_of_the_first_search_is_not_offered_by_the_second() -> None:
    world = in_the_second_search()
    assert [event.target for event in world.events(OfferReserved)] == ["ace-desk", "bolt-desk"]
    world.check()


def test_a_caller_who_leaves_the_second_search_has_abandoned_it() -> None:
    world = in_the_second_search()
    world.caller_open = False
    world.tell(i.CallerLeft())
    world.check_over()
    (ended,) = world.events(CallEnded)
    assert (ended.outcome, ended.reason) == ("abandoned", None)
    assert routings(world) == ["unsold", "abandoned"]


def test_an_error_of_ours_fails_the_call_and_ends_its_attempt() -> None:
    world = in_the_second_search()
    world.tell(i.HangUp("internal_error", fault=True))
    world.check_over()
    (ended,) = world.events(CallEnded)
    assert (ended.outcome, ended.reason, ended.ended_by) == ("failed", "internal_error", "system")
    assert [event.outcome for event in world.events(AttemptEnded)] == ["busy", "failed"]
    assert routings(world) == ["unsold", "failed"]


def test_a_search_that_the_journal_ends_is_told_as_well() -> None:
    world = CallWorld(CONFIG)
    world.tell(i.Arrived())
    world.tell(i.NotDurable(world.tickets.pop(0)))
    world.check_over()
    (ended,) = world.events(AttemptEnded)
    assert (ended.outcome, ended.reason) == ("capacity_lost", "journal")
    assert routings(world) == ["failed"]
