"""How the demo tells of its auctions."""

from __future__ import annotations

import pytest
from rich.console import Console

from trunkline.cli.demo_auctions import auction_text, newest
from trunkline.cli.demo_screen import Board
from trunkline.events.auctions import AuctionHeld, Ping
from trunkline.kernel.money import Money
from trunkline.testing.demo.checks import AUCTIONS, SLACK_MS, auction_differences

pytestmark = pytest.mark.unit


def auction(took_ms: int = 601, sleepy: str = "timeout") -> AuctionHeld:
    pings = (
        Ping(route="i.b.north", target="north", fate="won", amount=Money(6400, "USD"), after_ms=131),
        Ping(route="i.b.house", target="house", fate="lost", amount=Money(4000, "USD")),
        Ping(route="i.b.penny", target="penny", fate="below_floor", amount=Money(1500, "USD"), after_ms=12),
        Ping(route="i.b.sleepy", target="sleepy", fate=sleepy, after_ms=600),
    )
    return AuctionHeld(
        account="a", call="call_1", at_ms=1, plan="i", tier="b", deadline_ms=1_000, took_ms=took_ms, pings=pings
    )


def test_everybodys_bid_stands_on_one_line() -> None:
    assert auction_text(auction(), 2).plain == (
        "auction  2  north 64.00 won (131 ms), house 40.00 lost, penny 15.00 below the floor (12 ms), sleepy silent"
        "  settled in 601 ms of 1000"
    )


def test_the_live_picture_has_the_newest() -> None:
    console = Console(width=160, height=24, record=True, force_terminal=True)
    console.print(Board(console).live((), "head", (), [auction()] * 3))
    shown = console.export_text()
    assert "auction  3" in shown
    assert "auction  1" not in shown
    assert len(newest([auction()] * 3, 3)) == 3


def test_a_hung_bidder_that_is_silent_is_as_written() -> None:
    assert auction_differences([auction()] * AUCTIONS) == []


@pytest.mark.parametrize(
    ("auctions", "words"),
    [
        ([auction()] * (AUCTIONS - 1), "auctions were held"),
        ([auction()] * (AUCTIONS - 1) + [auction(sleepy="lost")], "was to be silent"),
        ([auction()] * (AUCTIONS - 1) + [auction(took_ms=1_001 + SLACK_MS)], "took"),
    ],
)
def test_what_is_otherwise_is_said(auctions: list[AuctionHeld], words: str) -> None:
    found = auction_differences(auctions)
    assert len(found) == 1
    assert words in found[0]
