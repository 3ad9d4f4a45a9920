"""A real switch that buys leads by ping and post: one sale at the terms of the bid, whatever is sent how often."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.integration.leads.posts import KEY, OTHER_KEY, post
from tests.integration.pings.market import market, ping, send

from trunkline.cli.retrace import Retraced, retrace
from trunkline.events.calls import PayoutEarned
from trunkline.events.leads import LeadReceived
from trunkline.events.pings import PingBid
from trunkline.journal.reader import JournalReader
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

Market = tuple[SwitchProcess, LeadBuyer, LeadBuyer]
MASKED = {"phone": "512555XXXX", "zip": "78701"}


def ace_says(request: Received) -> tuple[int, Any]:
    return (400, {"why": "no roof"}) if "flat" in request.json().get("story", "") else (200, {"id": "ace-7"})


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("pings")
    ace, bolt = LeadBuyer(ace_says), LeadBuyer()
    with (
        answering({"/ace": ace, "/bolt": bolt}) as buyers,
        SwitchProcess(market(f"{buyers.url}/ace", f"{buyers.url}/bolt"), folder) as switch,
    ):
        yield switch, ace, bolt


def payouts(switch: SwitchProcess, lead: str) -> list[tuple[str, str, bool]]:
    return [
        (str(event.amount), event.rule.partition("_")[0], event.loss)
        for event in switch.journal_events()
        if isinstance(event, PayoutEarned) and event.call == lead
    ]


def decisions(switch: SwitchProcess, lead: str) -> list[Retraced]:
    """The lead's searches, made again from the data folder."""
    with JournalReader(switch.data) as reader:
        return retrace(switch.data, reader, list(reader.records_of(lead)))


def number(last: int) -> dict[str, str]:
    """A lead of its own."""
    return {"phone": f"+1512555{last:04}", "zip": "78701"}


def test_a_bid_and_then_the_lead_for_exactly_that(sold: Market) -> None:
    switch, ace, _ = sold
    status, bid, _ = ping(switch, MASKED, source="fb-12")
    assert (status, bid["status"], bid["bid"], bid["currency"]) == (200, "bid", "27.00", "USD")
    assert bid["expires_at"].endswith("Z")
    status, answer, _ = send(switch, bid["ping_id"], consent={"page_url": "https://roofs.example/form"})
    assert (status, answer["status"], answer["payout"]) == (201, "accepted", "27.00")
    assert payouts(switch, answer["id"]) == [("27.00", "ping ping", False)]
    assert ace.leads[-1].json()["phone"] == "+15125550100"
    events = switch.journal_events()
    [told] = [each for each in events if isinstance(each, PingBid) and each.source == "fb-12"]
    assert (str(told.price), told.target, told.attributes["geo.zip"]) == ("35.00", "ace-crm", "78701")
    [received] = [each for each in events if isinstance(each, LeadReceived) and each.call == answer["id"]]
    assert (received.via, received.ping, received.source) == ("ping_post", told.call, "fb-12")
    assert [each.proved for each in decisions(switch, answer["id"])] == [True]


def test_the_same_ping_gets_the_same_bid_and_another_one_another(sold: Market) -> None:
    switch, *_ = sold
    first, again = ping(switch, number(1)), ping(switch, {**number(1), "phone": "(512) 555-0001"})
    assert first[1]["ping_id"] == again[1]["ping_id"]
    assert ping(switch, number(1), source="other")[1]["ping_id"] != first[1]["ping_id"]
    assert ping(switch, {**number(1), "zip": "78702"})[1]["ping_id"] != first[1]["ping_id"]
    send(switch, first[1]["ping_id"], number(1))
    assert ping(switch, number(1))[1]["ping_id"] != first[1]["ping_id"], "the first is used up"


def test_forms_are_taken_too(sold: Market) -> None:
    switch, *_ = sold
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    said = urlencode({"campaign": "roofing", "phone_prefix": "512", "fields[zip]": "78701"}).encode()
    bid = post(switch, said, headers=form, path="/v1/ping")[1]
    assert bid["status"] == "bid"
    lead = urlencode({"ping_id": bid["ping_id"], **number(2), "consent[ip]": "192.0.2.1"}).encode()
    assert post(switch, lead, headers=form, path="/v1/post")[0] == 201


