"""What became of the demo's leads: what their publisher was answered, and what the journal says of the sale."""

from __future__ import annotations

from typing import Final

import msgspec

from trunkline.events.calls import Converted, OfferReserved, PayoutEarned
from trunkline.events.entry import Event
from trunkline.events.leads import DeliveryEnded, LeadReceived
from trunkline.testing.demo.leads import LeadPart

ACCEPTED: Final = "accepted"


class LeadShown(msgspec.Struct, kw_only=True):
    """One post. `status` is None while it is not answered; `tried` are targets and outcomes before the sale."""

    part: LeadPart
    id: str | None = None
    status: str | None = None
    detail: str | None = None
    took_ms: int | None = None
    state: str | None = None
    buyer: str | None = None
    target: str | None = None
    tried: list[tuple[str, str]] = msgspec.field(default_factory=list)
    revenue: str | None = None
    payout: str | None = None

    @property
    def told(self) -> bool:
        """Whether all is known of it: an accepted lead is answered a moment before this reads it in the journal."""
        return self.status is not None and (self.status != ACCEPTED or self.revenue is not None)


class LeadLog:
    """All posts in the order in which they were made, filled in from answers and from the journal."""

    def __init__(self) -> None:
        self.leads: list[LeadShown] = []
        self._sales: dict[str, LeadShown] = {}
        self._offers: dict[str, OfferReserved] = {}

    def posted(self, part: LeadPart) -> LeadShown:
        """A lead is on its way."""
        lead = LeadShown(part=part)
        self.leads.append(lead)
        return lead

    def take(self, event: Event) -> None:
        """One event of the journal; those of calls change nothing."""
        if isinstance(event, LeadReceived):
            self._sales[event.call] = LeadShown(part=LeadPart(at_s=0, fields={}, status=""))
            self._sales[event.call].state = event.attributes.get("geo.state")
            return
        sale = self._sales.get(getattr(event, "call", ""))
        if sale is None:
            return
        if isinstance(event, OfferReserved):
            self._offers[event.attempt] = event
        elif isinstance(event, DeliveryEnded):
            offer = self._offers[event.attempt]
            if event.outcome == ACCEPTED:
                sale.buyer, sale.target = offer.buyer, offer.target
            else:
                sale.tried.append((offer.target, event.outcome))
        elif isinstance(event, Converted):
            sale.revenue = str(event.amount)
        elif isinstance(event, PayoutEarned):
            sale.payout = str(event.amount)

    def settle(self) -> list[LeadShown]:
        """The posts, with what the journal knows of them by now."""
        for lead in self.leads:
            sale = self._sales.get(lead.id or "")
            if sale is not None:
                lead.state, lead.buyer, lead.target, lead.tried = sale.state, sale.buyer, sale.target, sale.tried
                lead.revenue, lead.payout = sale.revenue, sale.payout
        return self.leads


def differences(leads: list[LeadShown]) -> list[str]:
    """What came out otherwise than written, a sentence each."""
    found = []
    for lead in leads:
        part, name = lead.part, f"the lead of {lead.part.fields['phone']}"
        if lead.status != part.status:
            found.append(f"{name} was answered {lead.status or 'nothing'} ({lead.detail}), not {part.status}")
            continue
        if lead.buyer != part.buyer:
            found.append(f"{name} went to {lead.buyer or 'nobody'}, not to {part.buyer or 'nobody'}")
        if part.buyer is not None and not (lead.revenue and lead.payout):
            found.append(f"{name} earned nothing")
        if tuple(outcome for _, outcome in lead.tried) != part.tried:
            found.append(f"{name} was tried with {lead.tried}, not {part.tried}")
    return found
