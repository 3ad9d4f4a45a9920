"""What publishers are answered is what OpenAPI tells of it."""

from __future__ import annotations

import json

import jsonschema
import pytest

from trunkline.engine.leads.form import FieldError
from trunkline.kernel.money import Money
from trunkline.switch.leads.answers import Answer
from trunkline.switch.leads.openapi import openapi
from trunkline.switch.pings.orders import Bidding, Confirmed, NoBidding, Refusal
from trunkline.switch.pings.posting import expired, forged
from trunkline.switch.pings.replies import confirmed, told

pytestmark = pytest.mark.unit

DOCUMENT = openapi()
LEAD = Bidding(token="ping_1.0.0", bid=Money(2700, "USD"), expires_ms=1_795_453_200_000)
CALL = Bidding(
    token="ping_1.0.0",
    bid=Money(40, "JPY"),
    expires_ms=0,
    number="+18335550100",
    sip="sip:+18335550100@203.0.113.5:5060",
    event="duration",
    after_ms=90_000,
)
BRIEF = Bidding(token="ping_1.0.0", bid=Money(1, "USD"), expires_ms=0, number="+18335550100", event="connect")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/ping", told(LEAD)),
        ("/v1/ping", told(CALL)),
        ("/v1/ping", told(BRIEF)),
        ("/v1/ping", told(NoBidding(reasons=("no_buyer_area",)))),
        ("/v1/ping", told(Refusal(status=429, code="ping_budget", message="no more", retry_s=7))),
        (
            "/v1/ping",
            told(Refusal(status=422, code="invalid", message="x", errors=(FieldError("zip", "required", "x"),))),
        ),
        ("/v1/confirm", confirmed(Confirmed(held=True, bidding=CALL))),
        ("/v1/confirm", confirmed(Confirmed(held=False, bidding=CALL))),
        ("/v1/confirm", confirmed(Refusal(status=409, code="used", message="the call has come"))),
        ("/v1/confirm", confirmed(expired())),
        ("/v1/post", expired()),
        ("/v1/post", forged()),
    ],
)
def test_answers(path: str, answer: Answer) -> None:
    content = DOCUMENT["paths"][path]["post"]["responses"][str(answer.status)]["content"]["application/json"]
    jsonschema.Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]}).validate(
        json.loads(answer.body)
    )


def test_terms_of_a_call() -> None:
    document = json.loads(told(CALL).body)
    assert document["bid"] == "40"
    assert document["terms"] == {"event": "duration", "seconds": 90}
    assert json.loads(told(BRIEF).body)["terms"] == {"event": "connect"}
    assert "terms" not in json.loads(told(LEAD).body)


def test_when_to_come_again_stands_in_the_header() -> None:
    answer = told(Refusal(status=429, code="ping_budget", message="no more", retry_s=7))
    assert dict(answer.headers)[b"retry-after"] == b"7"
