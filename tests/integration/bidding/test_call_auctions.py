"""Calls sold by auction, end to end: a real switch, real HTTP bidders, real SIP; then what the journal tells of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.events.calls import CallDequeued, CallEvent, CallQueued
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import (
    after,
    bids,
    breaks_off,
    drips,
    floods,
    hangs,
    no_bid,
    redirects,
    says,
    writes,
)
from trunkline.testing.bidders.server import Bidder
from trunkline.testing.peers import Buyer, Caller, answers, busy, calls, gives_up
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ME = "+15125550100"
MARKET, HOSTILE, CONFIRM, GONE = ("+18335550100", "+18335550101", "+18335550102", "+18335550103")
WAITS = "+18335550104"

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: pub}]
campaigns:
  - {key: market, flow: sell, plan: market}
  - {key: hostile, flow: sell, plan: hostile}
  - {key: confirm, flow: sell, plan: confirm}
  - {key: gone, flow: sell, plan: gone}
  - {key: waits, flow: hold, plan: waits}
numbers:
  - {number: "+18335550100", campaign: market, publisher: pub, source: search}
  - {number: "+18335550101", campaign: hostile, publisher: pub}
  - {number: "+18335550102", campaign: confirm, publisher: pub}
  - {number: "+18335550103", campaign: gone, publisher: pub}
  - {number: "+18335550104", campaign: waits, publisher: pub}
buyers: [{key: house}, {key: ann}, {key: bob}, {key: eve, limits: [{measure: live, max: 0}]}]
targets:
  - {key: house, buyer: house, dial: "TAKES"}
  - key: best
    buyer: ann
    dial: "sip:nobody@127.0.0.1:9"
    bid: {dialect: generic, url: "URL/best", allow: ["sip:127.0.0.1"], caller: hashed}
  - {key: second, buyer: bob, dial: "BUSY", bid: {dialect: generic, url: "URL/second"}}
  - {key: outside, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/outside", allow: ["sip:10.1.2.3"]}}
  - {key: full, buyer: eve, dial: "TAKES", bid: {dialect: generic, url: "URL/full"}}
  - {key: shown, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/shown", simulate: true}}
  - {key: hung, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/hung", timeout_ms: 250}}
  - {key: drips, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/drips", timeout_ms: 250}}
  - {key: late, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/late", timeout_ms: 250}}
  - {key: floods, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/floods"}}
  - {key: round, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/round"}}
  - {key: nonsense, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/nonsense"}}
  - {key: tls, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "SECURE/hung"}}
  - {key: broken, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/broken"}}
  - {key: nowhere, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "http://127.0.0.1:9/"}}
  - {key: private, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "http://10.255.255.1/"}}
  - key: fickle
    buyer: ann
    dial: "TAKES"
    bid: {dialect: generic, url: "URL/fickle", confirm: {url: "URL/refused", reason_path: reason}}
  - key: steady
    buyer: bob
    dial: "BUSY"
    bid:
      dialect: generic
      url: "URL/steady"
      allow: ["sip:127.0.0.1"]
      confirm: {url: "URL/confirmed", number_path: call}
  - {key: slow, buyer: bob, dial: "TAKES", bid: {dialect: generic, url: "URL/hung", timeout_ms: 10000}}
plans:
  - key: market
    tiers:
      - key: t
        method: auction
        floor: "12.00"
        routes:
          - {target: house, price: "12.00"}
          - {target: best}
          - {target: second}
          - {target: outside}
          - {target: full}
          - {target: shown}
  - key: hostile
    tiers:
      - key: t
        method: auction
        deadline_ms: 400
        routes:
          - {target: house, price: "12.00"}
          - {target: hung}
          - {target: drips}
          - {target: late}
          - {target: floods}
          - {target: round}
          - {target: nonsense}
          - {target: tls}
          - {target: broken}
          - {target: nowhere}
          - {target: private}
  - key: confirm
    tiers: [{key: t, method: auction, routes: [{target: fickle}, {target: steady}]}]
  - key: gone
    tiers: [{key: t, method: auction, deadline_ms: 10000, routes: [{target: slow}, {target: second}]}]
  - key: waits
    tiers: [{key: t, method: auction, routes: [{target: second}, {target: best}]}]
flows:
  - {key: sell, start: sell, nodes: {sell: {route: {}}}}
  - {key: hold, start: hold, nodes: {hold: {hold_queue: {seconds: 20}}}}
outbound: {allow_networks: ["127.0.0.0/8"]}
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""


def script(taking: str) -> dict[str, Any]:
    return {
        "/best": bids("25.00", number=taking, terms={"seconds": 0}, expires_at=60),
        "/second": bids("18.00"),
        "/outside": bids("99.00", number="sip:elsewhere@127.0.0.1"),
        "/full": bids("40.00"),
        "/shown": bids("50.00"),
        "/hung": hangs(),
        "/drips": drips(),
        "/late": after(0.6, bids("70.00")),
        "/floods": floods(),
        "/round": redirects(),
        "/nonsense": writes(b'{"bid": '),
        "/broken": breaks_off(),
        "/fickle": bids("30.00"),
        "/refused": says({"reason": "budget spent"}, status=409),
        "/steady": bids("28.00"),
        "/confirmed": says({"call": taking}),
        "/no": no_bid(),
    }


class Ran:
    """What four calls have left behind."""

    def __init__(self, switch: SwitchProcess, bidder: Bidder, metrics: dict[str, float]) -> None:
        self.data = switch.data
        self.log = switch.log()
        self.metrics = metrics
        self.bidder = bidder
        self.calls = {call["number"]: call for call in switch.calls()}
        self.events = [event for event in switch.journal_events() if isinstance(event, CallEvent)]

    def pings(self, number: str) -> dict[str, dict[str, Any]]:
        """The routes of a call's one auction, by target."""
        (auction,) = self.calls[number]["auctions"]
        return {ping["target"]: ping for ping in auction["pings"]}

    def fates(self, number: str) -> dict[str, str]:
        return {target: ping["fate"] for target, ping in self.pings(number).items()}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    async def run(folder: Path) -> Ran:
        async with Buyer(busy()) as refusing, Buyer(answers(talk_s=0.3)) as taking, Caller() as caller:
            with ExitStack() as stack:
                bidder = stack.enter_context(answering(script(taking.uri("winner"))))
                text = CONFIG.replace("BUSY", refusing.uri()).replace("TAKES", taking.uri())
                text = text.replace("URL", bidder.url).replace("SECURE", bidder.tls_url)
                switch = stack.enter_context(SwitchProcess(text, folder))
                for count, number in enumerate((MARKET, HOSTILE, CONFIRM, WAITS), start=1):
                    await caller.call(f"sip:{number}@{switch.sip}", ME, calls(hang_up_after_s=1))
                    await asyncio.to_thread(switch.ended_calls, count)
                await caller.call(f"sip:{GONE}@{switch.sip}", ME, gives_up(0.3))
                await asyncio.to_thread(switch.ended_calls, 5)
                await asyncio.to_thread(
                    switch.until,
                    lambda: any(p["fate"] == "late" for c in switch.calls() for a in c["auctions"] for p in a["pings"]),
                )
                return Ran(switch, bidder, await asyncio.to_thread(switch.metrics))

    return asyncio.run(run(tmp_path_factory.mktemp("auctions")))


