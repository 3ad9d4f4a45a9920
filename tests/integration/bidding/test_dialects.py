"""Calls sold to bidders of every network, end to end: what they are sent, which terms hold, and where the call goes."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import says
from trunkline.testing.bidders.server import Bidder
from trunkline.testing.peers import Buyer, Caller, answers, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ME = "+15125550100"
NUMBERS = {"ringba": "+18335550100", "retreaver": "+18335550101", "trackdrive": "+18335550102"}
URLS = {
    "ringba": "/v1/production/X.json",
    "retreaver": "/rtbs.json",
    "trackdrive": "/api/v1/inbound_webhooks/ping/x",
}
HEAD = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: pub}]
buyers: [{key: ann}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
outbound: {allow_networks: ["127.0.0.0/8"]}
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
"""


def config(url: str) -> str:
    """A campaign for each network, sold to it alone."""
    parts: dict[str, list[str]] = {"campaigns": [], "numbers": [], "targets": [], "plans": []}
    for name, number in NUMBERS.items():
        bid = (
            f'{{dialect: {name}, url: "{url}{URLS[name]}", caller: full, allow: ["sip:127.0.0.1"], timeout_ms: 5000, '
            'fields: {key: "${ENV:NETWORK_KEY}", publisher_id: us}}'
        )
        parts["campaigns"].append(f"  - {{key: {name}, flow: sell, plan: {name}}}")
        parts["numbers"].append(f'  - {{number: "{number}", campaign: {name}, publisher: pub}}')
        parts["targets"].append(f'  - {{key: {name}, buyer: ann, dial: "sip:nobody@127.0.0.1:9", bid: {bid}}}')
        parts["plans"].append(
            f"  - {{key: {name}, tiers: [{{method: auction, deadline_ms: 5000, routes: [{{target: {name}}}]}}]}}"
        )
    return HEAD + "".join(f"{section}:\n{chr(10).join(lines)}\n" for section, lines in parts.items())


def script(taking: Buyer) -> dict[str, Any]:
    """The networks. `taking` answers the addresses that they name."""
    named = {name: taking.uri(name).removeprefix("sip:") for name in NUMBERS}
    return {
        URLS["ringba"]: says(
            {"bidId": "r1", "bidAmount": 21.5, "expireInSeconds": 30, "sipAddress": named["ringba"],
             "phoneNumber": "+17733408913", "bidTerms": [{"code": 100, "callMinDuration": 0}]}
        ),
        URLS["retreaver"]: says(
            {"uuid": "t1", "status": "reserved", "retreaver_payout": 22, "sip_address": "elsewhere@10.1.2.3",
             "inbound_number": named["retreaver"], "retreaver_seconds": 0}
        ),
        "/rtbs/t1.json": says({"uuid": "t1", "status": "confirmed", "sip_address": named["retreaver"]}),
        URLS["trackdrive"]: says(
            {"success": True, "status": "success", "buyers": [{"id": 1, "bid_price": "23.00", "ping_id": "d1"}]}
        ),
        "/api/v1/inbound_webhooks/post/x": says(
            {"success": True, "status": "accepted", "forwarding_number_sip_address": named["trackdrive"]}
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], Bidder, list[str], str]:
    """The calls by network, what the networks were asked, whom the buyer was dialled as, and the log."""

    async def run(folder: Path) -> tuple[dict[str, dict[str, Any]], Bidder, list[str], str]:
        async with Buyer(answers(talk_s=0.3)) as taking, Caller() as caller:
            with ExitStack() as stack:
                bidder = stack.enter_context(answering(script(taking)))
                environment = {"NETWORK_KEY": "hunter2-hunter2"}
                switch = stack.enter_context(SwitchProcess(config(bidder.url), folder, environment=environment))
                for count, number in enumerate(NUMBERS.values(), start=1):
                    await caller.call(f"sip:{number}@{switch.sip}", ME, calls(hang_up_after_s=1))
                    await asyncio.to_thread(switch.ended_calls, count)
                found = {call["campaign"]: call for call in switch.calls()}
                return found, bidder, [call.dialled for call in taking.calls], switch.log()

    return asyncio.run(run(tmp_path_factory.mktemp("dialects")))


Sold = tuple[dict[str, dict[str, Any]], Bidder, list[str], str]


@pytest.mark.parametrize(("name", "price"), [("ringba", "21.50"), ("retreaver", "22.00"), ("trackdrive", "23.00")])
def test_a_call_is_sold_at_the_networks_price(name: str, price: str, sold: Sold) -> None:
    call = sold[0][name]
    assert (call["outcome"], call["target"], call["price"]) == ("sold", name, price), call
    assert call["revenue"] == price


def test_it_goes_where_the_network_says(sold: Sold) -> None:
    assert sold[2] == list(NUMBERS)


def test_the_networks_are_asked_in_their_words_and_told_of_the_sale(sold: Sold) -> None:
    bidder = sold[1]
    (ringba,) = bidder.at(URLS["ringba"])
    assert {"CID": "15125550100", "sipOk": "yes"}.items() <= ringba.json().items()
    assert [each.json().get("key") for each in bidder.at("/rtbs/t1.json")] == ["hunter2-hunter2"]
    (post,) = bidder.at("/api/v1/inbound_webhooks/post/x")
    assert {"ping_id": "d1", "caller_id": "15125550100"}.items() <= post.json().items()


def test_the_key_stands_in_no_log(sold: Sold) -> None:
    assert "hunter2" not in sold[3]
