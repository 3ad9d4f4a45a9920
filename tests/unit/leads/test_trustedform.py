"""The request that claims a TrustedForm certificate, and every documented answer to it."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from trunkline.engine.leads.trustedform import Claim, claim_of, claim_read
from trunkline.kernel.http import Answer

pytestmark = pytest.mark.unit

URL = "https://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947"


def answered(status: int, body: Any) -> Claim:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return claim_read(Answer(status=status, headers={}, body=raw, url=URL))


def test_the_request() -> None:
    request = claim_of(URL, "k3y", email="jane@example.com", phone="+15125550100", reference="lead-1", vendor="adwave")
    assert (request.method, request.url) == ("POST", URL)
    assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"API:k3y"
    assert request.headers["Api-Version"] == "4.0"
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/json"
    assert json.loads(request.body or b"") == {
        "match_lead": {"email": "jane@example.com", "phone": "5125550100"},
        "retain": {"reference": "lead-1", "vendor": "adwave"},
    }


@pytest.mark.parametrize(("phone", "sent"), [("+442071838750", "442071838750"), ("+15125550100", "5125550100")])
def test_a_phone_alone(phone: str, sent: str) -> None:
    request = claim_of(URL, "k", email=None, phone=phone, reference="r", vendor="v")
    assert json.loads(request.body or b"")["match_lead"] == {"phone": sent}


def test_a_certificate_that_is_the_leads_own() -> None:
    assert answered(
        200,
        {
            "outcome": "success",
            "reason": None,
            "match_lead": {"result": {"email_match": True, "phone_match": True, "success": True}},
            "retain": {
                "results": {
                    "expires_at": "2031-11-23T00:00:00.000Z",
                    "masked_cert_url": "https://cert.trustedform.com/masked",
                    "previously_retained": False,
                }
            },
        },
    ) == Claim(
        outcome="claimed",
        status=200,
        expires_at="2031-11-23T00:00:00.000Z",
        share_url="https://cert.trustedform.com/masked",
        email_match=True,
        phone_match=True,
    )


def test_a_certificate_of_somebody_else() -> None:
    body = {"outcome": "failure", "reason": "Phone does not match", "match_lead": {"result": {"phone_match": False}}}
    assert answered(200, body) == Claim(outcome="refused", reason="Phone does not match", status=200, phone_match=False)
    assert answered(200, {"outcome": "failure"}).reason == "the certificate is not the lead's"


@pytest.mark.parametrize(
    ("status", "outcome", "again"),
    [
        (400, "refused", False),
        (401, "error", False),
        (402, "error", False),
        (403, "error", False),
        (404, "refused", False),
        (405, "refused", False),
        (422, "error", False),
        (429, "error", True),
        (500, "error", True),
        (503, "error", True),
        (302, "error", False),
    ],
)
def test_every_other_status(status: int, outcome: str, again: bool) -> None:
    claim = answered(status, {"outcome": "error", "reason": "Told so", "message": "x"})
    assert (claim.outcome, claim.status, claim.again) == (outcome, status, again)
    assert claim.reason is not None
    assert claim.reason.endswith(": Told so")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"outcome": 7}', b'{"outcome": "error"}', b"\xff"])
def test_an_answer_that_says_nothing(body: bytes) -> None:
    claim = answered(200, body)
    assert claim.outcome == "error"
    assert claim.share_url is None