def test_the_best_bid_with_room_is_sold_at_its_own_terms(ran: Ran) -> None:
    call = ran.calls[MARKET]
    assert (call["outcome"], call["target"], call["price"]) == ("sold", "best", "25.00")
    assert (call["converted"], call["revenue"]) == (True, "25.00"), "by the bid's own duration"
    assert [attempt["outcome"] for attempt in call["attempts"]] == ["connected"]
    assert call["answered"] is not None


def test_everybody_has_a_fate(ran: Ran) -> None:
    fates = ran.fates(MARKET)
    assert fates == {
        "best": "won",
        "second": "lost",
        "house": "lost",
        "full": "filtered",
        "outside": "http_error",
        "shown": "simulated",
    }
    pings = ran.pings(MARKET)
    assert pings["full"]["detail"] == "limit"
    assert "allow" in pings["outside"]["detail"]
    assert (pings["house"]["static"], pings["house"]["bid"]) == (True, "12.00")
    assert (pings["shown"]["bid"], pings["best"]["id"]) == ("50.00", "bid-1")


def test_nobody_is_asked_whose_bid_could_not_be_used(ran: Ran) -> None:
    assert ran.bidder.at("/full") == []
    assert len(ran.bidder.at("/shown")) == 1


def test_a_bidder_is_told_no_more_than_it_may_know(ran: Ran) -> None:
    ping = ran.bidder.at("/best")[0]
    assert ME[-10:] not in ping.body.decode()
    assert len(ping.headers["x-trunkline-hops"].split(",")) == 1


