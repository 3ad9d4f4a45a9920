"""How the demo tells of its leads, and what it finds otherwise than written."""

from __future__ import annotations

import msgspec
import pytest
from rich.console import Console

from trunkline.cli.demo_leads import lead_figures, lead_line, leads_table
from trunkline.cli.demo_screen import Board
from trunkline.events.calls import Converted, OfferReserved, PayoutEarned
from trunkline.events.leads import DeliveryEnded, LeadReceived
from trunkline.kernel.money import Money
from trunkline.testing.demo.lead_log import LeadLog, LeadShown, differences
from trunkline.testing.demo.leads import LEADS, LeadPart

pytestmark = pytest.mark.unit

CASCADE = next(part for part in LEADS if part.tried)


def log_of(part: LeadPart, *, status: str | None = "accepted") -> LeadLog:
    """A lead that one buyer refused and the next took."""
    log = LeadLog()
    lead = log.posted(part)
    lead.id, lead.status, lead.took_ms = "lead_1", status, 12
    said = {"account": "a", "call": "lead_1", "at_ms": 1}
    log.take(LeadReceived(**said, campaign="c", publisher="p", source=None, via="post", basis={}, consent={},
                          ignored=(), attributes={"geo.state": "FL"}, snapshot="s"))  # fmt: skip
    for place, (buyer, outcome) in enumerate((("peak", "rejected"), ("shingle", "accepted"))):
        log.take(OfferReserved(**said, attempt=f"att_{place}", lease="l", rank=1, route="r", target=f"{buyer}-crm",
                               buyer=buyer, tier="t", method="priority", price=Money(1800, "USD"), conversion="x",
                               decision_us=1, snapshot="s"))  # fmt: skip
        log.take(DeliveryEnded(**said, attempt=f"att_{place}", outcome=outcome))
    log.take(Converted(**said, attempt="att_1", buyer="shingle", route="r", amount=Money(1800, "USD"), rule="accepted"))
    log.take(PayoutEarned(**said, attempt="att_1", publisher="p", amount=Money(1080, "USD"), rule="1"))
    return log


def test_a_lead_is_told_with_who_refused_it() -> None:
    lead = log_of(CASCADE).settle()[0]
    line = lead_line(3, lead)
    assert line.startswith("lead  3  +1********71  [33101 FL]  peak-crm refused:  sold shingle-crm")
    assert line.endswith("answered in 12 ms  revenue 18.00 USD, payout 10.80")
    assert lead_figures([lead, LeadShown(part=CASCADE, status="duplicate")]) == [
        "accepted       1",
        "duplicate      1",
        "revenue 18.00 USD, payout 10.80, margin 7.20",
    ]


@pytest.mark.parametrize("width", [60, 160])
def test_the_live_picture_has_the_newest_leads_below_the_calls(width: int) -> None:
    leads = [*log_of(CASCADE).settle(), LeadShown(part=LEADS[0])]
    console = Console(width=width, height=24, record=True, force_terminal=True)
    console.print(Board(console).live((), "head", leads))
    shown = console.export_text()
    assert "posted" in shown
    assert "sold shingle" in shown
    console.print(leads_table(leads, wide=True, rows=1))
    assert "sold" not in console.export_text()


def test_as_written_is_no_difference() -> None:
    assert differences(log_of(CASCADE).settle()) == []


@pytest.mark.parametrize(
    ("part", "status", "words"),
    [
        (CASCADE, None, "was answered nothing"),
        (CASCADE, "unmatched", "was answered unmatched"),
        (msgspec.structs.replace(CASCADE, buyer="peak"), "accepted", "went to shingle, not to peak"),
        (msgspec.structs.replace(CASCADE, tried=()), "accepted", "was tried with"),
    ],
)
def test_what_is_otherwise_is_said(part: LeadPart, status: str | None, words: str) -> None:
    found = differences(log_of(part, status=status).settle())
    assert len(found) == 1
    assert words in found[0]


def test_a_sale_without_money_is_said() -> None:
    log = log_of(CASCADE)
    log.settle()
    lead = msgspec.structs.replace(log.leads[0], revenue=None)
    assert differences([lead]) == ["the lead of (305) 555-0171 earned nothing"]
    assert not lead.told
