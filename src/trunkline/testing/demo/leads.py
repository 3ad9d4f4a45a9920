"""The leads of the demo: when each is posted, what its form says, how it must be answered, and the buyers' servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trunkline.testing.bidders.behaviours import after
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Behaviour, Received, Script

KEY: Final = "demo-key-of-form-house"
"""The API key of the publisher of leads; the configuration has its SHA-256 sum."""
CAMPAIGN: Final = "roof-leads"
SILENT_S: Final = 30.0
"""A server that answers so late does not answer."""


class LeadPart(msgspec.Struct, frozen=True, kw_only=True):
    """One post of the play: the fields of the form, and the `status` of the answer.

    A lead that is accepted goes to `buyer`. `tried` are outcomes of deliveries that must come before.
    """

    at_s: float
    fields: Mapping[str, str]
    status: str
    buyer: str | None = None
    tried: tuple[str, ...] = ()


def _lead(
    at_s: float,
    phone: str,
    zip_code: str,
    status: str,
    buyer: str | None = None,
    *tried: str,
    roof: str = "shingle",
    name: str = "Ann Example",
) -> LeadPart:
    fields = {"phone": phone, "zip": zip_code, "name": name, "roof": roof}
    return LeadPart(at_s=at_s, fields=fields, status=status, buyer=buyer, tried=tried)


LEADS: Final[tuple[LeadPart, ...]] = (
    _lead(1.0, "(512) 555-0170", "78701", "accepted", "peak"),
    _lead(4.5, "512-555-0170", "78701", "duplicate"),
    _lead(9.0, "(305) 555-0171", "33101", "accepted", "shingle", "rejected"),
    _lead(12.0, "(415) 555-0172", "94103", "unmatched"),
    _lead(15.0, "none", "787", "invalid"),
    _lead(19.0, "(405) 555-0173", "73102", "accepted", "shingle", "timeout", roof="tile"),
    _lead(21.0, "(214) 555-0175", "75201", "held", name="Test Tester"),
    _lead(23.0, "(918) 555-0174", "74103", "accepted", "peak", roof="metal"),
)


def lead_buyers() -> dict[str, Script]:
    """The servers of the buyers, by path: one takes what it has a crew for, one takes all and one is asleep."""
    return {"/peak": LeadBuyer(_in_the_south), "/shingle": LeadBuyer(), "/tile": _asleep()}


def _in_the_south(lead: Received) -> tuple[int, Any]:
    fields = lead.json()
    if fields["state"] == "FL":
        return 200, {"status": "no", "why": "no crew in Florida"}
    return 200, {"status": "ok"}


def _asleep() -> Behaviour:
    return after(SILENT_S, LeadBuyer())