def test_nobody_who_pays_too_little_gets_it_when_the_first_buyer_refuses(sold: Market) -> None:
    switch, ace, bolt = sold
    bid = ping(switch, number(3))[1]
    before = ace.posts, bolt.posts
    status, answer, _ = send(switch, bid["ping_id"], {**number(3), "story": "a flat roof"})
    assert (status, answer["status"]) == (200, "unmatched")
    assert (ace.posts, bolt.posts) == (before[0] + 1, before[1]), "20.00 would not cover a bid of 27.00"
    assert payouts(switch, answer["id"]) == []
    assert [each.proved for each in decisions(switch, answer["id"])] == [True]


def test_no_bid_says_why(sold: Market) -> None:
    switch, *_ = sold
    assert ping(switch, {**MASKED, "zip": "10001"})[1] == {"status": "no_bid", "reasons": ["no_buyer_area"]}
    sum_only = {"phone_sha256": hashlib.sha256(b"+15125550100").hexdigest(), "zip": "78701"}
    assert ping(switch, sum_only)[1]["bid"] == "27.00"


def test_a_publishers_own_margin_minimum_and_budget(sold: Market) -> None:
    switch, *_ = sold
    assert ping(switch, number(4), OTHER_KEY)[1]["bid"] == "17.50"
    assert ping(switch, number(4), OTHER_KEY)[1]["bid"] == "17.50", "a repeated ping costs nothing"
    assert ping(switch, {**number(5), "zip": "10001"}, OTHER_KEY)[1]["status"] == "no_bid"
    status, answer, headers = ping(switch, number(6), OTHER_KEY)
    assert (status, answer["status"]) == (429, "ping_budget")
    assert 0 < int(headers["retry-after"]) <= 86_400


def test_a_lead_that_is_not_the_one_that_was_asked_about(sold: Market) -> None:
    switch, ace, _ = sold
    token = ping(switch, number(7))[1]["ping_id"]
    before = ace.posts
    status, answer, _ = send(switch, token, {**number(8), "zip": "78702"})
    assert (status, answer["status"]) == (422, "invalid")
    assert {(each["field"], each["code"]) for each in answer["field_errors"]} == {
        ("phone", "changed_since_ping"),
        ("zip", "changed_since_ping"),
    }
    assert send(switch, token, {"zip": "78701"})[1]["field_errors"][0]["code"] == "required"
    assert ace.posts == before
    assert send(switch, token, number(7))[0] == 201, "the ping is still good"


def test_one_sale_however_often_and_however_fast_it_is_posted(sold: Market) -> None:
    switch, ace, _ = sold
    token = ping(switch, number(9))[1]["ping_id"]
    before = ace.posts
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(switch, token, number(9))[:2], range(8)))
    assert answers == [answers[0]] * 8
    assert answers[0][0] == 201
    assert send(switch, token, number(9))[:2] == answers[0]
    assert ace.posts == before + 1
    assert len(payouts(switch, answers[0][1]["id"])) == 1
    status, answer, _ = send(switch, token, {**number(9), "story": "another"})
    assert (status, answer["status"]) == (409, "idempotency_conflict")


def test_a_test_is_decided_and_sold_to_nobody(sold: Market) -> None:
    switch, ace, bolt = sold
    before = ace.posts, bolt.posts
    bid = ping(switch, number(30), test=True)[1]
    assert (bid["bid"], bid["test"]) == ("27.00", True)
    assert ping(switch, number(30))[1]["ping_id"] != bid["ping_id"]
    status, answer, _ = send(switch, bid["ping_id"], number(30))
    assert (status, answer["status"], answer["test"]) == (200, "unmatched", True)
    assert (ace.posts, bolt.posts) == before
    assert payouts(switch, answer["id"]) == []
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    said = urlencode({"campaign": "roofing", "test": "true", **number(30)}).encode()
    assert post(switch, said, headers=form, path="/v1/ping")[0] == 200
    assert post(switch, said.replace(b"true", b"perhaps"), headers=form, path="/v1/ping")[0] == 400
    call = {"campaign": "calls", "kind": "call", "caller": "+15125550100", "test": True}
    assert post(switch, call, path="/v1/ping")[0] == 400


