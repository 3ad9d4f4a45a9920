"""kill -9 while bidders are asked about a lead: what was written of it goes on, and it is sold once."""

from __future__ import annotations

import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.leads.posts import configured, lead, post

from trunkline.events.auctions import AuctionHeld
from trunkline.events.leads import LeadAccepted, LeadReceived
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import hangs
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave, keys: [KEY1]}]
campaigns:
  - key: roofing
    flow: sell
    plan: market
    duplicates: {mark: {event: incoming, days: 1}, route: nowhere}
    lead_fields: [{name: phone, type: phone, required: true}, {name: zip, type: zip}, {name: email, type: email}]
buyers: [{key: bob}, {key: ace}]
targets:
  - {key: hung, buyer: bob, deliver: {url: "BOLT"}, bid: {dialect: generic, url: "BOLT", timeout_ms: 700}}
  - {key: house, buyer: ace, deliver: {url: "ACE"}}
plans: [{key: market, tiers: [{method: auction, deadline_ms: 900, routes: [{target: hung}, {target: house, price: "5.00"}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""  # noqa: E501


def test_a_lead_whose_auction_a_crash_cuts_off_is_sold_by_the_next_start(tmp_path: Path) -> None:
    buyer = LeadBuyer()
    key = {"Idempotency-Key": "once"}
    with answering({"/hung": hangs(), "/house": buyer}) as peers:
        switch = SwitchProcess(configured(f"{peers.url}/house", f"{peers.url}/hung", CONFIG), tmp_path)
        with switch, ThreadPoolExecutor(1) as pool:
            posting = pool.submit(post, switch, lead(), headers=key)
            switch.until(lambda: any(isinstance(each, LeadReceived) for each in switch.journal_events()), "the lead")
            switch.kill()
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                posting.result()
            assert not [each for each in switch.journal_events() if isinstance(each, AuctionHeld)]
            switch.restart()
            status, answer, _ = post(switch, lead(), headers=key)
            assert (status, answer["status"]) == (201, "accepted")
            events = switch.journal_events()
            assert [each.call for each in events if isinstance(each, LeadReceived)] == [answer["id"]]
            assert [each.call for each in events if isinstance(each, LeadAccepted)] == [answer["id"]]
            assert len(buyer.leads) == 1
