"""Return penalties over the real socket: in force, journaled, there after a restart, and found again for a decision."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.switch.test_admin_socket import Desk, exchange, in_loop, request

from trunkline.engine.routing.fact_log import FACT_EVENTS, FactLog
from trunkline.engine.routing.facts import NO_FACTS, facts_of
from trunkline.events.switch import PenaltiesPublished
from trunkline.journal.reader import JournalReader
from trunkline.switch.commands.penalties import TARGETS_MAX

pytestmark = pytest.mark.integration


def test_penalties_are_in_force_journaled_and_there_after_a_restart(tmp_path: Path) -> None:
    async def before(desk: Desk) -> None:
        published = request("penalties.publish", "k", account="acme", penalties={"b": 1_250, "a": 30, "c": 0}, days=30)
        (answer,) = await exchange(tmp_path, published)
        facts = desk.plant.facts.of("acme")
        assert answer["result"] == {"account": "acme", "penalties": 2, "before": 0, "facts": facts.version}
        assert facts == facts_of(penalties={"a": 30, "b": 1_250})
        (event,) = [each for each in desk.events() if isinstance(each, PenaltiesPublished)]
        assert (event.penalties, event.days, event.facts) == ({"a": 30, "b": 1_250}, 30, facts.version)
        log = FactLog("acme")
        log.take(event)
        assert next(log.newest_first()).penalties == {"a": 30, "b": 1_250}
        assert "penalties.published" in FACT_EVENTS

    async def after(desk: Desk) -> None:
        desk.plant.facts.restore(desk.state.rates, desk.state.penalties)
        assert desk.plant.facts.of("acme").penalties == {"a": 30, "b": 1_250}
        with JournalReader(tmp_path) as reader:
            assert reader.penalties() == {"acme": {"a": 30, "b": 1_250}}
        (shown,) = await exchange(tmp_path, request("penalties.show"))
        assert shown["result"] == {"acme": {"a": 30, "b": 1_250}}
        await exchange(tmp_path, request("penalties.publish", "k2", account="acme", penalties={}, days=30))
        assert desk.plant.facts.of("acme") == NO_FACTS

    async def at_last(desk: Desk) -> None:
        desk.plant.facts.restore(desk.state.rates, desk.state.penalties)
        assert desk.plant.facts.of("acme") == NO_FACTS

    in_loop(tmp_path, before)
    in_loop(tmp_path, after)
    in_loop(tmp_path, at_last)


@pytest.mark.parametrize(
    ("account", "penalties", "days", "says"),
    [
        ("other", {}, 30, "no account"),
        ("acme", {"a": 10_001}, 30, "is 10001"),
        ("acme", {"a": -1}, 30, "is -1"),
        ("acme", {}, 0, "over 0 days"),
        ("acme", {f"t{number}": 1 for number in range(TARGETS_MAX + 1)}, 30, "are the most"),
    ],
)
def test_what_is_no_penalty_is_refused(
    tmp_path: Path, account: str, penalties: dict[str, int], days: int, says: str
) -> None:
    async def work(desk: Desk) -> None:
        (answer,) = await exchange(
            tmp_path, request("penalties.publish", "k", account=account, penalties=penalties, days=days)
        )
        assert says in answer["error"]["message"]
        assert desk.plant.facts.of("acme") == NO_FACTS
        assert desk.events() == []

    in_loop(tmp_path, work)
