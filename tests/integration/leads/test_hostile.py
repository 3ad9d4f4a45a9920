"""What strangers and broken programs send: defined answers, nothing lost, nothing kept of what was refused, no crash.

Every answer is also one that the OpenAPI document of the reference tells of; schemathesis invents requests from it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import urlencode

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.integration.leads.posts import KEY, post

from trunkline.events.leads import LeadReceived
from trunkline.kernel.clock import iso
from trunkline.testing.bidders.background import answering
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
    plan: all
    lead_fields:
      - {name: phone, type: phone}
      - {name: email, type: email}
      - {name: zip, type: zip}
      - {name: state, type: state}
      - {name: day, type: date, date_order: month_first}
      - {name: number, type: number, min: "-10", max: "1000000"}
      - {name: text, type: text, max_length: 200}
      - {name: choice, type: choice, choices: [Car, Truck]}
      - {name: yes_no, type: yes_no}
buyers: [{key: ace}]
targets: [{key: ace-crm, buyer: ace, deliver: {url: "ACE", headers: {X-Text: "[lead.text]"}}}]
plans: [{key: all, tiers: [{method: priority, routes: [{target: ace-crm, price: "35.00"}]}]}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""
TYPES = ("phone", "email", "zip", "state", "day", "number", "text", "choice", "yes_no")
HOSTILE: tuple[Any, ...] = (
    "", " \t\u00a0", "0", "-1", "null", "NaN", "Infinity", "1e308", "0x10", "٣", "１２", "−5", "9" * 40, "9" * 400,
    "' OR 1=1 --", "'; DROP TABLE leads; --", "<script>alert(1)</script>", "{{7*7}}", "${ENV:PATH}", "[lead.phone]",
    "[[", "[caller.number|x]", "../../etc/passwd", "%00%0a", "=cmd|' /C calc'!A0", "a\r\nX-Evil: 1", "a\x00b",
    "a\x1b[2Jb", "\u202eevil", "\ufeffx", "\ud7ff\ue000", "e\u0301" * 50,
    "👩\u200d👩", "ß", "İ", "a" * 201, "a" * 10_001,
    "(512) 555-0100 x9", "+1512555010", "+", "tel:+15125550100", "+999999999999999999", "a@b", "a@b..c", "a@xn--",
    '"a b"@c.example', "a@[127.0.0.1]", "ab@" + "c" * 260, "a@exämple.com", "2026-02-30", "13/13/2026", "0000-01-01",
    "31/12/2026", "78701-", "787O1",
    True, False, None, 0, -1, 10**30, -(10**400), 1.5, 1e300, [], ["x"], [[["x"]]], {}, {"a": "b"}, {"a": {"b": {}}},
)  # fmt: skip
OPENAPI = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
OPERATIONS = [result.ok() for result in schemathesis.openapi.from_path(OPENAPI).get_all_operations()]


class Market:
    """A switch and its one buyer. `acknowledged` are the ids of leads that were answered with one."""

    def __init__(self, switch: SwitchProcess, ace: LeadBuyer) -> None:
        self.switch, self.ace = switch, ace
        self.acknowledged: set[str] = set()

    def post(self, body: Any, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Post something to the intake."""
        status, answer, _ = post(self.switch, body, headers=headers)
        self.saw(answer)
        return status, answer

    def lead(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        """Post a lead."""
        return self.post({"campaign": "roofing", "fields": fields})

    def saw(self, answer: Any) -> None:
        """Remember a lead that was acknowledged."""
        if isinstance(answer, dict) and "id" in answer:
            self.acknowledged.add(answer["id"])

    def raw(self, data: bytes, wait_s: float = 30.0) -> bytes:
        """Send bytes on a connection of its own; everything that comes back until it ends."""
        host, _, port = self.switch.http.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=wait_s) as connection:
            connection.sendall(data)
            return until_end(connection)


def until_end(connection: socket.socket) -> bytes:
    """Everything that comes until the other side ends the connection, in order or not."""
    got = b""
    try:
        while piece := connection.recv(65_536):
            got += piece
    except ConnectionResetError:
        pass  # who does not read what was sent cannot end it in order
    return got


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    ace = LeadBuyer()
    with answering({"/ace": ace}) as server:
        text = CONFIG.replace("KEY1", hashlib.sha256(KEY.encode()).hexdigest()).replace("ACE", f"{server.url}/ace")
        with SwitchProcess(text, tmp_path_factory.mktemp("hostile")) as switch:
            yield Market(switch, ace)


