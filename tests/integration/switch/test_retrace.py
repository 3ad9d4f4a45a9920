"""Decisions of real calls are made again from the data folder alone, and are the same; who may see less sees less."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from scripts.erase_contact import main as erase

from trunkline.cli.main import main
from trunkline.testing.peers import Buyer, Caller, answers, busy, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
lists: [{key: blocked, type: prefixes, file: blocked.txt}]
publishers: [{key: adwave}, {key: other}]
campaigns: [{key: roofing, flow: sell, plan: all, duplicates: {mark: {event: incoming, days: 30}}}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave, source: search-tx}]
buyers: [{key: ace}, {key: bolt}, {key: far}, {key: shut, suppress: [blocked]}]
targets:
  - {key: ace-desk, buyer: ace, dial: "BUSY"}
  - {key: ace-late, buyer: ace, dial: "BUSY"}
  - {key: bolt-desk, buyer: bolt, dial: "TAKES", limits: [{measure: attempt, per: lifetime, max: 1}]}
  - {key: far-desk, buyer: far, dial: "TAKES"}
  - {key: far-away, buyer: far, dial: "TAKES"}
  - {key: shut-desk, buyer: shut, dial: "TAKES"}
plans:
  - key: all
    fallback: rest
    reroute_seconds: 20
    tiers:
      - key: first
        method: weighted
        routes:
          - {target: ace-desk, price: "25.00", weight: 3}
          - {target: bolt-desk, price: "20.00"}
          - {target: shut-desk, price: "20.00"}
          - target: far-away
            price: "20.00"
            criteria:
              all:
                - {attr: geo.county, in: ["Travis, TX", "Williamson, TX"], confidence: 0.7}
                - {attr: geo.state, in: [CA, NY]}
  - key: rest
    tiers:
      - key: turns
        method: round_robin
        routes:
          - {target: ace-desk, price: "10.00"}
          - {target: ace-late, price: "10.00"}
          - {target: far-desk, price: "10.00", hops: [0, 1]}
          - {target: far-away, price: "10.00", hops: [1]}
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""
ME, SPAM, OTHER = "+15125550100", "+15125550177", "+12125550100"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a switch that took a few calls; its configuration is gone."""
    folder = tmp_path_factory.mktemp("retrace")
    (folder / "blocked.txt").write_text(f"{ME}*\n{SPAM}*\n")

    async def run() -> SwitchProcess:
        async with Buyer(busy()) as first, Buyer(answers(talk_s=0.3)) as second, Caller() as caller:
            config = CONFIG.replace("BUSY", first.uri()).replace("TAKES", second.uri())
            switch = SwitchProcess(config, folder)
            with switch:
                for count, who in enumerate([ME, ME, SPAM, OTHER, "anonymous"], start=1):
                    await caller.call(f"sip:+18335550100@{switch.sip}", who, calls(hang_up_after_s=1))
                    await asyncio.to_thread(switch.ended_calls, count)
        return switch

    switch = asyncio.run(run())
    switch.config_path.unlink()
    return switch.data


def asked(data: Path, capsys: pytest.CaptureFixture[str], place: int, *flags: str) -> Any:
    assert main(["calls", "--data", str(data), "--json"]) == 0
    listed = sorted(json.loads(capsys.readouterr().out), key=lambda call: call["at"])
    assert main(["trace", listed[place]["id"], "--data", str(data), "--json", *flags]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_every_decision_is_proved(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    met: dict[tuple[str, str], Any] = {}
    for place in range(5):
        found = asked(data, capsys, place, "--full")
        for decision in found["decisions"]:
            assert (decision["differences"], decision["notes"]) == ([], [])
            assert decision["proved"]
            for route in decision["routes"]:
                met[route["outcome"], route.get("reason", "")] = route
    assert {reason for _, reason in met} >= {"criteria", "hop", "limit", "suppression", "already_offered"}
    assert met["rejected", "limit"]["level"] == "target"
    assert met["rejected", "suppression"]["detail"] == "on list blocked"
    assert met["offered", ""]["rank"] >= 1
    assert met["rejected", "hop"]["compared"]["asked"] in {"in [0]", "in [1]", "in [0, 1]"}


def test_a_rerouted_call_has_a_decision_for_each_hop(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(data, capsys, 0, "--full")
    assert [decision["hop"] for decision in found["decisions"]][:2] == [0, 1]
    first, again = found["decisions"][:2]
    assert first["outcome"] == "sold"
    (county,) = [each for each in first["routes"] if each["route"] == "all.first.far-away"]
    assert county["compared"] == {"what": "geo.state", "asked": "in [CA, NY]", "found": "TX", "basis": "area_code"}
    assert first["attributes"]["geo.county"]["chances"][0]["value"] == "Travis, TX"
    assert again["at"] > first["at"]


def test_words_for_people(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = asked(data, capsys, 0)["call"]["id"]
    assert main(["trace", call, "--data", str(data), "--full"]) == 0
    told = capsys.readouterr().out
    assert "made again, it is the same" in told
    assert "geo.state is TX (area_code), asked is in [CA, NY]" in told


def test_a_buyer_sees_its_own_routes_and_no_more(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = asked(data, capsys, 0, "--as", "buyer:far")
    assert {route["target"] for each in seen["decisions"] for route in each["routes"]} == {"far-desk", "far-away"}
    text = json.dumps(seen)
    for secret in ("ace", "bolt", "shut", "first", "turns", "rest", "adwave", ME, "Travis", "25.00"):
        assert secret not in text
    assert asked(data, capsys, 0, "--as", "buyer:nobody")["decisions"][0]["routes"] == []


def test_a_publisher_sees_what_came_of_its_caller(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = asked(data, capsys, 0, "--as", "publisher:adwave")
    assert set(seen["decisions"][0]) == {"at", "outcome", "reason", "reasons"}
    text = json.dumps(seen)
    for secret in ("ace", "bolt", "far", "shut", "desk", "limit"):
        assert secret not in text
    call = seen["call"]
    assert main(["trace", call, "--data", str(data), "--as", "publisher:other"]) == 2
    assert "another publisher" in capsys.readouterr().err
    assert main(["trace", call, "--data", str(data), "--as", "everybody"]) == 2


def test_what_is_gone_is_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*.sock"))
    (data.parent / "blocked.txt").write_text("+1999*\n")
    (lists,) = asked(copy, capsys, 2, "--full")["decisions"][:1]
    assert not lists["proved"]
    assert "facts" in lists["notes"][0]
    assert erase([str(copy), "acme", ME]) == 0
    capsys.readouterr()
    (erased, *_) = asked(copy, capsys, 0, "--full")["decisions"]
    assert "erased" in erased["notes"][0]
    assert erased["routes"] == []
    for file in (copy / "configurations").glob("*.json.gz"):
        file.unlink()
    (unknown, *_) = asked(copy, capsys, 3, "--full")["decisions"]
    assert "configuration" in unknown["notes"][0]
    assert not unknown["proved"]
