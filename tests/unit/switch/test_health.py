"""Which targets are out of service when which servers are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Account, AccountConfig, Buyer, Target
from trunkline.config.trunks import Trunk, TrunkOutbound
from trunkline.engine.routing.facts import NO_FACTS, facts_of
from trunkline.events.switch import TargetDown, TargetUp
from trunkline.kernel.clock import Instant
from trunkline.sip.endpoint import Hop, OutsideRequest
from trunkline.switch.facts import FactBoard
from trunkline.switch.health import PROBE_S, Health
from trunkline.switch.metrics import Metrics
from trunkline.switch.slices import finished
from trunkline.switch.watched import NOTHING_WATCHED, watching
from trunkline.telephony.sip.circuits import FAILURES
from trunkline.telephony.sip.servers import Place

pytestmark = pytest.mark.unit

DESK, CELL, ONE, TWO = (Hop(f"192.0.2.{number}", 5060) for number in range(1, 5))
NAMED = (Hop("192.0.2.21", 5060), Hop("192.0.2.22", 5060))
TRUNKS = {
    "one": Trunk(key="one", default_country="US", outbound=TrunkOutbound(proxy="sip:192.0.2.3")),
    "two": Trunk(key="two", default_country="US", outbound=TrunkOutbound(proxy="sip:192.0.2.4")),
    "shut": Trunk(key="shut", default_country="US", paused=True, outbound=TrunkOutbound(proxy="sip:192.0.2.9")),
}
TARGETS = (
    Target(key="desk", buyer="b", dial="sip:x@192.0.2.1"),
    Target(key="group", buyer="b", dial="sip:x@192.0.2.1", also_dial=("sip:y@192.0.2.2",)),
    Target(key="number", buyer="b", dial="+12125550123", trunk=("one", "shut", "two")),
    Target(key="named", buyer="b", dial="sip:x@pbx.example"),
    Target(key="unknown", buyer="b", dial="sip:x@new.example"),
    Target(key="lead", buyer="b"),
)


class World:
    """What `Health` needs of a switch; time is the test's."""

    def __init__(self, targets: tuple[Target, ...] = TARGETS, trunks: dict[str, Trunk] = TRUNKS) -> None:
        self.now = 100.0
        self.asked: list[OutsideRequest] = []
        self.events: list[TargetDown | TargetUp] = []
        endpoint = SimpleNamespace(ask=self.ask)
        plant: Any = SimpleNamespace(
            sip=SimpleNamespace(
                now=lambda: self.now, endpoint=endpoint, public=("203.0.113.1", 5060), flush=lambda: None
            ),
            names=SimpleNamespace(all_servers=self.all_servers),
            clock=lambda: Instant(0, 7),
            write=lambda entries: self.events.extend(entry.event for entry in entries),
            metrics=Metrics(),
            chance=lambda limit: 0,
        )
        self.facts = plant.facts = FactBoard()
        self.health = Health(plant)
        config = AccountConfig(account=Account(key="acme", timezone="UTC"), targets=targets)
        self.health.use(finished(watching([config], trunks)))

    def ask(self, request: OutsideRequest, _now: float) -> int:
        """An OPTIONS is sent; its number."""
        self.asked.append(request)
        return len(self.asked)

    def all_servers(self, place: Place) -> tuple[Hop, ...]:
        """What names stand for."""
        if place.literal:
            return (Hop(place.host, 5060),)
        return NAMED if place.host == "pbx.example" else ()

    def break_(self, *hops: Hop) -> None:
        """Let servers fail often enough."""
        for hop in hops:
            for _ in range(FAILURES):
                self.health.failed(hop, "sip_503")

    def look(self, passed: float) -> None:
        """Time passes."""
        self.now += passed
        self.health.look(self.now)

    def down(self) -> frozenset[str]:
        """Targets that are out of service."""
        return self.facts.of("acme").down


@pytest.mark.parametrize(
    ("broken", "down"),
    [
        ((DESK,), {"desk"}),
        ((CELL,), set()),
        ((DESK, CELL), {"desk", "group"}),
        ((ONE,), set()),
        ((ONE, TWO), {"number"}),
        (NAMED[:1], set()),
        (NAMED, {"named"}),
        ((DESK, CELL, ONE, TWO, *NAMED), {"desk", "group", "number", "named"}),
    ],
)
def test_a_target_is_down_when_all_its_phones_trunks_and_servers_are(broken: tuple[Hop, ...], down: set[str]) -> None:
    world = World()
    world.break_(*broken)
    assert world.down() == down
    assert world.facts.of("acme") == (facts_of(down) if down else NO_FACTS)
    told = [event for event in world.events if isinstance(event, TargetDown)]
    assert {event.target for event in told} == down
    assert {event.reason for event in told} <= {"sip_503"}


