"""Questions to other servers about a lead, and what their answers say of it."""

from __future__ import annotations

import json

import pytest

from trunkline.config.lead_rules import Lookup
from trunkline.engine.leads.lookups import VALUE_LENGTH_MAX, looked_up, question_of
from trunkline.kernel.http import Answer

pytestmark = pytest.mark.unit

INTO = {"tag.listed": "result.listed", "tag.score": "result.scores[0]", "tag.who": "who"}
KNOWN = {"lead.phone": "+15125550100", "lead.note": "a&b\r\nX: y"}


def answer(body: bytes, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=body, url="https://scrub.example/")


def test_a_question_in_the_query() -> None:
    lookup = Lookup(
        url="https://scrub.example/[lead.phone]?v=1",
        fields={"p": "[lead.phone]", "n": "[lead.note]"},
        headers={"X-Key": "7", "X-Note": "[lead.note]"},
        into=INTO,
    )
    request = question_of(lookup, KNOWN)
    assert request.method == "GET"
    assert request.url == "https://scrub.example/%2B15125550100?v=1&p=%2B15125550100&n=a%26b%0D%0AX%3A+y"
    assert request.headers == {"Accept": "application/json", "X-Key": "7", "X-Note": "a&bX: y"}
    assert request.body is None


def test_a_question_in_json() -> None:
    lookup = Lookup(url="https://scrub.example/", method="POST", fields={"p": "[lead.phone]"}, into=INTO)
    request = question_of(lookup, KNOWN)
    assert json.loads(request.body or b"") == {"p": "+15125550100"}
    assert request.headers["Content-Type"] == "application/json"


def test_an_answer_becomes_tags() -> None:
    lookup = Lookup(url="https://scrub.example/", into=INTO)
    body = json.dumps({"result": {"listed": True, "scores": [0.25]}, "who": "x" * 2_000}).encode()
    found = looked_up(lookup, answer(body))
    assert {name: attribute.value for name, attribute in found.items()} == {
        "tag.listed": "yes",
        "tag.score": "0.25",
        "tag.who": "x" * VALUE_LENGTH_MAX,
    }
    assert {attribute.basis for attribute in found.values()} == {"lookup"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"[1]", 200),
        (b'{"result": {"listed": null}}', 200),
        (b'{"who": "x"}', 500),
    ],
)
def test_an_answer_that_says_nothing_leaves_tags_unknown(body: bytes, status: int) -> None:
    assert looked_up(Lookup(url="https://scrub.example/", into=INTO), answer(body, status)) == {}
