"""Bidders of buyers are asked for a ping, once for it and for the call that follows, and never in a circle."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import KEY, configured, post
from tests.integration.pings.market import NUMBER, ask, confirm, ping, send

from trunkline.cli.retrace import retrace
from trunkline.engine.bidders.hops import HEADER
from trunkline.events.auctions import AuctionHeld
from trunkline.events.calls import OfferReserved
from trunkline.events.pings import PingBid
from trunkline.journal.reader import JournalReader
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import after, bids, no_bid
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.peers import Buyer, Caller, answers, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave, keys: [KEY1]}]
campaigns:
  - {key: calls, flow: sell, plan: market, call_bids: {margin: {percent: 20}, ttl_seconds: 300}}
numbers: [{number: "+18335550100", campaign: calls, publisher: adwave}]
buyers: [{key: ace}, {key: bolt}]
targets:
  - {key: ace-rtb, buyer: ace, dial: "PHONE", bid: {dialect: generic, url: "URL/ace"}}
  - {key: bolt-rtb, buyer: bolt, dial: "PHONE", bid: {dialect: generic, url: "URL/bolt"}}
plans: [{key: market, tiers: [{method: auction, deadline_ms: 1500, routes: [{target: ace-rtb}, {target: bolt-rtb}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""


class Counting:
    """A bidder that counts how often it is asked."""

    def __init__(self, then: Any) -> None:
        self._then = then
        self.asked: list[Received] = []

    async def __call__(self, peer: Peer, request: Received) -> None:
        self.asked.append(request)
        await self._then(peer, request)


def test_bidders_are_asked_once_and_their_bids_stand_for_the_call(tmp_path: Path) -> None:
    ace, bolt = Counting(after(0.2, bids("50.00"))), Counting(no_bid())

    async def run() -> SwitchProcess:
        async with Buyer(answers()) as buyer, Caller() as caller:
            with answering({"/ace": ace, "/bolt": bolt}) as bidders:
                config = CONFIG.replace("PHONE", buyer.uri()).replace("URL", bidders.url)
                with SwitchProcess(configured(config=config), tmp_path) as switch:
                    with ThreadPoolExecutor(4) as pool:
                        told = list(await asyncio.to_thread(lambda: list(pool.map(lambda _: ask(switch)[1], range(4)))))
                    assert {each["bid"] for each in told} == {"40.00"}
                    assert len({each["ping_id"] for each in told}) == 1, "asked at once, bid for once"
                    status = (await asyncio.to_thread(confirm, switch, told[0]["ping_id"]))[1]["status"]
                    assert status == "confirmed"
                    await asyncio.to_thread(loops, switch)
                    await caller.call(f"sip:{NUMBER}@{switch.sip}", "+15125550100", calls(hang_up_after_s=0.05))
                    await asyncio.to_thread(switch.ended_calls, 1)
                return switch

    switch = asyncio.run(run())
    [sold] = switch.calls()
    assert (sold["outcome"], sold["target"], sold["price"], sold["payout"]) == ("sold", "ace-rtb", "50.00", "40.00")
    assert (len(ace.asked), len(bolt.asked)) == (1, 1)
    events = switch.journal_events()
    [bid] = [each for each in events if isinstance(each, PingBid)]
    [held] = [each for each in events if isinstance(each, AuctionHeld) and each.call == bid.call]
    assert {each.target: each.fate for each in held.pings} == {"ace-rtb": "lost", "bolt-rtb": "no_bid"}
    [won] = [each for each in events if isinstance(each, AuctionHeld) and each.call == sold["id"]]
    assert {each.target: each.fate for each in won.pings}["ace-rtb"] == "won"
    with JournalReader(switch.data) as reader:
        found = retrace(switch.data, reader, list(reader.records_of(sold["id"])))
    assert [(each.rebuilt.differences, each.notes) for each in found if each.rebuilt] == [((), ())]


LEADS = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave, keys: [KEY1]}]
campaigns:
  - key: roofing
    flow: sell
    plan: market
    leads: {margin: {percent: 30}}
    lead_fields: [{name: phone, type: phone, required: true}, {name: zip, type: zip, required: true}]
buyers: [{key: ace}, {key: bolt}]
targets:
  - {key: ace-rtb, buyer: ace, deliver: {url: "URL/crm"}, bid: {dialect: generic, url: "URL/ace"}}
  - {key: bolt-crm, buyer: bolt, deliver: {url: "URL/crm"}}
plans:
  - key: market
    tiers: [{method: auction, deadline_ms: 1500, routes: [{target: ace-rtb}, {target: bolt-crm, price: "31.00"}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""


def test_the_bid_of_a_buyer_stands_for_the_lead_that_follows(tmp_path: Path) -> None:
    ace, crm = Counting(bids("40.00")), LeadBuyer()
    with (
        answering({"/ace": ace, "/crm": crm}) as bidders,
        SwitchProcess(configured(config=LEADS.replace("URL", bidders.url)), tmp_path) as switch,
    ):
        asked = ping(switch, {"phone": "512555XXXX", "zip": "78701"})[1]
        assert asked["bid"] == "28.00"
        status, answer, _ = send(switch, asked["ping_id"])
        assert (status, answer["payout"]) == (201, "28.00")
        assert (len(ace.asked), crm.posts) == (1, 1)
        [offer] = [each for each in switch.journal_events() if isinstance(each, OfferReserved)]
        assert (offer.target, str(offer.price)) == ("ace-rtb", "40.00")
        with JournalReader(switch.data) as reader:
            found = retrace(switch.data, reader, list(reader.records_of(answer["id"])))
        assert [(each.rebuilt.differences, each.notes) for each in found if each.rebuilt] == [((), ())]


def loops(switch: SwitchProcess) -> None:
    """A question that has gone through too many hands, or that nobody can tell the way of, gets no bid."""
    body = {"campaign": "calls", "kind": "call", "caller": "+15125550199"}
    for hops in (",".join(f"switch{count}" for count in range(8)), "not a hop!", "," * 20):
        answer = post(switch, body, KEY, {HEADER: hops}, path="/v1/ping")[1]
        assert answer == {"status": "no_bid", "reasons": ["loop"]}
