"""Leads sold by auction, end to end: bidders are asked, the winner confirms and gets the lead with its own bid's id."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.events.auctions import AuctionHeld, BidConfirmed
from trunkline.events.calls import OfferReserved
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import bids, hangs, no_bid, says
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Bidder
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

KEY = "tl_pub_secret"
CONFIG = f"""
version: 1
account: {{key: acme, timezone: America/New_York}}
publishers: [{{key: pub, keys: ["{hashlib.sha256(KEY.encode()).hexdigest()}"]}}]
campaigns:
  - {{key: roofing, flow: sell, plan: market, lead_fields: [{{name: phone, type: phone, required: true}}]}}
buyers: [{{key: ann}}, {{key: bob}}, {{key: eve}}, {{key: house}}]
targets:
  - key: fickle
    buyer: eve
    deliver: {{url: "URL/leads/fickle"}}
    bid: {{dialect: generic, url: "URL/fickle", confirm: {{url: "URL/refused"}}}}
  - key: best
    buyer: ann
    deliver:
      url: "URL/leads/best"
      fields: {{phone: "[lead.phone]", ping_id: "[ping.id]", bid_id: "[bid.id]", price: "[bid.amount]"}}
    bid: {{dialect: generic, url: "URL/best", headers: {{X-Key: "${{ENV:BEST_KEY}}"}}}}
  - {{key: none, buyer: bob, deliver: {{url: "URL/leads/none"}}, bid: {{dialect: generic, url: "URL/none"}}}}
  - {{key: hung, buyer: bob, deliver: {{url: "URL/leads/hung"}}, bid: {{dialect: generic, url: "URL/hung", timeout_ms: 200}}}}
  - {{key: house, buyer: house, deliver: {{url: "URL/leads/house"}}, test_url: "URL/leads/test"}}
plans:
  - key: market
    tiers:
      - key: t
        method: auction
        deadline_ms: 600
        routes:
          - {{target: fickle}}
          - {{target: best}}
          - {{target: none}}
          - {{target: hung}}
          - {{target: house, price: "5.00"}}
flows: [{{key: sell, start: sell, nodes: {{sell: {{route: {{}}}}}}}}]
outbound: {{allow_networks: ["127.0.0.0/8"]}}
"""  # noqa: E501


class Posted:
    """One lead, and one test lead, that were posted."""

    def __init__(self, switch: SwitchProcess, bidder: Bidder) -> None:
        self.bidder = bidder
        self.answer = _post(switch, {"phone": "(512) 555-0100"})
        self.test = _post(switch, {"phone": "(512) 555-0199"}, test=True)
        events = switch.journal_events()
        mine = [event for event in events if getattr(event, "call", None) == self.answer[1]["id"]]
        self.held = [event for event in mine if isinstance(event, AuctionHeld)]
        self.confirmed = [event for event in mine if isinstance(event, BidConfirmed)]
        self.offers = [event for event in mine if isinstance(event, OfferReserved)]
        self.log = switch.log()
        self.data = switch.data


def _post(switch: SwitchProcess, fields: dict[str, str], *, test: bool = False) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"campaign": "roofing", "fields": fields, "test": test}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"http://{switch.http}/v1/leads", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Posted:
    script = {
        "/fickle": bids("40.00"),
        "/refused": says({"reason": "no"}, status=409),
        "/best": bids("30.00"),
        "/none": no_bid("full"),
        "/hung": hangs(),
        "": LeadBuyer(),
    }
    with ExitStack() as stack:
        bidder = stack.enter_context(answering(script))
        folder = tmp_path_factory.mktemp("leads")
        secret = {"BEST_KEY": "s3cret-of-best"}
        switch = stack.enter_context(SwitchProcess(CONFIG.replace("URL", bidder.url), folder, environment=secret))
        return Posted(switch, bidder)


def test_the_lead_is_sold_to_the_best_bid_that_stands(posted: Posted) -> None:
    status, document = posted.answer
    assert (status, document["status"]) == (201, "accepted")
    assert [(each.target, str(each.price)) for each in posted.offers] == [("fickle", "40.00"), ("best", "30.00")]
    (event,) = posted.confirmed
    assert (event.target, event.fate) == ("fickle", "rejected_at_post")
    assert posted.bidder.at("/leads/fickle") == [], "who does not stand by its bid gets nothing"


def test_the_post_names_the_bid_that_it_was_won_by(posted: Posted) -> None:
    (lead,) = posted.bidder.at("/leads/best")
    (ping,) = posted.bidder.at("/best")
    sent = lead.json()
    assert (sent["phone"], sent["bid_id"], sent["price"]) == ("+15125550100", "bid-1", "30.00")
    assert sent["ping_id"] == ping.json()["ping_id"]


def test_everybody_has_a_fate(posted: Posted) -> None:
    (event,) = posted.held
    assert {ping.target: ping.fate for ping in event.pings} == {
        "fickle": "won",
        "best": "lost",
        "house": "lost",
        "none": "no_bid",
        "hung": "timeout",
    }
    assert event.took_ms >= 190


def test_the_decision_is_made_again_from_the_bids_of_the_journal(
    posted: Posted, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", posted.answer[1]["id"], "--data", str(posted.data), "--json", "--full"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["differences"] for each in found["decisions"]] == [[]]
    assert all(each["proved"] for each in found["decisions"])


def test_secrets_go_to_the_bidder_alone(posted: Posted) -> None:
    (ping,) = posted.bidder.at("/best")
    assert ping.headers["x-key"] == "s3cret-of-best"
    assert "s3cret-of-best" not in posted.log


def test_a_test_lead_asks_nobody_who_cannot_be_tested(posted: Posted) -> None:
    status, document = posted.test
    assert (status, document["status"], document["test"]) == (201, "accepted", True)
    assert len(posted.bidder.at("/best")) == len(posted.bidder.at("/hung")) == 1
    assert len(posted.bidder.at("/leads/test")) == 1
