"""Deliveries that do not fit together."""

from __future__ import annotations

import pytest

from trunkline.config.deliveries import AcceptWhen, Deliver
from trunkline.config.delivery_checks import check_deliver
from trunkline.config.problems import Findings

pytestmark = pytest.mark.unit

URL = "https://buyer.example/leads"


def problems(deliver: Deliver) -> list[tuple[str, str, str]]:
    findings = Findings("account.yaml")
    check_deliver(findings, ("deliver",), deliver)
    return [(problem.path, problem.code, problem.message) for problem in findings.sorted()]


def test_deliveries_that_fit_together() -> None:
    assert (
        problems(
            Deliver(
                url=f"{URL}/[lead.kind|any]?[[x]",
                format="xml",
                fields={"Phone_1": "[lead.phone]", "src": "[source.key|none] of [tag.team]"},
                headers={"X-Key": "7", "X-State": "[geo.state]"},
                accept_when=AcceptWhen(json="data.items[0].status", equals="ok"),
                duplicate_when=AcceptWhen(status=409),
                reject_reason="why",
                buyers_id="id",
            )
        )
        == []
    )
    assert problems(Deliver(url=URL, format="xml", method="GET", fields={"a b": "x"})) == []


@pytest.mark.parametrize(
    ("deliver", "place", "code"),
    [
        (Deliver(url=f"{URL}/[geo.planet]"), "url", "unknown_attribute"),
        (Deliver(url=URL, fields={"a": "[lead.phone] [call.id]"}), "fields.a", "unknown_attribute"),
        (Deliver(url=URL, format="xml", fields={"a b": "x"}), "fields.a b", "bad_delivery"),
        (Deliver(url=URL, headers={"X Key": "7"}), "headers.X Key", "bad_header"),
        (Deliver(url=URL, headers={"Content-Length": "7"}), "headers.Content-Length", "bad_header"),
        (Deliver(url=URL, headers={"X-Key": "a\nb"}), "headers.X-Key", "bad_header"),
        (Deliver(url=URL, reject_reason="a..b"), "reject_reason", "bad_delivery"),
        (Deliver(url=URL, buyers_id=""), "buyers_id", "bad_delivery"),
        (Deliver(url=URL, accept_when=AcceptWhen(json="[x]")), "accept_when.json", "bad_delivery"),
        (Deliver(url=URL, accept_when=AcceptWhen(status=200, equals="ok")), "accept_when.equals", "bad_delivery"),
        (Deliver(url=URL, duplicate_when=AcceptWhen()), "duplicate_when", "bad_delivery"),
    ],
)
def test_what_does_not_fit(deliver: Deliver, place: str, code: str) -> None:
    ((path, found, _),) = problems(deliver)
    assert path == f"deliver.{place}"
    assert found == code
