"""Requests as values."""

from __future__ import annotations

import pytest

from trunkline.kernel.http import Request

pytestmark = pytest.mark.unit


def test_what_is_shown_of_a_request_holds_no_secret() -> None:
    url = "https://us:hunter2@buyer.example:8443/k-4711?key=k-4711"
    request = Request(method="POST", url=url, headers={"X-Api-Key": "k-4711"}, body=b"k-4711")
    assert repr(request) == "Request(POST https://buyer.example:8443/…, headers: X-Api-Key)"
    assert "k-4711" not in f"{[request]}"
    assert repr(Request(method="GET", url="http://x?y")) == "Request(GET http://x/…, headers: none)"
