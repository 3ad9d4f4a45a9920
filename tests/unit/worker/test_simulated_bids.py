"""Auctions in a simulation are settled with what is told of bidders, and a backtest tells what they really bid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.events.auctions import AuctionHeld, Ping
from trunkline.kernel.money import Money
from trunkline.worker.simulation.history import _bids

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, currency: USD, timezone: America/New_York}
publishers: [{key: p}]
campaigns: [{key: c, flow: f, plan: m, conversion: {call: {event: connect}}}]
numbers: [{number: "+18335550100", campaign: c, publisher: p}]
buyers: [{key: ann}, {key: bob}, {key: house}]
targets:
  - {key: a, buyer: ann, dial: "sip:a@127.0.0.1", bid: {dialect: generic, url: "https://a.example/"}}
  - {key: b, buyer: bob, dial: "sip:b@127.0.0.1", bid: {dialect: generic, url: "https://b.example/"}}
  - {key: h, buyer: house, dial: "sip:h@127.0.0.1"}
plans: [{key: m, tiers: [{key: t, method: auction, routes: [{target: a}, {target: b}, {target: h, price: "5.00"}]}]}]
flows: [{key: f, start: s, nodes: {s: {route: {}}}}]
"""


def simulated(folder: Path, capsys: pytest.CaptureFixture[str], *lines: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Revenue by buyer of callers a minute apart; the first line may be a header."""
    (folder / "c.yaml").write_text(CONFIG)
    calls = [
        line if "header" in line else {"at": f"2026-11-23T15:{at:02d}:00Z", "to": "+18335550100", **line}
        for at, line in enumerate(lines)
    ]
    (folder / "t.jsonl").write_text("\n".join(json.dumps(line) for line in calls))
    status = main(["simulate", "--config", str(folder / "c.yaml"), "--traffic", str(folder / "t.jsonl"), "--json"])
    said = capsys.readouterr()
    found = json.loads(said.out) if status == 0 else {"error": said.err}
    return status, {key: each["revenue"] for key, each in found.get("buyers", {}).items()} or found


def test_bids_of_a_line_count_before_those_of_the_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = {"header": {"targets": {"a": {"bid": "12.00"}, "b": {"bid": "none"}}}}
    status, revenue = simulated(tmp_path, capsys, header, {}, {"bids": {"b": "30.00"}}, {"bids": {"a": "none"}})
    assert (status, revenue) == (0, {"ann": "12.00", "bob": "30.00", "house": "5.00"})


def test_who_is_in_neither_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, revenue = simulated(tmp_path, capsys, {}, {})
    assert (status, revenue.get("house")) == (0, "10.00")


def test_a_bid_that_is_no_amount_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = simulated(tmp_path, capsys, {"bids": {"a": "lots"}})
    assert status == 2
    assert "the bid of a" in found["error"]


def test_a_backtest_tells_what_was_bid() -> None:
    def ping(target: str, fate: str, minor: int | None = None, after_ms: int | None = 9) -> Ping:
        amount = None if minor is None else Money(minor, "USD")
        return Ping(route=f"m.t.{target}", target=target, fate=fate, amount=amount, after_ms=after_ms)

    pings = (ping("a", "won", 1_200), ping("b", "timeout"), ping("c", "late", 900), ping("d", "shed"))
    pings += (ping("h", "lost", 500, None), ping("e", "below_floor", 100))
    head: dict[str, Any] = {"account": "acme", "call": "c", "at_ms": 1, "plan": "m", "tier": "t"}
    event = AuctionHeld(**head, deadline_ms=1_500, took_ms=9, pings=pings)
    assert _bids(event) == {"a": "12.00", "b": "none", "c": "none", "e": "1.00"}