def test_what_is_up_again_is_told_and_probes_bring_it_back() -> None:
    world = World()
    world.break_(DESK)
    world.look(5.0)
    assert [request.method for request in world.asked] == ["OPTIONS"]
    assert world.asked[0].destination == DESK
    world.health.answered(1, 404)
    assert world.down() == {"desk"}, "once is not enough"
    world.look(1.0)
    world.health.answered(2, 200)
    assert world.down() == frozenset()
    assert [type(event) for event in world.events] == [TargetDown, TargetUp]
    assert world.events[1].facts == "none"
    world.look(1.0)
    assert world.health.open_circuits() == 0


@pytest.mark.parametrize("status", [503, None])
def test_503_and_silence_are_no_life(status: int | None) -> None:
    world = World()
    world.break_(DESK)
    for number in range(1, 3):
        world.look(60.0)
        world.health.answered(number, status)
    assert world.down() == {"desk"}


def test_an_options_that_nobody_answers_is_given_up_in_time() -> None:
    world = World()
    world.break_(DESK)
    world.look(5.0)
    world.look(PROBE_S)
    world.health.answered(1, 200)
    assert world.down() == {"desk"}, "too late"


def test_calls_go_to_servers_that_are_in_use_and_to_all_when_none_is() -> None:
    world = World()
    assert world.health.usable(NAMED) == NAMED
    world.break_(NAMED[0])
    assert world.health.usable(NAMED) == [NAMED[1]]
    world.break_(NAMED[1])
    assert world.health.usable(NAMED) == NAMED


def test_keepalives_go_to_every_server_of_a_trunk_and_of_a_target_that_asks_for_them() -> None:
    trunks = {"one": Trunk(key="one", keepalive_seconds=30, outbound=TrunkOutbound(proxy="sip:192.0.2.3"))}
    targets = (Target(key="named", buyer="b", dial="sip:x@pbx.example", keepalive_seconds=60),)
    world = World(targets, trunks)
    world.look(0.5)
    world.look(0.5)
    assert sorted(request.destination for request in world.asked) == sorted([ONE, *NAMED])
    for number in range(1, 4):
        world.health.answered(number, 200)
    world.look(30.0)
    assert [request.destination for request in world.asked[3:]] == [ONE]
    world.health.use(NOTHING_WATCHED)
    world.health.answered(4, 200)
    world.look(0.5)
    world.look(120.0)
    assert len(world.asked) == 4, "nobody asks any more"


def test_a_target_that_leaves_the_configuration_is_not_down_any_more() -> None:
    world = World()
    world.break_(DESK)
    world.health.use(NOTHING_WATCHED)
    assert world.down() == frozenset()


def test_a_server_that_nothing_stands_for_any_more_is_left_alone() -> None:
    world = World()
    world.break_(DESK, NAMED[0])
    world.health.use(NOTHING_WATCHED)
    world.break_(CELL)  # by a call of before the change
    for _ in range(100):
        world.look(5.0)
    assert world.asked == []
    assert world.health.open_circuits() == 0


def test_what_is_watched_is_the_same_with_what_was_known_before() -> None:
    def config(targets: tuple[Target, ...]) -> AccountConfig:
        return AccountConfig(account=Account(key="acme", timezone="UTC"), buyers=(Buyer(key="b"),), targets=targets)

    old = config(TARGETS)
    before = finished(watching([old], TRUNKS))
    moved = Target(key="desk", buyer="b", dial="sip:x@192.0.2.7", keepalive_seconds=30)
    new = config((moved, *TARGETS[2:], Target(key="more", buyer="b", dial="sip:x@192.0.2.8")))
    again = finished(watching([new], TRUNKS, before, {"acme": AccountIndex(old)}))
    assert again == finished(watching([new], TRUNKS))
    assert again.targets["acme", "number"] is before.targets["acme", "number"]
    assert again.targets["acme", "desk"] != before.targets["acme", "desk"]