def test_ids_that_nobody_gave_to_whoever_sends_them(sold: Market) -> None:
    switch, *_ = sold
    token = ping(switch, number(10))[1]["ping_id"]
    assert send(switch, token, number(10), OTHER_KEY)[:1] == (403,)
    for forged in (token[:-1] + ("0" if token[-1] != "0" else "1"), "", "ping", "x" * 5_000, token + token):
        status, answer, _ = send(switch, forged, number(10))
        assert (status, answer["status"]) == (403, "forbidden")
    name, expiry, mac = token.split(".")
    assert send(switch, f"{name}.{'Z' * 9}.{mac}", number(10))[0] == 403, "its end cannot be put off"
    assert post(switch, {"ping_id": token}, path="/v1/confirm")[1]["status"] == "wrong_kind"
    assert expiry


@pytest.mark.parametrize(
    ("path", "body", "key", "status", "code"),
    [
        ("/v1/ping", {"campaign": "roofing"}, None, 401, "unauthorized"),
        ("/v1/ping", {"campaign": "nothing", "fields": {}}, KEY, 404, "invalid"),
        ("/v1/ping", {"campaign": "calls", "fields": {}}, KEY, 404, "invalid"),
        ("/v1/ping", {"campaign": "roofing", "fields": {}}, KEY, 422, "invalid"),
        ("/v1/ping", {"campaign": "roofing", "kind": "fax"}, KEY, 400, "malformed"),
        ("/v1/ping", {"campaign": "roofing", "fields": [1]}, KEY, 400, "malformed"),
        ("/v1/ping", {"campaign": "roofing", "source": "x" * 300, "fields": {"zip": "78701"}}, KEY, 400, "malformed"),
        ("/v1/ping", b'{"campaign": "a", "campaign": "b"}', KEY, 400, "malformed"),
        ("/v1/ping", b" " * 70_000, KEY, 413, "too_large"),
        ("/v1/post", {"fields": {}}, KEY, 400, "malformed"),
        ("/v1/post", {"ping_id": 7, "fields": {}}, KEY, 400, "malformed"),
        ("/v1/confirm", {"ping_id": "x", "more": 1}, KEY, 400, "malformed"),
    ],
)
def test_refusals(sold: Market, path: str, body: Any, key: str | None, status: int, code: str) -> None:
    found, answer, _ = post(sold[0], body, key, path=path)
    assert (found, answer["status"]) == (status, code)
    assert answer["message"]


def test_a_bid_and_its_answer_outlive_the_process(sold: Market) -> None:
    switch, ace, _ = sold
    open_, used = ping(switch, number(11))[1]["ping_id"], ping(switch, number(12))[1]["ping_id"]
    answer = send(switch, used, number(12))[:2]
    spent = [ping(switch, number(20 + count), OTHER_KEY)[0] for count in range(3)]
    assert spent[-1] == 429
    switch.until(lambda: switch.metric("trunkline_pings_total", kind="lead", result="used") > 0)
    send(switch, ping(switch, number(13))[1]["ping_id"], number(13))  # what is written patiently goes with it
    switch.kill()
    switch.restart()
    before = ace.posts
    assert send(switch, used, number(12))[:2] == answer
    assert ace.posts == before
    assert ping(switch, number(11))[1]["ping_id"] == open_
    assert send(switch, open_, number(11))[1]["payout"] == "27.00"
    assert send(switch, open_, number(11), OTHER_KEY)[0] == 403
    assert ping(switch, number(14), OTHER_KEY)[1]["status"] == "ping_budget", "the day's pings are counted still"
