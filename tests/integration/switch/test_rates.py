"""A rate book is counted from a real journal, published over the real socket, and in force after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.switch.test_admin_socket import NOW, Desk, exchange, in_loop, request
from tests.unit.scoring.test_tally import call

from trunkline.cli.main import main
from trunkline.engine.routing.facts import NO_FACTS
from trunkline.engine.scoring.rate_book import Rate
from trunkline.events.entry import Entry
from trunkline.events.switch import RatesPublished
from trunkline.journal.reader import JournalReader

pytestmark = pytest.mark.integration


async def rates(capsys: pytest.CaptureFixture[str], data: Path, *flags: str) -> tuple[int, Any]:
    code = await asyncio.to_thread(main, ["rates", "--data", str(data), "--json", *flags])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


async def write_calls(desk: Desk) -> None:
    now_ms = time.time_ns() // 1_000_000
    events = [
        *call("1", 1, ("p.t.a", "connected", True), source="fb", now_ms=now_ms),
        *call("2", 1, ("p.t.a", "busy", False), ("p.t.b", "connected", False), now_ms=now_ms),
        *call("3", 1, ("p.t.b", "", False), ends=False, now_ms=now_ms),
    ]
    await desk.journal.append([Entry(event, "contact") for event in events])


def test_a_book_is_counted_published_and_in_force_after_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = []

    async def before(desk: Desk) -> None:
        await write_calls(desk)
        code, counted = await rates(capsys, tmp_path)
        assert code == 0
        assert (counted["offers"], counted["waiting"], counted["left_out"]) == (3, 1, 0)
        (book,) = counted["books"]
        assert {route: rate[0] for route, rate in book["routes"].items()} == {"p.t.a": 2, "p.t.b": 1}
        assert desk.plant.facts.of("acme") == NO_FACTS, "nothing is published unasked"
        desk.plant.clock = lambda: NOW.later(10**18)  # the command line has the clock of the day
        code, counted = await rates(capsys, tmp_path, "--publish")
        assert code == 0
        (published,) = counted["published"]
        versions.append(published["version"])
        facts = desk.plant.facts.of("acme")
        assert (facts.rates.version, facts.version) == (published["version"], published["facts"])
        assert facts.rates.posterior("p", "a", "p.t.a", None, 30).offers == 2
        (event,) = [each for each in desk.events() if isinstance(each, RatesPublished)]
        assert (event.account, event.rates, event.routes, event.facts) == ("acme", versions[0], 2, facts.version)

    async def after(desk: Desk) -> None:
        desk.plant.facts.restore(desk.state.rates)
        facts = desk.plant.facts.of("acme")
        assert facts.rates.version == versions[0]
        assert isinstance(facts.rates.rates.routes["p.t.a"], Rate)
        (shown,) = await exchange(tmp_path, request("rates.show"))
        assert shown["result"]["acme"]["version"] == versions[0]
        with JournalReader(tmp_path) as reader:
            assert reader.rate_book("acme", versions[0]) == facts.rates.rates
            assert reader.rate_book("acme", "0" * 16) is None

    in_loop(tmp_path, before)
    assert not list(tmp_path.glob("rates-*")), "the file it was handed over in is gone"
    in_loop(tmp_path, after)


@pytest.mark.parametrize(
    ("content", "version", "says"),
    [
        ("{}", "x", "no rate book"),
        ("no json", "x", "no rate book"),
        ('{"account": "acme", "at_ms": 1, "routes": {"r": [1, 2.0, 0.0]}}', "x", "conversions"),
        ('{"account": "acme", "at_ms": 1}', "x", "has version none"),
        ('{"account": "other", "at_ms": 1}', "none", "not configured"),
        ('{"account": "acme", "at_ms": 9999999999999}', "none", "yet to come"),
        (None, "none", "cannot be read"),
    ],
)
def test_a_book_that_is_none_is_refused_and_the_one_before_stays(
    tmp_path: Path, content: str | None, version: str, says: str
) -> None:
    async def work(desk: Desk) -> None:
        file = tmp_path / "book.json"
        if content is not None:
            file.write_text(content)
        answers = await exchange(
            tmp_path,
            request("rates.publish", "k", file=str(file), version=version),
            request("rates.publish", "k", file="book.json", version=version),
        )
        assert not answers[0]["ok"]
        assert says in answers[0]["error"]["message"]
        assert "no absolute path" in answers[1]["error"]["message"]
        assert desk.plant.facts.of("acme") == NO_FACTS
        assert desk.events() == []

    in_loop(tmp_path, work)


def test_without_a_journal_or_a_switch_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rates", "--data", str(tmp_path)]) == 3
    assert "no journal" in capsys.readouterr().err

    async def work(desk: Desk) -> None:
        await write_calls(desk)

    in_loop(tmp_path, work)
    assert main(["rates", "--data", str(tmp_path), "--publish"]) == 3
    assert "no switch is running" in capsys.readouterr().err
    assert main(["rates", "--data", str(tmp_path), "--mature-hours", "-1"]) == 2
    assert main(["rates", "--data", str(tmp_path)]) == 0
    assert "p.t.a" in capsys.readouterr().out
