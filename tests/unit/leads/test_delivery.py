"""Posts to buyers' endpoints, and what their answers mean."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.deliveries import AcceptWhen, Deliver
from trunkline.config.json_paths import NoPath, steps_of
from trunkline.config.templates import places
from trunkline.engine.leads.delivery import SHOWN_MAX, Delivered, Verdict, judged, post_of
from trunkline.engine.payloads.json_values import find, read_json
from trunkline.engine.payloads.templates import render
from trunkline.kernel.http import Answer

pytestmark = pytest.mark.unit

URL = "https://buyer.example/leads"
STORY = 'it was a "truck" & <more>\nñ'
LEAD = {"lead.phone": "+15125550100", "lead.story": STORY, "geo.state": "TX", "source.key": "fb"}


def answer(status: int = 200, body: Any = b"") -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=content, url=URL)


def test_all_fields_by_their_own_names_unless_others_are_named() -> None:
    request = post_of(Deliver(url=URL), LEAD, "a-1")
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == "a-1"
    assert json.loads(request.body or b"") == {"phone": "+15125550100", "story": STORY}
    named = Deliver(
        url=URL, fields={"Phone1": "[lead.phone]", "St": "[geo.state|none]", "sub": "x-[source.subid|direct]"}
    )
    assert json.loads(post_of(named, LEAD, "a-1").body or b"") == {
        "Phone1": "+15125550100",
        "St": "TX",
        "sub": "x-direct",
    }


def test_forms_and_queries_and_xml_keep_every_character() -> None:
    form = post_of(Deliver(url=URL, format="form"), LEAD, "a-1")
    assert parse_qs((form.body or b"").decode()) == {"phone": ["+15125550100"], "story": [STORY]}
    query = post_of(Deliver(url=f"{URL}?key=7", method="GET"), LEAD, "a-1")
    assert query.body is None
    assert parse_qs(urlsplit(query.url).query)["story"] == [STORY]
    assert parse_qs(urlsplit(query.url).query)["key"] == ["7"]
    xml = post_of(Deliver(url=URL, format="xml"), {**LEAD, "lead.note": "nul\x00"}, "a-1")
    root = ElementTree.fromstring(xml.body or b"")
    assert {each.tag: each.text for each in root} == {
        "phone": "+15125550100",
        "story": STORY,
        "note": "nul",
    }


def test_what_a_lead_says_stays_in_its_place() -> None:
    sent = {"lead.a": "[lead.secret]&x=/../?", "lead.secret": "s", "lead.b": "1\r\nX-Evil: 2"}
    deliver = Deliver(url=f"{URL}/[lead.a]", headers={"X-B": "[lead.b]"}, fields={"a": "[lead.a]", "b": "[[lead.b]"})
    request = post_of(deliver, sent, "a-1")
    assert request.url == f"{URL}/%5Blead.secret%5D%26x%3D%2F..%2F%3F"
    assert request.headers["X-B"] == "1X-Evil: 2"
    assert json.loads(request.body or b"") == {"a": "[lead.secret]&x=/../?", "b": "[lead.b]"}


def test_places() -> None:
    assert places("[lead.phone] [geo.zip|?] [[no.place] [no place] [x]") == ("lead.phone", "geo.zip")
    assert render("[lead.x|]", {}) == ""
    assert render("[lead.x|y]", {"lead.x": ""}) == "y"


OK = AcceptWhen(json="status", equals="ok")


@pytest.mark.parametrize(
    ("rule", "got", "outcome"),
    [
        (None, answer(), Delivered.ACCEPTED),
        (None, answer(201, b"nonsense"), Delivered.ACCEPTED),
        (None, answer(301), Delivered.HTTP_ERROR),
        (None, answer(400), Delivered.REJECTED),
        (None, answer(409), Delivered.DUPLICATE),
        (None, answer(429), Delivered.HTTP_ERROR),
        (None, answer(503), Delivered.HTTP_ERROR),
        (OK, answer(200, {"status": " OK "}), Delivered.ACCEPTED),
        (OK, answer(200, {"status": "no"}), Delivered.REJECTED),
        (OK, answer(200, b"{"), Delivered.REJECTED),
        (OK, answer(200, ["status"]), Delivered.REJECTED),
        (OK, answer(500, {"status": "ok"}), Delivered.HTTP_ERROR),
        (AcceptWhen(status=202), answer(202), Delivered.ACCEPTED),
        (AcceptWhen(status=202), answer(200), Delivered.REJECTED),
        (AcceptWhen(status=404, json="ok"), answer(404, {"ok": True}), Delivered.ACCEPTED),
        (AcceptWhen(json="ok"), answer(200, {"ok": False}), Delivered.REJECTED),
        (AcceptWhen(json="data.n[1]", equals="2.50"), answer(200, {"data": {"n": [1, "2.50"]}}), Delivered.ACCEPTED),
        (AcceptWhen(text="Success"), answer(200, b"<r>Success</r>"), Delivered.ACCEPTED),
        (AcceptWhen(text="Success"), answer(200, b"\xff\xfe"), Delivered.REJECTED),
        (AcceptWhen(text="Success", json="ok"), answer(200, {"x": "Success"}), Delivered.REJECTED),
    ],
)
def test_what_answers_mean(rule: AcceptWhen | None, got: Answer, outcome: Delivered) -> None:
    assert judged(Deliver(url=URL, accept_when=rule), got).outcome is outcome


def test_reasons_ids_and_duplicates_of_the_buyers_own() -> None:
    deliver = Deliver(
        url=URL,
        accept_when=OK,
        duplicate_when=AcceptWhen(json="why", equals="seen"),
        reject_reason="why",
        buyers_id="id",
    )
    assert judged(deliver, answer(200, {"status": "ok", "id": 77})) == Verdict(
        outcome=Delivered.ACCEPTED, buyers_id="77"
    )
    assert judged(deliver, answer(200, {"why": "SEEN", "id": "x"})) == Verdict(
        outcome=Delivered.DUPLICATE, reason="SEEN", buyers_id="x"
    )
    assert judged(deliver, answer(200, {"why": "y" * 999})).reason == "y" * SHOWN_MAX
    assert judged(deliver, answer(200, {"why": {"deep": 1}})).reason == "status 200"


def test_paths() -> None:
    assert steps_of("data.bids[0][12].amount") == ("data", "bids", 0, 12, "amount")
    assert find([{"a": 1}], "[0].a") == 1
    assert find({"a": None}, "a.b") is None
    assert find({"a": [1]}, "a[1]") is None
    for wrong in ("", ".", "a.", "a..b", "a[", "a[x]", "[0]a", "a[0]b"):
        with pytest.raises(NoPath):
            steps_of(wrong)


@given(st.binary(max_size=400))
def test_no_answer_makes_it_fail(body: bytes) -> None:
    deliver = Deliver(url=URL, accept_when=AcceptWhen(json="a.b[0]"), reject_reason="c", buyers_id="d")
    assert judged(deliver, answer(200, body)).outcome in {Delivered.ACCEPTED, Delivered.REJECTED}


def test_deep_and_huge_answers() -> None:
    assert read_json(b"[" * 100_000) is None
    for number in (b"1e999999999", b"1e-999999999", b"9" * 5_000):
        verdict = judged(Deliver(url=URL, buyers_id="n"), answer(200, b'{"n": ' + number + b"}"))
        assert verdict == Verdict(outcome=Delivered.ACCEPTED)
    assert judged(Deliver(url=URL, buyers_id="n"), answer(200, b'{"n": 21.50}')).buyers_id == "21.50"