def head(length: int | None = None, content_type: str = "application/json", extra: str = "") -> bytes:
    """The head of a post by hand."""
    lines = [
        "POST /v1/leads HTTP/1.1",
        "Host: switch",
        f"Authorization: Bearer {KEY}",
        f"Content-Type: {content_type}",
        *([] if length is None else [f"Content-Length: {length}"]),
        *([extra] if extra else []),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_field_with_hostile_values(market: Market, kind: str) -> None:
    for value in HOSTILE:
        status, answer = market.lead(**{kind: value})
        assert status in {201, 422}, (value, answer)
        if status == 422:
            assert {error["field"] for error in answer["field_errors"]} <= {kind, ""}
        elif isinstance(value, str) and kind == "text":
            sent = market.ace.leads[-1].json().get("text", "")
            assert sent == normalize("NFC", value.strip()), "as it was sent, and nothing filled in"
            assert "x-evil" not in market.ace.leads[-1].headers


def test_hostile_values_in_a_form(market: Market) -> None:
    for value in HOSTILE:
        if isinstance(value, str):
            body = urlencode({"campaign": "roofing", "text": value}).encode()
            status, _ = market.post(body, {"Content-Type": "application/x-www-form-urlencoded"})
            assert status in {201, 422}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"roofing"', 400),
        (b'{"campaign": "roofing", "fields": {}} trailing', 400),
        (b'{"campaign": "roofing", "fields": {"text": "\\ud800"}}', 400),
        (b'{"campaign": "roofing", "fields": {"text": "\xc3\x28"}}', 400),
        (b'\xef\xbb\xbf{"campaign": "roofing", "fields": {}}', 400),
        (b'{"campaign": "roofing", "fields": {"number": 1e400}}', 422),
        (b'{"campaign": "roofing", "fields": {"number": ' + b"9" * 60_000 + b"}}", 400),
        (b'{"campaign": 7, "fields": {}}', 400),
        (b'{"campaign": "roofing", "fields": []}', 400),
        (b'{"campaign": "roofing", "fields": {}, "fields": {}}', 400),
        (b'{"campaign": "roofing", "fields": {"a": {"b": 1, "b": 2}}}', 400),
        (b'{"campaign": "roofing", "fields": {"text": "a", "\\u0074ext": "b"}}', 400),
        (b'{"campaign": "roofing", "fields": {"TEXT": "a", "text": "b"}}', 422),
        (b'{"campaign": "roofing", "fields": {}, "consent": "yes"}', 400),
        (b'{"campaign": "roofing", "fields": {}, "test": "yes"}', 400),
        (b'{"campaign": "roofing", "fields": {}, "source": "' + b"s" * 201 + b'"}', 400),
        (b'{"campaign": "roofing", "fields": {}, "admin": true}', 400),
        (b'{"campaign": "' + b"c" * 60_000 + b'", "fields": {}}', 404),
        (b'{"campaign": "roofing", "fields": {' + b'"a": {' * 9_000 + b"}" * 9_000 + b"}}", 400),
        (b'{"campaign": "roofing", "fields": {' + b'"a": {' * 40 + b"}" * 40 + b"}}", 422),
        (b'{"campaign": "roofing", "fields": ' + json.dumps({f"f{n}": n for n in range(201)}).encode() + b"}", 422),
        (gzip.compress(b'{"campaign": "roofing", "fields": {}}', mtime=0), 400),
    ],
)
def test_bodies_that_are_no_leads(market: Market, body: bytes, status: int) -> None:
    found, answer = market.post(body)
    assert found == status, answer
    assert answer["message"]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "\xff",
        "json",
    ],
)
def test_other_types_of_content(market: Market, content_type: str) -> None:
    raw = head(2, content_type).replace(b"Content-Type: \r\n", b"") + b"{}"
    assert raw_status(market.raw(raw)) == 415


def raw_status(answer: bytes) -> int | None:
    """The status of an answer; None when there is none."""
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None


