"""What the demo shows, drawn for terminals of several sizes."""

from __future__ import annotations

import io
from decimal import Decimal

import msgspec
import pytest
from rich.console import Console, RenderableType

from trunkline.cli.demo_figures import add_up, amount, percentile
from trunkline.cli.demo_screen import Board, answers
from trunkline.cli.demo_summary import most_told
from trunkline.engine.calls.records import AttemptRecord, CallRecord
from trunkline.events.calls import Rejection

pytestmark = pytest.mark.unit


def attempt(target: str, outcome: str | None, *, connected: bool = False) -> AttemptRecord:
    return AttemptRecord(
        attempt=f"a-{target}",
        route=f"injury.contract.{target}",
        target=target,
        buyer=target,
        at="2026-11-23T15:00:00.000Z",
        price="95.00",
        outcome=outcome,
        ring_ms=3000,
        connected=connected,
    )


def call(ident: str, **fields: object) -> CallRecord:
    record = CallRecord(
        id=ident,
        account="meridian",
        at="2026-11-23T15:00:00.000Z",
        caller="+15125559876",
        number="+18335550100",
        campaign="injury",
        publisher="adwave",
        source=None,
        trunk="loopback",
        answered="2026-11-23T15:00:00.000Z",
        attributes={
            "caller.language": {"value": "en", "basis": "ivr"},
            "geo.zip": {"value": "78701", "basis": "ivr"},
            "geo.area_code": {"value": "512", "basis": "number"},
            "geo.state": {"value": "TX", "basis": "zip"},
        },
    )
    return msgspec.structs.replace(record, **fields)


SOLD = call(
    "sold",
    outcome="sold",
    target="hill-country",
    buyer="hill-country",
    converted=True,
    revenue="95.00",
    payout="45.00",
    currency="USD",
    duration_ms=15_239,
    decision_us=349,
    post_dial_ms=3.6,
    attempts=[
        attempt("gulf", "busy"),
        attempt("border", "timeout"),
        attempt("hill-country", "connected", connected=True),
    ],
    rejected=[Rejection("injury.contract.lone-star", "lone-star", "limit", "buyer", "live", None, 2, 2)],
)


def drawn(what: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def board(width: int, height: int = 24) -> Board:
    return Board(Console(file=io.StringIO(), width=width, height=height, color_system=None))


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_every_line_fits(width: int) -> None:
    picture = drawn(board(width).live([SOLD], "head"), width)
    assert max(map(len, picture.splitlines())) <= width
    assert "95.00" in picture
    assert "45.00" in picture
    assert "15.2" in picture


def test_wide_terminals_show_names_and_latencies() -> None:
    picture = drawn(board(120).table([SOLD]), 120)
    assert "lone-star full, gulf busy, border silent" in picture
    assert "sold hill-country" in picture
    assert "en 78701 TX" in picture
    assert "349" in picture
    assert "3.6" in picture


def test_narrow_terminals_show_the_same_in_short() -> None:
    picture = drawn(board(80).table([SOLD]), 80)
    assert "full, busy, silent" in picture
    assert "✓ hill-country" in picture
    assert "78701 TX" in picture


@pytest.mark.parametrize("width", [80, 120])
def test_callers_are_masked(width: int) -> None:
    shown = board(width)
    assert "512555" not in drawn(shown.table([SOLD]), width)
    assert "512555" not in shown.line(SOLD)
    assert "76" in drawn(shown.table([SOLD]), width)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"answered": None}, "arriving"),
        ({}, "in the flow"),
        ({"attempts": [attempt("gulf", None)]}, "rings gulf"),
        ({"attempts": [attempt("gulf", "busy")]}, "next buyer"),
        ({"attempts": [attempt("national", None, connected=True)]}, "with national"),
        ({"outcome": "unsold", "unsold_reason": "no_route"}, "no buyer there"),
        ({"outcome": "unsold", "unsold_reason": "hours"}, "hours"),
        ({"outcome": "abandoned"}, "caller hung up"),
        ({"outcome": "ivr_ended"}, "not qualified"),
        ({"outcome": "voicemail"}, "left a message"),
        ({"outcome": "failed"}, "failed"),
    ],
)
def test_a_state_in_words(fields: dict[str, object], words: str) -> None:
    assert words in drawn(board(120).table([call("one", **fields)]), 120)


@pytest.mark.parametrize("height", [12, 24, 60])
def test_the_live_picture_fits_and_drops_ended_calls_first(height: int) -> None:
    calls = [call(f"ended-{n}", outcome="abandoned") for n in range(40)] + [call(f"live-{n}") for n in range(3)]
    picture = drawn(board(100, height).live(calls, "head"), 100)
    assert len(picture.splitlines()) <= height
    assert picture.count("in the flow") == 3


def test_an_area_stands_for_a_zip_that_nobody_gave() -> None:
    known = {name: found for name, found in SOLD.attributes.items() if name != "geo.zip"}
    assert answers(call("one", attributes=known)) == "en (512) TX"


def test_ended_calls_are_told_once() -> None:
    shown = board(80)
    assert len(shown.ended_lines([SOLD, call("going on")])) == 1
    assert shown.ended_lines([SOLD]) == []


def test_the_sums() -> None:
    figures = add_up([SOLD, SOLD, call("on"), call("gone", outcome="abandoned")])
    assert (figures.calls, figures.live, figures.outcomes) == (4, 1, {"sold": 2, "abandoned": 1})
    assert (figures.revenue, figures.payout, figures.margin) == (Decimal(190), Decimal(90), Decimal(100))
    assert (figures.margin_percent, figures.currency, figures.decisions_us) == (52, "USD", [349, 349])
    assert amount(Decimal("1840.5")) == "1,840.50"


def test_nothing_adds_up_to_nothing() -> None:
    figures = add_up([])
    assert (figures.revenue, figures.margin_percent, percentile(figures.decisions_us, 50)) == (Decimal(0), 0, None)


@pytest.mark.parametrize(("percent", "value"), [(1, 10), (50, 20), (51, 30), (99, 40), (100, 40)])
def test_percentiles_are_nearest_rank(percent: int, value: int) -> None:
    assert percentile([10, 20, 30, 40], percent) == value


def test_the_call_with_most_offers_is_told() -> None:
    plain = msgspec.structs.replace(SOLD, id="plain", attempts=SOLD.attempts[2:])
    assert most_told([plain, SOLD, call("gone", outcome="abandoned")]) is SOLD
    assert most_told([call("gone", outcome="abandoned")]) is None