def test_hostile_bidders_cost_the_deadline_and_nothing_else(ran: Ran) -> None:
    call = ran.calls[HOSTILE]
    assert (call["outcome"], call["target"], call["price"]) == ("sold", "house", "12.00")
    assert ran.fates(HOSTILE) == {
        "house": "won",
        "hung": "timeout",
        "drips": "timeout",
        "late": "late",
        "floods": "http_error",
        "round": "http_error",
        "nonsense": "http_error",
        "tls": "http_error",
        "broken": "http_error",
        "nowhere": "http_error",
        "private": "http_error",
    }
    (auction,) = call["auctions"]
    assert auction["deadline_ms"] == 400
    assert 240 <= auction["took_ms"] < 1_500, (
        "it ends with the last bidder's own time; the bound has room for slow machines"
    )
    pings = ran.pings(HOSTILE)
    assert pings["late"]["bid"] == "70.00"
    assert "too_large" in pings["floods"]["detail"]
    assert "redirected" in pings["round"]["detail"]
    assert "tls" in pings["tls"]["detail"]
    assert "forbidden_address" in pings["private"]["detail"]


def test_a_winner_that_does_not_stand_by_its_bid_is_not_rung(ran: Ran) -> None:
    call = ran.calls[CONFIRM]
    assert (call["outcome"], call["target"], call["price"]) == ("sold", "steady", "28.00")
    told = [(each["target"], each["outcome"], each["reason"]) for each in call["attempts"]]
    assert told == [("fickle", "declined", "rejected_at_post"), ("steady", "connected", None)]
    assert ran.fates(CONFIRM) == {"fickle": "rejected_at_post", "steady": "accepted"}
    assert ran.pings(CONFIRM)["fickle"]["detail"] == "budget spent"
    (confirmed,) = ran.bidder.at("/confirmed")
    assert confirmed.json()["bid_id"] == "bid-1"


def test_a_caller_who_leaves_ends_the_auction(ran: Ran) -> None:
    call = ran.calls[GONE]
    assert (call["outcome"], call["attempts"]) == ("abandoned", [])
    (auction,) = call["auctions"]
    assert not auction["settled"]
    assert ran.fates(GONE) == {"slow": "sent", "second": "bid"}
    assert auction["took_ms"] < 9_000


def test_a_caller_who_is_held_waits_for_the_auction_in_the_line(ran: Ran) -> None:
    call = ran.calls[WAITS]
    assert (call["outcome"], call["target"]) == ("sold", "best")
    assert ran.fates(WAITS) == {"best": "won", "second": "lost"}
    mine = [type(event) for event in ran.events if event.call == call["id"]]
    assert [kind for kind in mine if kind in {CallQueued, CallDequeued}] == [CallQueued, CallDequeued]


def test_every_decision_is_made_again_from_the_bids_of_the_journal(
    ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, call in ran.calls.items():
        assert main(["trace", call["id"], "--data", str(ran.data), "--json", "--full"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [each["differences"] for each in found["decisions"]] == [[]], number
        assert all(each["proved"] for each in found["decisions"])
    assert main(["trace", ran.calls[CONFIRM]["id"], "--data", str(ran.data)]) == 0
    story = capsys.readouterr().out
    assert "auction confirm.t settled after" in story
    assert "fickle does not stand by its bid (budget spent)" in story


def test_what_was_asked_is_counted_and_nothing_stays_open(ran: Ran) -> None:
    assert ran.metrics["trunkline_bidder_pings_open"] == 0
    assert ran.metrics['trunkline_bidder_pings_total{fate="bid"}'] >= 5
    assert ran.metrics['trunkline_bidder_pings_total{fate="late"}'] == 1
    assert ran.metrics["trunkline_call_errors_total"] == 0
    assert "Traceback" not in ran.log
