"""Leads that several buyers get, each at its own price, and routes that want them alone."""

from __future__ import annotations

import asyncio
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import CONFIG, TEXAN, configured, lead, post

from trunkline.cli.main import main
from trunkline.events.calls import Converted, PayoutEarned
from trunkline.events.leads import LeadAccepted
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ROUTES = """          - {target: alone, price: "50.00", sells: exclusive}
          - {target: ace-crm, price: "35.00", priority: 2}
          - {target: ace-two, price: "30.00", priority: 3}
          - {target: alone-late, price: "28.00", priority: 4, sells: exclusive}
          - {target: bolt-crm, price: "20.00", priority: 5}
          - {target: cool-crm, price: "10.00", priority: 6}
"""
TARGETS = """  - {key: ace-two, buyer: ace, deliver: {url: "ACE"}}
  - {key: alone, buyer: dean, deliver: {url: "DEAN"}}
  - {key: alone-late, buyer: dean, deliver: {url: "DEAN"}}
  - {key: cool-crm, buyer: cool, deliver: {url: "COOL"}}
plans:
  - key: all
    share_buyers: 2
"""


def shared() -> str:
    head, _, tail = CONFIG.partition("        routes:\n")
    config = head + "        routes:\n" + ROUTES + tail.partition("flows:")[1] + tail.partition("flows:")[2]
    config = config.replace("plans:\n  - key: all\n", TARGETS)
    return config.replace(
        "buyers: [{key: ace}, {key: bolt}]", "buyers: [{key: ace}, {key: bolt}, {key: cool}, {key: dean}]"
    )


def takes_unless(word: str) -> Any:
    def judge(request: Received) -> tuple[int, Any]:
        return (400, {}) if word in request.json().get("story", "") else (200, {})

    return judge


def test_a_lead_goes_to_as_many_as_may_share_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    buyers = {f"/{name}": LeadBuyer(takes_unless(f"no-{name}")) for name in ("ace", "bolt", "cool", "dean")}
    with answering(buyers) as server:
        config = configured(f"{server.url}/ace", f"{server.url}/bolt", shared())
        config = config.replace('"DEAN"', f'"{server.url}/dean"').replace('"COOL"', f'"{server.url}/cool"')
        with SwitchProcess(config, tmp_path) as switch:
            stories = {
                "alone": "",
                "two": "no-dean",
                "second refuses": "no-dean no-bolt",
                "one is left": "no-dean no-bolt no-cool",
            }
            answers = {
                name: post(switch, lead({**TEXAN, "phone": f"+1512555010{place}", "story": story}))[1]
                for place, (name, story) in enumerate(stories.items())
            }
        events = switch.journal_events()
    sold = {event.call: event for event in events if isinstance(event, LeadAccepted)}
    owed = {name: _owed(events, answer["id"]) for name, answer in answers.items()}
    assert owed == {
        "alone": [("dean", "50.00")],
        "two": [("ace", "35.00"), ("bolt", "20.00")],
        "second refuses": [("ace", "35.00"), ("cool", "10.00")],
        "one is left": [("ace", "35.00")],
    }
    assert {name: len(sold[answer["id"]].attempts) for name, answer in answers.items()} == {
        name: len(buyers_) for name, buyers_ in owed.items()
    }
    assert [answer["payout"] for answer in answers.values()] == ["30.00", "21.00", "21.00", "21.00"]
    paid = [event.call for event in events if isinstance(event, PayoutEarned)]
    assert paid == [answer["id"] for answer in answers.values()]
    for answer in answers.values():
        assert main(["trace", answer["id"], "--data", str(switch.data), "--full"]) == 0
        assert "made again, it is the same\n" in capsys.readouterr().out


def _owed(events: list[Any], name: str) -> list[tuple[str, str]]:
    return [(event.buyer, str(event.amount)) for event in events if isinstance(event, Converted) and event.call == name]


class Slow(LeadBuyer):
    """A buyer whose answer to the first post comes too late for a process that is gone by then."""

    async def __call__(self, peer: Peer, request: Received) -> None:
        if not self.leads:
            self.leads.append(request)
            await asyncio.sleep(60)
        await super().__call__(peer, request)


def test_who_bought_in_spite_of_a_crash_counts_for_the_rest(tmp_path: Path) -> None:
    ace, bolt, dean = Slow(), LeadBuyer(), LeadBuyer(lambda _: (400, {}))
    with answering({"/ace": ace, "/bolt": bolt, "/dean": dean}) as server:
        config = configured(f"{server.url}/ace", f"{server.url}/bolt", shared())
        config = config.replace('"DEAN"', f'"{server.url}/dean"').replace('"COOL"', f'"{server.url}/dean"')
        with SwitchProcess(config, tmp_path) as switch, ThreadPoolExecutor(1) as pool:
            posting = pool.submit(post, switch, lead(), headers={"Idempotency-Key": "once"})
            switch.until(lambda: bool(ace.leads), "the first post to ace")
            switch.kill()
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                posting.result()
            switch.restart()
            assert post(switch, lead(), headers={"Idempotency-Key": "once"})[0] == 201
            sold = [each.buyer for each in switch.journal_events() if isinstance(each, Converted)]
            assert sold == ["ace", "bolt"], "neither ace again by another target"
            assert len(dean.leads) == 1, "nor anybody who would have it alone"
