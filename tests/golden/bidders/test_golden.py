"""The golden files of the dialects: `exemplary/` is their documentation, `supplemental/` holds the odd cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.golden.bidders.golden import (
    DEADLINE_MS,
    NOW_MS,
    PING,
    answer_of,
    asked_of,
    bid_of,
    fields_in,
    quote_of,
    read_golden,
    said,
    shown,
    shown_request,
)

from trunkline.config.bids import Bid
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.dialect import DIALECTS, INBOUNDS, Dialect, dialect_of
from trunkline.engine.bidders.reading import Reading

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
ALL = sorted((*HERE.glob("exemplary/*.yaml"), *HERE.glob("supplemental/*.yaml")))
FILES = [path for path in ALL if "-inbound" not in path.stem]
INBOUND_FILES = [path for path in ALL if "-inbound" in path.stem]
PARTS = {"about", "bid", "asked", "ping", "answers", "confirm", "post"}
INBOUND_PARTS = {"about", "inbound", "heard", "taken", "quote", "bid", "no_bid", "confirmed", "gone"}


def same_request(found: dict[str, Any] | None, wanted: dict[str, Any] | None) -> None:
    if wanted is None or found is None:
        assert found == wanted
        return
    headers = found["headers"]
    assert {name: headers.get(name) for name in wanted.get("headers", {})} == wanted.get("headers", {})
    assert {name: value for name, value in found.items() if name != "headers"} == {
        name: value for name, value in wanted.items() if name != "headers"
    }


def readings(dialect: Dialect, bid: Bid, written: list[dict[str, Any]]) -> Reading | None:
    """Read every answer as the file says; the first bid among them."""
    first = None
    for each in written:
        reading = dialect.read(bid, answer_of(each), "USD", NOW_MS)
        assert shown(reading) == each["reads"], each
        if first is None and reading.answered == "bid":
            first = reading
    return first


def confirmations(dialect: Dialect, bid: Bid, asked: Asked, reading: Reading | None, written: dict[str, Any]) -> None:
    assert reading is not None, "a file with a confirmation needs an answer that is a bid"
    same_request(shown_request(dialect.confirm(bid, asked, reading, PING)), written["request"])
    for each in written.get("answers", []):
        assert shown(dialect.confirmed(bid, answer_of(each))) == each["reads"], each


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_dialect_does_what_its_golden_file_says(path: Path) -> None:
    golden = read_golden(path)
    assert set(golden) <= PARTS
    bid, asked = bid_of(golden["bid"]), asked_of(golden.get("asked", {}))
    dialect = dialect_of(bid.dialect)
    if "ping" in golden:
        same_request(shown_request(dialect.ping(bid, asked, DEADLINE_MS, PING)), golden["ping"])
    reading = readings(dialect, bid, golden.get("answers", []))
    if "confirm" in golden:
        confirmations(dialect, bid, asked, reading, golden["confirm"])
    if "post" in golden:
        assert reading is not None
        same_request(shown_request(dialect.post(bid, asked, reading, PING)), golden["post"]["request"])
        for each in golden["post"]["answers"]:
            assert shown(dialect.posted(bid, answer_of(each))) == each["reads"], each


@pytest.mark.parametrize("path", INBOUND_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_network_is_understood_and_answered_as_its_golden_file_says(path: Path) -> None:
    golden = read_golden(path)
    assert set(golden) <= INBOUND_PARTS
    inbound = INBOUNDS[golden["inbound"]]
    for each in golden["heard"]:
        assert shown(inbound.heard(fields_in(each))) == {"sip": False, **each["means"]}, each
    for each in golden.get("taken", []):
        assert inbound.taken is not None
        assert shown(inbound.taken(fields_in(each))) == each["means"]
    quotes = [quote_of(each) for each in golden["quote"]]
    assert [said(inbound.bid(quote, NOW_MS)) for quote in quotes] == golden["bid"]
    assert said(inbound.no_bid(golden["no_bid"]["reason"])) == golden["no_bid"]["says"]
    if "confirmed" in golden:
        assert inbound.confirmed is not None
        assert inbound.gone is not None
        assert [said(inbound.confirmed(quote, NOW_MS)) for quote in quotes] == golden["confirmed"]
        assert said(inbound.gone(quotes[0].ping, golden["gone"]["reason"])) == golden["gone"]["says"]


def test_every_dialect_has_a_file_that_explains_it() -> None:
    explained = {path.stem.split("-")[0] for path in HERE.glob("exemplary/*.yaml")}
    assert explained >= set(DIALECTS)
