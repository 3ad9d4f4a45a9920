"""The searches for a buyer that a lead has made, read from its events: what the router was asked, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from trunkline.config.schema import Kind
from trunkline.engine.geo.overlay import Overlay
from trunkline.engine.leads.aging import buyers_that_had
from trunkline.engine.leads.outcomes import TAKEN
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.replay import Told
from trunkline.engine.routing.router import Router
from trunkline.engine.terms.promises import promise_of
from trunkline.events.auctions import AuctionHeld
from trunkline.events.calls import CallPromised, CallRepeated, CallRouted, OfferReserved
from trunkline.events.contacts import Seen
from trunkline.events.entry import Event
from trunkline.events.leads import DeliveryEnded, LeadAged, LeadReceived
from trunkline.kernel.clock import MS, Instant

_STATED: Final = "stated"
_NO_CALLER: Final = frozenset({"caller.anonymous"})


class LeadSearch(msgspec.Struct, frozen=True, kw_only=True):
    """One search, ended by `routed`. `taken` are targets of the lead's offers before it; `sold` are its routes whose
    buyers took the lead, `had` the buyers who took it in an earlier one. An aged lead was `spared` those who were sent
    it.
    """

    received: LeadReceived
    routed: CallRouted
    taken: frozenset[str]
    history: tuple[Seen, ...]
    auctions: tuple[AuctionHeld, ...] = ()
    promised: CallPromised | None = None
    sold: tuple[str, ...] = ()
    had: tuple[str, ...] = ()
    spared: frozenset[str] = frozenset()

    @property
    def began_ms(self) -> int:
        """When it began (UTC milliseconds)."""
        return self.routed.began_ms or self.received.at_ms

    def told(self) -> Told:
        """What the journal says of it."""
        routed = self.routed
        auctions = tuple(event for event in self.auctions if event.at_ms >= self.began_ms)
        broken_off = any(not event.settled for event in auctions)
        return Told(
            offered=routed.offered,
            rejected=routed.rejected,
            more=routed.more,
            ended=routed.outcome == "unsold" or routed.reason is not None or not (routed.offered or broken_off),
            reason=routed.reason,
            auctions=auctions,
            sold=self.sold,
            had=self.had,
        )


def lead_searches(events: Sequence[Event]) -> list[LeadSearch]:
    """All searches of one lead, in order. `events` are the lead's, in order."""
    found: list[LeadSearch] = []
    received: LeadReceived | None = None
    history: tuple[Seen, ...] = ()
    offers: list[OfferReserved] = []
    auctions: list[AuctionHeld] = []
    promised: CallPromised | None = None
    bought: set[str] = set()
    spared: frozenset[str] = frozenset()
    for place, event in enumerate(events):
        match event:
            case LeadAged():
                spared = buyers_that_had(events[:place])
            case LeadReceived():
                received = event
            case CallRepeated():
                history = event.seen
            case OfferReserved():
                offers.append(event)
            case CallPromised():
                promised = event
            case LeadAged():
                promised = None  # nobody took it at the bid: it is offered again without
            case DeliveryEnded():
                if event.outcome in TAKEN:
                    bought.add(event.attempt)
            case AuctionHeld():
                auctions.append(event)
            case CallRouted():
                assert received is not None, "a lead is received before it is routed"
                first = len(offers) - len(event.offered)
                taken = frozenset(offer.target for offer in offers[: max(0, first)])
                found.append(
                    LeadSearch(
                        received=received,
                        routed=event,
                        taken=taken,
                        history=history,
                        auctions=tuple(auctions),
                        promised=promised,
                        sold=tuple(offer.route for offer in offers if offer.attempt in bought),
                        had=tuple(offer.buyer for offer in offers[: max(0, first)] if offer.attempt in bought),
                        spared=spared,
                    )
                )
                auctions.clear()
            case _:
                pass
    return found


def lead_query_of(search: LeadSearch, router: Router, overlay: Overlay) -> Query:
    """What the router was asked. `overlay` is the import of the numbering plan that counted."""
    received, routed, promised = search.received, search.routed, search.promised
    spared = {key for key, target in router.index.targets.items() if target.buyer in search.spared}
    return Query(
        account=received.account,
        kind=Kind.LEAD,
        campaign=received.campaign,
        publisher=received.publisher,
        source=received.source,
        number=None,
        attributes=_attributes(search, router, overlay),
        now=Instant(search.began_ms * MS, search.began_ms),
        seed=routed.seed,
        plan=routed.plan,
        taken=search.taken | spared,
        history=search.history,
        geo=overlay.version,
        promise=None if promised is None else promise_of(promised, received.publisher),
        bids=None if promised is None else {target: Bid("bid", amount) for target, amount in promised.bids.items()},
    )


def _attributes(search: LeadSearch, router: Router, overlay: Overlay) -> dict[str, Attribute]:
    """What was known: what is stored, as it was stored, and what follows from it by chance alone."""
    received = search.received
    stored = {name: Attribute(value, received.basis.get(name, "")) for name, value in received.attributes.items()}
    phone = received.attributes.get("caller.number")
    origin = router.origin(phone, received.publisher, received.source, None, None, None, overlay)
    said = {name: value for name, value in stored.items() if value.basis == _STATED}
    derived = derive(origin, said, search.began_ms, _NO_CALLER if phone is None else frozenset())
    found = {name: derived[name] if _same(value, derived.get(name)) else value for name, value in stored.items()}
    found |= {name: value for name, value in derived.items() if value.chances and name not in stored}
    if search.began_ms // 60_000 != received.at_ms // 60_000:
        found |= {name: value for name, value in derived.items() if name.startswith("time.") and name in stored}
    return found


def _same(one: Attribute, other: Attribute | None) -> bool:
    return other is not None and (one.value, one.basis) == (other.value, other.basis)
