"""A real switch takes leads over HTTP and posts them to real buyers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.integration.leads.posts import KEY, OTHER_KEY, TEXAN, configured, lead, post

from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration


Market = tuple[SwitchProcess, LeadBuyer, LeadBuyer]


def ace_says(request: Received) -> tuple[int, Any]:
    return (400, {"why": "no roof"}) if "flat" in request.json().get("story", "") else (200, {"id": "ace-7"})


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("leads")
    ace, bolt = LeadBuyer(ace_says), LeadBuyer()
    with (
        answering({"/ace": ace, "/bolt": bolt}) as buyers,
        SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt"), folder) as switch,
    ):
        yield switch, ace, bolt


def events_of(switch: SwitchProcess, name: str) -> list[str]:
    return [event.__struct_config__.tag for event in switch.journal_events() if getattr(event, "call", None) == name]


def test_a_lead_is_sold_and_paid_for(market: Market) -> None:
    switch, ace, _ = market
    status, answer, _ = post(switch, lead(source="fb-12", consent={"page_url": "https://roofs.example/form"}))
    assert (status, answer["status"], answer["payout"], answer["currency"]) == (201, "accepted", "21.00", "USD")
    assert ace.leads[-1].json() == {"phone": "+15125550100", "zip": "78701", "email": "Ann@example.com"}
    assert events_of(switch, answer["id"]) == [
        "lead.received",
        "offer.reserved",
        "delivery.ended",
        "converted",
        "payout",
        "call.routed",
        "lead.accepted",
    ]


def test_a_rejected_lead_goes_on_to_the_next_buyer(market: Market) -> None:
    switch, ace, bolt = market
    status, answer, _ = post(switch, lead({**TEXAN, "story": "a flat roof"}))
    assert (status, answer["payout"]) == (201, "12.00")
    assert ace.leads[-1].json()["story"] == bolt.leads[-1].json()["story"] == "a flat roof"
    assert ace.leads[-1].headers["idempotency-key"] != bolt.leads[-1].headers["idempotency-key"]


def test_nobody_takes_a_lead_from_elsewhere(market: Market) -> None:
    switch, *_ = market
    status, answer, _ = post(switch, lead({**TEXAN, "zip": "10001"}))
    assert (status, answer["status"], answer["reasons"]) == (200, "unmatched", ["no_buyer_area"])
    assert events_of(switch, answer["id"]) == ["lead.received", "call.routed", "lead.unmatched"]


def test_forms_are_taken_too(market: Market) -> None:
    switch, ace, _ = market
    sent = {"campaign": "roofing", **TEXAN, "fields[story]": "tiles & slate", "consent.ip": "192.0.2.1"}
    body = urlencode(sent).encode()
    status, answer, _ = post(switch, body, headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert (status, answer["status"]) == (201, "accepted")
    assert ace.leads[-1].json()["story"] == "tiles & slate"


def test_a_test_lead_is_sold_to_nobody(market: Market) -> None:
    switch, ace, bolt = market
    before = ace.posts, bolt.posts
    status, answer, _ = post(switch, lead(test=True))
    assert (status, answer["status"], answer["test"]) == (200, "unmatched", True)
    assert (ace.posts, bolt.posts) == before
    told = events_of(switch, answer["id"])
    assert "converted" not in told
    assert "payout" not in told


@pytest.mark.parametrize(
    ("body", "headers", "key", "status", "code"),
    [
        (lead(), {}, None, 401, "unauthorized"),
        (lead(), {}, "nobody's", 401, "unauthorized"),
        (lead(), {}, OTHER_KEY, 403, "forbidden"),
        (lead(campaign="nothing"), {}, KEY, 404, "invalid"),
        (lead(campaign="calls-only"), {}, KEY, 404, "invalid"),
        (lead({"phone": "12"}), {}, KEY, 422, "invalid"),
        (lead(), {"Content-Type": "text/plain"}, KEY, 415, "unsupported_media_type"),
        (b'{"campaign": "roofing", "campaign": "solar", "fields": {}}', {}, KEY, 400, "malformed"),
        (b'{"campaign": "roofing", "fields": {"zip": "1", "zip": "2"}}', {}, KEY, 400, "malformed"),
        (b'{"campaign": "roofing", "fields": {', {}, KEY, 400, "malformed"),
        (b"\xff\xfe", {}, KEY, 400, "malformed"),
        (lead(colour="red"), {}, KEY, 400, "malformed"),
        (b"[" * 60_000, {}, KEY, 400, "malformed"),
        (b" " * 70_000, {}, KEY, 413, "too_large"),
        (b"zip=1&zip=2", {"Content-Type": "application/x-www-form-urlencoded"}, KEY, 400, "malformed"),
    ],
)
def test_refusals(
    market: Market, body: object, headers: dict[str, str], key: str, status: int,
    code: str,
) -> None:  # fmt: skip
    switch, *_ = market
    found, answer, _ = post(switch, body, key, headers)
    assert (found, answer["status"]) == (status, code)
    assert answer["message"]
    if status == 422:
        assert [each["field"] for each in answer["field_errors"]] == ["phone", "zip"]


def test_other_methods_are_told_what_to_use(market: Market) -> None:
    switch, *_ = market
    assert post(switch, b"", method="PUT")[0] == 405