def test_names_that_no_form_knows_are_kept_as_names_alone(market: Market) -> None:
    secret = "4111111111111111"
    status, answer = market.lead(phone="5125550100", card=secret, **{"a.b": "x", "__proto__": "y"})
    assert status == 201
    (event,) = [each for each in market.switch.journal_events() if getattr(each, "call", "") == answer["id"]][:1]
    assert isinstance(event, LeadReceived)
    assert set(event.ignored) == {"card", "a.b", "__proto__"}
    assert secret not in str(event)


def test_ten_megabytes_are_not_read(market: Market) -> None:
    """Only a part of them is sent: whoever waited for the rest would never answer."""
    size = 10 << 20
    assert raw_status(market.raw(head(size) + b" " * 200_000)) in {413, None}
    chunked = head(extra="Transfer-Encoding: chunked") + b"10000\r\n" + b" " * 65_536 + b"\r\n10000\r\n" + b" " * 65_536
    assert raw_status(market.raw(chunked)) in {413, None}
    assert market.post(b" " * 65_537)[0] == 413


def test_bodies_that_break_off_or_never_end(market: Market) -> None:
    whole = json.dumps({"campaign": "roofing", "fields": {"phone": "5125550111"}}).encode()
    host, _, port = market.switch.http.rpartition(":")
    before = market.ace.posts
    with socket.create_connection((host, int(port)), timeout=30) as dripping:
        dripping.sendall(head(len(whole)) + whole[:-1])  # the last byte never comes
        for cut in (0, 1, len(whole) // 2, len(whole) - 1):
            with socket.create_connection((host, int(port)), timeout=30) as gone:
                gone.sendall(head(len(whole)) + whole[:cut])
        assert market.lead(phone="5125550112")[0] == 201, "others are served meanwhile"
        assert until_end(dripping) == b"", "cut off without an answer"
    assert market.ace.posts == before + 1


def test_heads_that_lie(market: Market) -> None:
    body = b'{"campaign": "roofing", "fields": {}}'
    for extra in ("Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 1e3"):
        assert raw_status(market.raw(head(len(body), extra=extra) + body)) in {400, 413, None}
    for key in ("", "Basic eA==", "Bearer " + "k" * 20_000, "Bearer \u00e9", "bearer", "Bearer  "):
        raw = head(len(body)).replace(f"Bearer {KEY}".encode(), key.encode("latin-1")) + body
        assert raw_status(market.raw(raw)) in {401, 400, None}
    for key in (" ", "k" * 201, "a\tb"):
        assert raw_status(market.raw(head(len(body), extra=f"Idempotency-Key: {key}") + body)) == 400


def test_clocks_that_are_wrong(market: Market) -> None:
    now_ms = time.time_ns() // 1_000_000
    for at_ms, status in ((now_ms + 60_000, 201), (now_ms + 900_000, 422), (0, 201)):
        consent = {"at": iso(at_ms), "started_at": iso(at_ms - 1_000 if at_ms else 0)}
        found, answer = market.post({"campaign": "roofing", "fields": {"phone": "5125550113"}, "consent": consent})
        assert found == status, answer


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.path)
def test_whatever_is_sent_the_answer_is_documented(market: Market, operation: Any, mode: GenerationMode) -> None:
    if mode is GenerationMode.NEGATIVE and operation.method == "get":
        mode = GenerationMode.POSITIVE  # there is nothing that could be wrong with it
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    url = f"http://{market.switch.http}"

    with requests.Session() as session:

        @seed(7)
        @settings(
            max_examples=25, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode), st.sampled_from(["roofing", None]), st.booleans())
        def ask(case: Any, campaign: str | None, known: bool) -> None:
            if campaign is not None and isinstance(case.body, dict) and "campaign" in case.body:
                case.body["campaign"] = campaign  # or nearly all would end at its name
            headers = {"Authorization": f"Bearer {KEY}"} if known else {}
            response = case.call(base_url=url, session=session, headers=headers, timeout=10)
            case.validate_response(response, checks=checks)
            if operation.method == "post":
                market.saw(response.json())

        ask()


def test_in_the_end_a_lead_is_sold_and_every_acknowledged_one_is_known(market: Market) -> None:
    assert market.lead(phone="5125550199")[0] == 201
    received = {event.call for event in market.switch.journal_events() if isinstance(event, LeadReceived)}
    assert received == market.acknowledged
    assert "Traceback" not in market.switch.log()
